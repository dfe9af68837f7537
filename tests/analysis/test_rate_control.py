import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentmap.analysis.codec_file import EncodedLabels
from latentmap.analysis.rate_control import (
    DEFAULT_ERROR_FACTOR,
    CompressionJob,
    CompressionLimit,
    JobSample,
    short_fingerprint,
)
from latentmap.data import ArraySource
from latentmap.errors import DataError, SettingError


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2000, 6)) @ rng.normal(size=(6, 12)) + 0.05 * rng.normal(
        size=(2000, 12)
    )


@pytest.fixture(scope="module")
def job(rows):
    return CompressionJob(PCA(6).fit(rows), ArraySource(rows), EncodedLabels(None, b""))


@pytest.fixture(scope="module")
def sample(job):
    return JobSample.draw(job)


def test_error_is_the_mean_squared_error_of_the_rows(job, rows):
    codes = job.encode(rows)
    expected = np.mean((job.estimator.inverse_transform(codes) - rows) ** 2)
    assert job.error(rows, codes) == pytest.approx(expected, rel=1e-5)


def test_error_is_in_scaled_units(rows):
    pca = PCA(6).fit(rows)
    job = CompressionJob(pca, ArraySource(rows), EncodedLabels(None, b""))
    codes = job.encode(rows)
    error_before = job.error(rows, codes)
    pca.scale_, pca.row_shape_ = 10.0, (rows.shape[1],)
    scaled = CompressionJob(pca, ArraySource(rows), EncodedLabels(None, b""))
    assert scaled.error(rows, codes) == pytest.approx(error_before / 100)


def test_wide_rows_have_small_blocks():
    wide = ArraySource(np.broadcast_to(np.uint8(0), (50, 2**10, 2**10)))
    assert CompressionJob(None, wide, EncodedLabels(None, b"")).block_size == 8


def test_smallest_steps_within_a_size(sample):
    step_exponent = sample.choose_step_exponent(CompressionLimit(None, 4.0))
    assert sample.bytes_per_row(step_exponent) <= 4
    assert sample.bytes_per_row(step_exponent - 1) > 4


def test_largest_steps_within_an_error(sample):
    minimum = sample.job.error(sample.rows, sample.codes)
    step_exponent = sample.choose_step_exponent(CompressionLimit(3 * minimum, None))
    assert sample.error(step_exponent) <= 3 * minimum
    assert sample.error(step_exponent + 1) > 3 * minimum


def test_default_adds_five_percent_to_the_error(sample):
    minimum = sample.job.error(sample.rows, sample.codes)
    step_exponent = sample.choose_step_exponent(CompressionLimit(None, None))
    assert 1.03 * minimum < sample.error(step_exponent) <= DEFAULT_ERROR_FACTOR * minimum


def test_model_without_error_has_the_smallest_steps():
    rows = np.eye(3)[np.arange(60) % 3]
    sample = JobSample.draw(
        CompressionJob(PCA(3).fit(rows), ArraySource(rows), EncodedLabels(None, b""))
    )
    assert sample.error(sample.choose_step_exponent(CompressionLimit(None, None))) < 1e-6


def test_impossible_limits_raise(sample):
    minimum = sample.job.error(sample.rows, sample.codes)
    with pytest.raises(SettingError, match=f"error: expected more than {minimum:.4g}"):
        sample.choose_step_exponent(CompressionLimit(0.9 * minimum, None))
    with pytest.raises(SettingError, match=r"bytes per row: expected at least 0\..*found 0\.01"):
        sample.choose_step_exponent(CompressionLimit(None, 0.01))


@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf])
@pytest.mark.parametrize("name", ["error", "bytes per row"])
def test_limits_out_of_range_raise(name, value):
    limit = CompressionLimit(value, None) if name == "error" else CompressionLimit(None, value)
    with pytest.raises(SettingError, match=f"{name}: expected a number above 0"):
        limit.check()


def test_two_limits_raise():
    with pytest.raises(SettingError, match="expected one of them, found both"):
        CompressionLimit(0.1, 3).check()


def test_sample_estimates_the_size_of_all_rows(job, rows, monkeypatch):
    monkeypatch.setattr("latentmap.analysis.rate_control.SAMPLE_ROWS", 500)
    small_sample = JobSample.draw(job)
    assert len(small_sample.rows) == 500
    step_exponent = JobSample.draw(job, False).choose_step_exponent(CompressionLimit(None, 4.0))
    monkeypatch.undo()
    assert (
        abs(JobSample.draw(job).choose_step_exponent(CompressionLimit(None, 4.0)) - step_exponent)
        < 80
    )


def test_nan_in_a_row_raises():
    source = ArraySource(np.full((5, 12), np.nan), name="rows.npy")
    with pytest.raises(DataError, match=r"rows.npy, row 0, column 0: expected a finite number"):
        JobSample.draw(CompressionJob(None, source, EncodedLabels(None, b"")))


def test_model_without_a_fingerprint():
    assert short_fingerprint(PCA(2)) == ""
