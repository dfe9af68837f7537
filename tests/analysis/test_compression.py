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
def path(tmp_path):
    return tmp_path / "digits.codes"


def mean_squared_error(restored, rows):
    return np.mean(((restored - rows.reshape(restored.shape)) / 16) ** 2)


# -- reported sizes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limit", [{}, {"error": 0.02}, {"bytes_per_row": 6}, {"bytes_per_row": 12.5}]
)
def test_reported_error_and_size_are_correct(model, digits, path, limit):
    report = compress(model, digits, path, **limit)
    restored = decompress(model, path)
    assert restored.shape == digits.shape
    assert mean_squared_error(restored, digits) == pytest.approx(report.mse, rel=1e-5)
    exact = model.inverse_transform(model.transform(digits))
    assert mean_squared_error(exact, digits) == pytest.approx(report.model_mse, rel=1e-5)
    assert report.file_bytes == path.stat().st_size
    assert report.raw_bytes == digits.nbytes
    assert report.ratio == pytest.approx(digits.nbytes / path.stat().st_size)


@pytest.mark.parametrize("factor", [1.02, 1.5, 4])
def test_error_is_just_below_the_limit(model, digits, path, factor):
    minimum = mean_squared_error(model.inverse_transform(model.transform(digits)), digits)
    report = compress(model, digits, path, error=factor * minimum)
    assert 0.97 * (factor - 1) < report.mse / minimum - 1 <= factor - 1


@pytest.mark.parametrize("allowed", [3, 8, 20])
def test_size_is_just_below_the_limit(model, digits, path, allowed):
    report = compress(model, digits, path, bytes_per_row=allowed)
    assert 0.97 * allowed < report.bytes_per_row <= allowed


def test_error_decreases_with_size(model, digits, path):
    errors = [compress(model, digits, path, bytes_per_row=b).mse for b in (2, 4, 8, 16)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1.01 * mean_squared_error(
        model.inverse_transform(model.transform(digits)), digits
    )


def test_file_is_smaller_than_with_uniform_rounding(model, digits, path):
    """Compare with equal steps of 4 bits per component at the same error."""
    codes = model.transform(digits)
    step = np.ptp(codes, axis=0).max() / 15
    error = mean_squared_error(model.inverse_transform(np.rint(codes / step) * step), digits)
    assert compress(model, digits, path, error=error).bytes_per_row < 0.8 * 8


def test_compression_is_deterministic(model, digits, path, tmp_path):
    compress(model, digits, path, bytes_per_row=5)
    compress(model, digits, tmp_path / "repeated.codes", bytes_per_row=5)
    assert path.read_bytes() == (tmp_path / "repeated.codes").read_bytes()


def test_limits_are_met_with_a_small_sample(model, digits, path, monkeypatch):
    monkeypatch.setattr("latentmap.analysis.rate_control.SAMPLE_ROWS", 40)
    for allowed in (3, 6):
        assert compress(model, digits, path, bytes_per_row=allowed).bytes_per_row <= allowed
    report = compress(model, digits, path, error=0.02)
    assert 0.015 < report.mse <= 0.02
    assert mean_squared_error(decompress(model, path), digits) <= 0.02


# -- numbers of rows -------------------------------------------------------------------------------


def test_one_row(model, digits, path):
    report = compress(model, digits[:1], path)
    assert report.file_bytes < 300
    restored = decompress(model, path)
    assert restored.shape == (1, 8, 8)
    exact = model.inverse_transform(model.transform(digits[:1]))
    assert np.abs(restored - exact).max() < 1


def test_few_rows(model, digits, path):
    for rows in (2, 3, 17):
        compress(model, digits[:rows], path, error=0.02)
        assert mean_squared_error(decompress(model, path), digits[:rows]) <= 0.02


def test_equal_rows(model, digits, path):
    same = np.repeat(digits[:1], 500, axis=0)
    report = compress(model, same, path)
    assert report.bytes_per_row < 1
    assert np.ptp(decompress(model, path), axis=0).max() == 0


def test_memory_use_is_bounded(path):
    class Wide:
        def transform(self, X):
            return np.asarray(X[:, :4])

        def inverse_transform(self, Z):
            return np.repeat(Z, 64, axis=1)

    class GeneratedRows(ArraySource):
        """A million rows that are generated when they are read."""

        def __init__(self):
            super().__init__(np.broadcast_to(np.float32(0), (1_000_000, 256)), name="endless")

        def take(self, indices):
            return np.sin(np.asarray(indices, np.float32)[:, None] + np.arange(256, dtype="f4"))

    tracemalloc.start()
    report = compress(Wide(), GeneratedRows().subset(np.arange(150_000)), path, bytes_per_row=2)
    size = sum(len(rows) for rows in iter_decompressed(Wide(), open_codes(Wide(), path)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (report.rows, size) == (150_000, 150_000)
    assert peak < report.raw_bytes // 1.5


def test_outlying_code_does_not_affect_others(path):
    class Identity:
        def transform(self, X):
            return np.asarray(X)

        inverse_transform = transform

    rows = np.random.default_rng(0).normal(size=(2000, 2))
    file_bytes = compress(Identity(), rows, path, error=0.001).file_bytes
    rows[1000, 0] = 2.0**60
    assert compress(Identity(), rows, path, error=0.001).file_bytes < file_bytes + 50
    assert decompress(Identity(), path)[1000, 0] == 2.0**60


# -- labels ----------------------------------------------------------------------------------------


def test_labels_are_optional(model, digits, path):
    labels = load_digits().target
    source = ArraySource(digits, labels=labels)
    report = compress(model, source, path, error=0.02)
    assert np.array_equal(open_codes(model, path).labels, labels)
    without_labels = compress(model, source, path, error=0.02, labels=False)
    assert open_codes(model, path).labels is None
    assert (
        0.3 < report.bytes_per_row - without_labels.bytes_per_row < 0.6
    )  # Ten classes have 3.3 bits.


# -- errors ----------------------------------------------------------------------------------------


def test_file_of_another_model_raises(model, digits, path):
    compress(model, digits, path)
    message = r"found codes of another model \(Pictures, 16 components, fingerprint 00160016"
    with pytest.raises(FileError, match=message):
        decompress(Pictures(8), path)
    with pytest.raises(FileError, match=r"\(fingerprint none\)"):
        decompress(PCA(16), path)


def test_impossible_limit_raises_and_leaves_no_file(model, digits, path):
    path.write_text("old")
    for limit in ({"error": 1e-5}, {"bytes_per_row": 0.01}, {"error": -1}):
        with pytest.raises(SettingError):
            compress(model, digits, path, **limit)
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_error_that_is_possible_for_the_sample_only_raises(model, digits, path, monkeypatch):
    monkeypatch.setattr("latentmap.analysis.rate_control.SAMPLE_ROWS", 20)
    errors = ((model.inverse_transform(model.transform(digits)) - digits) / 16) ** 2
    rows = digits[np.argsort(errors.mean(axis=(1, 2)))]
    source = ArraySource(rows)
    monkeypatch.setattr(source, "sample", lambda max_rows: source.subset(np.arange(max_rows)))
    with pytest.raises(SettingError, match=r"error: expected more than 0\.0"):
        compress(model, source, path, error=0.7 * float(errors.mean()))
    assert not path.exists()


def test_nan_in_a_row_raises(model, digits, path):
    rows = digits.copy()
    rows[1700, 2, 3] = np.nan
    with pytest.raises(DataError, match=r"row 1700, column \(2, 3\)"):
        compress(model, rows, path)
    assert not path.exists()


def test_path_that_cannot_be_written_raises(model, digits, tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        compress(model, digits, tmp_path / "no" / "digits.codes")


# -- estimators of this library --------------------------------------------------------------------


@pytest.fixture(scope="module")
def table_model():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2)) @ rng.normal(size=(2, 5)) * [1, 10, 100, 1, 1] + 1000
    frame = pandas.DataFrame(X + 0.1 * rng.normal(size=X.shape), columns=list("abcde"))
    return AutoEncoder(2, scaling="columns", epochs=2, random_state=0).fit(frame), frame


def test_table_with_column_names(table_model, path):
    model, frame = table_model
    report = compress(model, frame, path)
    assert report.model_mse == pytest.approx(model.reconstruction_error(frame).mean(), rel=1e-4)
    restored = decompress(model, path)
    scaled = (restored - frame.to_numpy()) / model.scale_
    assert np.mean(scaled**2) == pytest.approx(report.mse, rel=1e-3)


def test_other_columns_raise(table_model, path):
    model, frame = table_model
    with pytest.raises(DataError, match="in another order"):
        compress(model, frame[list("edcba")], path)


def test_saved_model_decompresses_the_file(table_model, path, tmp_path):
    from latentmap import load_model

    model, frame = table_model
    compress(model, frame, path)
    model.save(tmp_path / "table.safetensors")
    restored = decompress(load_model(tmp_path / "table.safetensors"), path)
    assert np.array_equal(restored, decompress(model, path))
