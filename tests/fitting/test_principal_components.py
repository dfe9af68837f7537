import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentmap.data.sources import ArraySource
from latentmap.fitting import principal
from latentmap.fitting.principal import principal_components, projection_errors, scaled
from latentmap.fitting.scaling import Scale

RNG = np.random.default_rng(0)
ROWS = 50 + RNG.normal(size=(200, 4)) @ RNG.normal(size=(4, 7)) + 0.1 * RNG.normal(size=(200, 7))
SCALE = Scale(np.float32(50) * np.ones(7, "f4"), np.float32(2.0), False)


def found(rows=ROWS, n_components=3, scale=SCALE):
    return principal_components(ArraySource(rows), scale, n_components, seed=0)


def test_they_are_those_of_exact_pca():
    exact = PCA(3, svd_solver="full").fit((ROWS - 50) / 2)
    components = found()
    assert np.allclose(components.mean, exact.mean_, atol=1e-5)
    assert np.allclose(np.abs(components.components @ exact.components_.T), np.eye(3), atol=1e-5)


def test_the_spreads_are_those_of_rows_and_codes():
    components, x = found(), (ROWS - 50) / 2
    centred = x - x.mean(axis=0)
    codes = centred @ components.components.T
    assert components.row_spread == pytest.approx(np.sqrt((centred**2).mean()), rel=1e-3)
    assert components.code_spread == pytest.approx(np.sqrt((codes**2).mean()), rel=1e-5)


@pytest.mark.parametrize("n_components", [7, 12])
def test_past_the_rank_components_are_zero(n_components):
    few = ROWS[:4]
    components = found(few, n_components)
    assert components.components.shape == (n_components, 7)
    assert not components.components[4:].any()
    assert np.allclose(projection_errors(scaled(few, SCALE), components), 0, atol=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e-30])
def test_constant_rows_have_spreads_to_divide_by(value):
    components = found(np.full((20, 7), value), scale=Scale(np.zeros(()), np.ones(()), False))
    spreads = np.float32([components.row_spread, components.code_spread])
    assert (spreads > 0).all()
    assert np.isfinite(1 / spreads).all()
    assert np.isfinite(components.components).all()


def test_images_are_laid_flat():
    images = ROWS[:, :6].reshape(-1, 2, 3)
    scale = Scale(np.full(6, 50.0, "f4"), np.float32(2), False)
    assert np.allclose(scaled(images, scale), (ROWS[:, :6] - 50) / 2)
    assert np.array_equal(
        found(images, scale=scale).components, found(ROWS[:, :6], scale=scale).components
    )


def test_components_of_many_rows_come_from_a_sample(monkeypatch):
    monkeypatch.setattr(principal, "SAMPLE_NUMBERS", 7 * 150)
    x, sampled = (ROWS - 50) / 2, found()
    monkeypatch.undo()
    least = projection_errors(x, found()).mean()
    assert least < projection_errors(x, sampled).mean() < 1.1 * least
    assert not np.array_equal(sampled.mean, found().mean)


def test_single_precision_is_near_enough(monkeypatch):
    monkeypatch.setattr(principal, "EXACT_NUMBERS", 100)
    exact = PCA(3, svd_solver="full").fit((ROWS - 50) / 2)
    assert np.allclose(np.abs(found().components @ exact.components_.T), np.eye(3), atol=1e-3)


def test_projection_errors_are_those_of_pca():
    x = (ROWS - 50) / 2
    exact = PCA(3, svd_solver="full").fit(x)
    there_and_back = exact.inverse_transform(exact.transform(x))
    expected = ((there_and_back - x) ** 2).mean(axis=1)
    assert np.allclose(projection_errors(x, found()), expected, rtol=1e-3, atol=1e-9)
