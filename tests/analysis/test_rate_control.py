import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentmap.analysis.rate_control import SLACK, Limit, Sample, Task, fingerprint
from latentmap.data import ArraySource
from latentmap.errors import DataError, SettingError


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2000, 6)) @ rng.normal(size=(6, 12)) + 0.05 * rng.normal(
        size=(2000, 12)
    )


@pytest.fixture(scope="module")
def task(rows):
    return Task(PCA(6).fit(rows), ArraySource(rows), (None, b""))


@pytest.fixture(scope="module")
def sample(task):
    return Sample.of(task)


def test_the_error_is_that_of_the_rows(task, rows):
    codes = task.encode(rows)
    expected = np.mean((task.estimator.inverse_transform(codes) - rows) ** 2)
    assert task.error(rows, codes) == pytest.approx(expected, rel=1e-5)


def test_the_error_is_told_in_scaled_units(rows):
    pca = PCA(6).fit(rows)
    plain = Task(pca, ArraySource(rows), (None, b""))
    codes = plain.encode(rows)
    before = plain.error(rows, codes)
    pca.scale_, pca.row_shape_ = 10.0, (rows.shape[1],)
    scaled = Task(pca, ArraySource(rows), (None, b""))
    assert scaled.error(rows, codes) == pytest.approx(before / 100)


def test_a_wide_row_makes_a_small_block():
    wide = ArraySource(np.broadcast_to(np.uint8(0), (50, 2**10, 2**10)))
    assert Task(None, wide, (None, b"")).block == 8


def test_the_finest_codes_that_few_bytes_hold(sample):
    fineness = sample.suited(Limit(None, 4.0))
    assert sample.bytes_a_row(fineness) <= 4
    assert sample.bytes_a_row(fineness - 1) > 4


def test_the_coarsest_codes_that_an_error_allows(sample):
    least = sample.task.error(sample.rows, sample.codes)
    fineness = sample.suited(Limit(3 * least, None))
    assert sample.error(fineness) <= 3 * least
    assert sample.error(fineness + 1) > 3 * least


def test_without_a_wish_rounding_adds_a_twentieth(sample):
    least = sample.task.error(sample.rows, sample.codes)
    fineness = sample.suited(Limit(None, None))
    assert 1.03 * least < sample.error(fineness) <= SLACK * least


def test_a_perfect_model_has_the_finest_codes():
    rows = np.eye(3)[np.arange(60) % 3]
    sample = Sample.of(Task(PCA(3).fit(rows), ArraySource(rows), (None, b"")))
    assert sample.error(sample.suited(Limit(None, None))) < 1e-6


def test_what_cannot_be_had(sample):
    least = sample.task.error(sample.rows, sample.codes)
    with pytest.raises(SettingError, match=f"error: expected more than {least:.4g}"):
        sample.suited(Limit(0.9 * least, None))
    with pytest.raises(SettingError, match=r"bytes a row: expected at least 0\..*found 0\.01"):
        sample.suited(Limit(None, 0.01))


@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf])
@pytest.mark.parametrize("name", ["error", "bytes a row"])
def test_limits_that_are_none(name, value):
    limit = Limit(value, None) if name == "error" else Limit(None, value)
    with pytest.raises(SettingError, match=f"{name}: expected a number above 0"):
        limit.checked()


def test_two_limits():
    with pytest.raises(SettingError, match="expected one limit, found both"):
        Limit(0.1, 3).checked()


def test_a_sample_stands_for_many_rows(task, rows, monkeypatch):
    monkeypatch.setattr("latentmap.analysis.rate_control._SAMPLE", 500)
    few = Sample.of(task)
    assert len(few.rows) == 500
    whole = Sample.of(task, False).suited(Limit(None, 4.0))
    monkeypatch.undo()
    assert abs(Sample.of(task).suited(Limit(None, 4.0)) - whole) < 80


def test_rows_that_are_no_numbers_are_refused():
    source = ArraySource(np.full((5, 12), np.nan), name="rows.npy")
    with pytest.raises(DataError, match=r"rows.npy, row 0, column 0: expected a finite number"):
        Sample.of(Task(None, source, (None, b"")))


def test_a_model_without_a_fingerprint():
    assert fingerprint(PCA(2)) == ""
