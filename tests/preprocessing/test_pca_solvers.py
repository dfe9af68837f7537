import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.decomposition import PCA

from latentmap.preprocessing import pca_solvers
from latentmap.preprocessing.pca_solvers import fit_pca

RNG = np.random.default_rng(0)
ROWS = RNG.poisson(RNG.gamma(0.3, size=(300, 3)) @ RNG.gamma(0.2, size=(3, 40))) * 1.0


@pytest.fixture(params=["dense", "narrow", "wide"])
def way(request, monkeypatch):
    """Give what makes a matrix that is decomposed in one of the three ways."""
    if request.param == "wide":
        monkeypatch.setattr(pca_solvers, "FEW_COLUMNS", 0)
    return np.asarray if request.param == "dense" else csr_array


@pytest.mark.parametrize("rows", [ROWS, ROWS[:12], ROWS + 100], ids=["tall", "short", "far off"])
def test_all_solvers_agree_with_exact_pca(rows, way):
    exact, found = PCA(5, svd_solver="full").fit(rows), fit_pca(way(rows), 5, seed=0)
    assert np.allclose(found.mean, exact.mean_)
    assert np.allclose(found.components, exact.components_, atol=1e-4)
    assert np.allclose(found.codes, exact.transform(rows), atol=1e-3)
    assert np.allclose(found.variance, found.codes.var(axis=0))


def test_total_is_the_variance_of_all_columns(way):
    found = fit_pca(way(ROWS), 2, seed=0)
    assert found.total == pytest.approx(ROWS.var(axis=0).sum(), rel=0.01)


@pytest.mark.parametrize("batch_numbers", [1, 1000])
def test_covariance_does_not_depend_on_batches(batch_numbers, monkeypatch):
    whole = fit_pca(csr_array(ROWS), 5, seed=0)
    monkeypatch.setattr(pca_solvers, "BATCH_NUMBERS", batch_numbers)
    found = fit_pca(csr_array(ROWS), 5, seed=0)
    assert np.allclose(found.components, whole.components)
    assert np.allclose(found.variance, whole.variance)


@pytest.mark.parametrize("n_components", [1, 100])
@pytest.mark.parametrize("shape", [(2, 30), (30, 2), (2, 2)])
def test_number_of_components_is_bounded(shape, n_components, way):
    found = fit_pca(way(RNG.normal(size=shape)), n_components, seed=0)
    assert len(found.components) == len(found.variance) == found.codes.shape[1]
    assert 1 <= len(found.components) <= min(n_components, *shape)
    assert np.allclose(found.components @ found.components.T, np.eye(len(found.components)))


@pytest.mark.parametrize("value", [0.0, 0.1, 1.0, 1e-30])
def test_constant_rows(value, way):
    found = fit_pca(way(np.outer(np.ones(50), value * (np.arange(60) % 2))), 3, seed=0)
    assert np.allclose(found.mean[:2], [0, value])
    assert np.allclose(found.codes, 0)
    assert found.total == pytest.approx(0, abs=1e-20)
