from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentmap.analysis import CodeDensity, nearest_distances, sampling
from latentmap.analysis.sampling import get_density
from latentmap.errors import DataError, SettingError


@pytest.fixture(scope="module")
def blobs():
    """Codes of three distant blobs of different shape and size."""
    rng = np.random.default_rng(0)
    sizes, spreads = (1200, 600, 200), ([2, 0.2], [0.5, 0.5], [0.1, 1])
    parts = [rng.normal(size=(n, 2)) * s for n, s in zip(sizes, spreads, strict=True)]
    return np.concatenate(
        [part + center for part, center in zip(parts, [[0, 0], [9, 0], [0, 9]], strict=True)]
    )


@pytest.fixture(scope="module")
def density(blobs):
    return CodeDensity(blobs)


def test_number_of_gaussians_is_selected(density):
    assert density.n_gaussians in (4, 8)  # Three blobs; numbers are powers of two.


def test_one_gaussian_is_selected_for_normal_codes():
    codes = np.random.default_rng(0).normal(size=(2000, 3))
    density = CodeDensity(codes)
    assert density.n_gaussians == 1
    expected = -0.5 * (codes**2).sum(axis=1) - 1.5 * np.log(2 * np.pi)
    assert density.log_density(codes) == pytest.approx(expected, abs=0.8)


def test_density_integrates_to_one(density):
    x, y = np.meshgrid(np.linspace(-15, 15, 400), np.linspace(-15, 15, 400))
    heights = np.exp(density.log_density(np.column_stack([x.ravel(), y.ravel()])))
    assert heights.sum() * (30 / 399) ** 2 == pytest.approx(1, abs=0.01)


def test_samples_have_the_distribution_of_the_codes(density, blobs):
    samples = density.sample(4000, seed=3)
    assert samples.dtype == np.float32
    for center, share in (([0, 0], 0.6), ([9, 0], 0.3), ([0, 9], 0.1)):
        near_samples, near_blobs = (z[np.abs(z - center).max(axis=1) < 5] for z in (samples, blobs))
        assert len(near_samples) / len(samples) == pytest.approx(share, abs=0.03)
        assert np.cov(near_samples.T) == pytest.approx(np.cov(near_blobs.T), abs=0.3)


def test_median_and_low_log_density_are_percentiles_of_the_codes(density, blobs):
    heights = density.log_density(blobs)
    assert np.mean(heights < density.low_log_density) == pytest.approx(0.05, abs=0.002)
    assert np.mean(heights < density.median_log_density) == pytest.approx(0.5, abs=0.002)


def test_seed_repeats_and_generator_continues(density, blobs):
    assert np.array_equal(density.sample(5, seed=1), CodeDensity(blobs).sample(5, seed=1))
    assert not np.array_equal(density.sample(5, seed=1), density.sample(5, seed=2))
    rng = np.random.default_rng(1)
    assert not np.array_equal(density.sample(5, rng), density.sample(5, rng))


def test_samples_are_not_copies():
    rng = np.random.default_rng(0)
    codes = np.tanh(rng.normal(size=(3000, 2)) @ rng.normal(size=(2, 6)))
    fitted, unseen = codes[:2000], codes[2000:]
    result, reference = (
        nearest_distances(z, fitted) for z in (CodeDensity(fitted).sample(1000), unseen)
    )
    assert np.median(result) >= np.median(reference)
    assert np.mean(result < np.percentile(reference, 1)) <= 0.02


def test_block_size_does_not_change_the_density(density, blobs, monkeypatch):
    complete = density.log_density(blobs)
    monkeypatch.setattr(sampling, "BLOCK_NUMBERS", 100)
    assert np.allclose(density.log_density(blobs), complete)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_scale_and_origin_do_not_change_the_fit(blobs, density, scale):
    result = CodeDensity(blobs * scale + 3 * scale)
    assert result.n_gaussians == density.n_gaussians
    expected = density.log_density(blobs[:9]) - 2 * np.log(scale)
    assert result.log_density(blobs[:9] * scale + 3 * scale) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    "codes", [np.ones((2, 1)), np.ones((30, 3)), np.repeat([[0.0, 1.0]], 40, 0), np.eye(40)]
)
def test_few_or_equal_codes_have_finite_density(codes):
    density = CodeDensity(codes)
    assert np.isfinite(density.sample(3)).all()
    assert np.isfinite(density.log_density(codes)).all()


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.ones((1, 2)), "at least 2"),
        (np.ones(5), "expected shape .*at least 2"),
        (np.full((5, 2), np.nan), "finite"),
        ([["a"], ["b"]], "numbers"),
    ],
)
def test_invalid_codes_raise(codes, message):
    with pytest.raises(DataError, match=message):
        CodeDensity(codes)


def test_wrong_number_of_components_raises(density):
    with pytest.raises(DataError, match=r"expected shape \(n, 2\)"):
        density.log_density(np.ones((3, 5)))
    with pytest.raises(SettingError, match="n_samples: expected an integer of at least 1"):
        density.sample(0)


def test_other_estimators_need_codes(blobs):
    with pytest.raises(SettingError, match="PCA is not a map"):
        get_density(PCA(2).fit(blobs))
