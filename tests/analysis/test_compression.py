import tracemalloc

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from latentmap import AutoEncoder
from latentmap.analysis import compress, decompress
from latentmap.analysis.compression import iter_decompressed, open_codes
from latentmap.data import ArraySource
from latentmap.errors import DataError, FileError, SettingError


class Pictures:
    """A PCA of the small digits, with a fingerprint and pixels in 0–1."""

    scale_ = 16.0
    row_shape_ = (8, 8)

    def __init__(self, n=16):
        self.pca = PCA(n, random_state=0).fit(load_digits().data)

    def transform(self, X):
        rows = X[:] if isinstance(X, ArraySource) else X
        return self.pca.transform(rows.reshape(len(rows), -1))

    def inverse_transform(self, Z):
        return self.pca.inverse_transform(Z).reshape(-1, 8, 8).astype(np.float32)

    def fingerprint(self):
        return f"{self.pca.n_components:04d}" * 16


@pytest.fixture(scope="module")
def model():
    return Pictures()


@pytest.fixture(scope="module")
def digits():
    return load_digits().images


@pytest.fixture
def place(tmp_path):
    return tmp_path / "digits.codes"


def error_of(back, rows):
    return np.mean(((back - rows.reshape(back.shape)) / 16) ** 2)


# -- what is told is what is so --------------------------------------------------------------------


@pytest.mark.parametrize(
    "limit", [{}, {"error": 0.02}, {"bytes_per_row": 6}, {"bytes_per_row": 12.5}]
)
def test_reported_error_and_size_are_correct(model, digits, place, limit):
    told = compress(model, digits, place, **limit)
    back = decompress(model, place)
    assert back.shape == digits.shape
    assert error_of(back, digits) == pytest.approx(told.mse, rel=1e-5)
    exact = model.inverse_transform(model.transform(digits))
    assert error_of(exact, digits) == pytest.approx(told.model_mse, rel=1e-5)
    assert told.file_bytes == place.stat().st_size
    assert told.raw_bytes == digits.nbytes
    assert told.ratio == pytest.approx(digits.nbytes / place.stat().st_size)


@pytest.mark.parametrize("factor", [1.02, 1.5, 4])
def test_error_is_just_below_the_limit(model, digits, place, factor):
    least = error_of(model.inverse_transform(model.transform(digits)), digits)
    told = compress(model, digits, place, error=factor * least)
    assert 0.97 * (factor - 1) < told.mse / least - 1 <= factor - 1


@pytest.mark.parametrize("allowed", [3, 8, 20])
def test_size_is_just_below_the_limit(model, digits, place, allowed):
    told = compress(model, digits, place, bytes_per_row=allowed)
    assert 0.97 * allowed < told.bytes_per_row <= allowed


def test_error_decreases_with_size(model, digits, place):
    errors = [compress(model, digits, place, bytes_per_row=b).mse for b in (2, 4, 8, 16)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1.01 * error_of(model.inverse_transform(model.transform(digits)), digits)


def test_file_is_smaller_than_with_uniform_rounding(model, digits, place):
    """Equal steps in 4 bits a component, against what the same error costs here."""
    codes = model.transform(digits)
    step = np.ptp(codes, axis=0).max() / 15
    error = error_of(model.inverse_transform(np.rint(codes / step) * step), digits)
    assert compress(model, digits, place, error=error).bytes_per_row < 0.8 * 8


def test_compression_is_deterministic(model, digits, place, tmp_path):
    compress(model, digits, place, bytes_per_row=5)
    compress(model, digits, tmp_path / "again.codes", bytes_per_row=5)
    assert place.read_bytes() == (tmp_path / "again.codes").read_bytes()


def test_limits_are_met_with_a_small_sample(model, digits, place, monkeypatch):
    monkeypatch.setattr("latentmap.analysis.rate_control.SAMPLE_ROWS", 40)
    for allowed in (3, 6):
        assert compress(model, digits, place, bytes_per_row=allowed).bytes_per_row <= allowed
    told = compress(model, digits, place, error=0.02)
    assert 0.015 < told.mse <= 0.02
    assert error_of(decompress(model, place), digits) <= 0.02


# -- any number of rows ----------------------------------------------------------------------------


def test_one_row(model, digits, place):
    told = compress(model, digits[:1], place)
    assert told.file_bytes < 300
    back = decompress(model, place)
    assert back.shape == (1, 8, 8)
    exact = model.inverse_transform(model.transform(digits[:1]))
    assert np.abs(back - exact).max() < 1


def test_few_rows(model, digits, place):
    for rows in (2, 3, 17):
        compress(model, digits[:rows], place, error=0.02)
        assert error_of(decompress(model, place), digits[:rows]) <= 0.02


def test_equal_rows(model, digits, place):
    same = np.repeat(digits[:1], 500, axis=0)
    told = compress(model, same, place)
    assert told.bytes_per_row < 1
    assert np.ptp(decompress(model, place), axis=0).max() == 0


def test_memory_use_is_bounded(place):
    class Wide:
        def transform(self, X):
            return np.asarray(X[:, :4])

        def inverse_transform(self, Z):
            return np.repeat(Z, 64, axis=1)

    class Endless(ArraySource):
        """A million rows that are made as they are read."""

        def __init__(self):
            super().__init__(np.broadcast_to(np.float32(0), (1_000_000, 256)), name="endless")

        def take(self, indices):
            return np.sin(np.asarray(indices, np.float32)[:, None] + np.arange(256, dtype="f4"))

    tracemalloc.start()
    told = compress(Wide(), Endless().subset(np.arange(150_000)), place, bytes_per_row=2)
    size = sum(len(rows) for rows in iter_decompressed(Wide(), open_codes(Wide(), place)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (told.rows, size) == (150_000, 150_000)
    assert peak < told.raw_bytes // 1.5


def test_outlying_code_does_not_affect_others(place):
    class Same:
        def transform(self, X):
            return np.asarray(X)

        inverse_transform = transform

    rows = np.random.default_rng(0).normal(size=(2000, 2))
    before = compress(Same(), rows, place, error=0.001).file_bytes
    rows[1000, 0] = 2.0**60
    assert compress(Same(), rows, place, error=0.001).file_bytes < before + 50
    assert decompress(Same(), place)[1000, 0] == 2.0**60


# -- labels ----------------------------------------------------------------------------------------


def test_labels_are_optional(model, digits, place):
    labels = load_digits().target
    source = ArraySource(digits, labels=labels)
    told = compress(model, source, place, error=0.02)
    assert np.array_equal(open_codes(model, place).labels, labels)
    less = compress(model, source, place, error=0.02, labels=False)
    assert open_codes(model, place).labels is None
    assert 0.3 < told.bytes_per_row - less.bytes_per_row < 0.6  # ten classes are 3.3 bits


# -- what is wrong ---------------------------------------------------------------------------------


def test_file_of_another_model_raises(model, digits, place):
    compress(model, digits, place)
    words = r"of this model, found those of another \(Pictures, 16 components, fingerprint 00160016"
    with pytest.raises(FileError, match=words):
        decompress(Pictures(8), place)
    with pytest.raises(FileError, match="this model's is none"):
        decompress(PCA(16), place)


def test_impossible_limit_raises_and_leaves_no_file(model, digits, place):
    place.write_text("old")
    for limit in ({"error": 1e-5}, {"bytes_per_row": 0.01}, {"error": -1}):
        with pytest.raises(SettingError):
            compress(model, digits, place, **limit)
    assert place.read_text() == "old"
    assert list(place.parent.iterdir()) == [place]


def test_error_that_is_possible_for_the_sample_only_raises(model, digits, place, monkeypatch):
    monkeypatch.setattr("latentmap.analysis.rate_control.SAMPLE_ROWS", 20)
    errors = ((model.inverse_transform(model.transform(digits)) - digits) / 16) ** 2
    rows = digits[np.argsort(errors.mean(axis=(1, 2)))]
    source = ArraySource(rows)
    monkeypatch.setattr(source, "sample", lambda most: source.subset(np.arange(most)))
    with pytest.raises(SettingError, match=r"error: expected more than 0\.0"):
        compress(model, source, place, error=0.7 * float(errors.mean()))
    assert not place.exists()


def test_nan_in_a_row_raises(model, digits, place):
    rows = digits.copy()
    rows[1700, 2, 3] = np.nan
    with pytest.raises(DataError, match=r"row 1700, column \(2, 3\)"):
        compress(model, rows, place)
    assert not place.exists()


def test_path_that_cannot_be_written_raises(model, digits, tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        compress(model, digits, tmp_path / "no" / "digits.codes")


# -- with an estimator of ours ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def table_model():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2)) @ rng.normal(size=(2, 5)) * [1, 10, 100, 1, 1] + 1000
    frame = pandas.DataFrame(X + 0.1 * rng.normal(size=X.shape), columns=list("abcde"))
    return AutoEncoder(2, scaling="columns", epochs=2, random_state=0).fit(frame), frame


def test_table_with_column_names(table_model, place):
    model, frame = table_model
    told = compress(model, frame, place)
    assert told.model_mse == pytest.approx(model.reconstruction_error(frame).mean(), rel=1e-4)
    back = decompress(model, place)
    scaled = (back - frame.to_numpy()) / model.scale_
    assert np.mean(scaled**2) == pytest.approx(told.mse, rel=1e-3)


def test_other_columns_raise(table_model, place):
    model, frame = table_model
    with pytest.raises(DataError, match="in another order"):
        compress(model, frame[list("edcba")], place)


def test_saved_model_decompresses_the_file(table_model, place, tmp_path):
    from latentmap import load_model

    model, frame = table_model
    compress(model, frame, place)
    model.save(tmp_path / "table.safetensors")
    back = decompress(load_model(tmp_path / "table.safetensors"), place)
    assert np.array_equal(back, decompress(model, place))
