import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.decomposition import PCA

from latentmap.preprocessing import pca_solvers
from latentmap.preprocessing.pca_solvers import fit_pca, fit_pca_share

RNG = np.random.default_rng(0)
ROWS = RNG.poisson(RNG.gamma(0.3, size=(300, 3)) @ RNG.gamma(0.2, size=(3, 40))) * 1.0


@pytest.fixture(params=["dense", "narrow", "wide"])
def as_matrix(request, monkeypatch):
    """Return a function that converts rows to a matrix for one of the three solvers."""
    if request.param == "wide":
        monkeypatch.setattr(pca_solvers, "FEW_COLUMNS", 0)
    return np.asarray if request.param == "dense" else csr_array


@pytest.mark.parametrize(
    "rows",
    [ROWS, ROWS[:12], ROWS + 100, ROWS[:, :20].astype("float32")],
    ids=["tall", "short", "far off", "float32"],
)
def test_all_solvers_agree_with_exact_pca(rows, as_matrix):
    exact, result = PCA(5, svd_solver="full").fit(rows), fit_pca(as_matrix(rows), 5, seed=0)
    assert np.allclose(result.mean, exact.mean_)
    assert np.allclose(result.components, exact.components_, atol=1e-4)
    assert np.allclose(result.codes, exact.transform(rows), atol=1e-3)
    assert np.allclose(result.variance, result.codes.var(axis=0))


def test_total_is_the_variance_of_all_columns(as_matrix):
    result = fit_pca(as_matrix(ROWS), 2, seed=0)
    assert result.total == pytest.approx(ROWS.var(axis=0).sum(), rel=0.01)


@pytest.mark.parametrize("batch_numbers", [1, 1000])
def test_covariance_does_not_depend_on_batches(batch_numbers, monkeypatch):
    expected = fit_pca(csr_array(ROWS), 5, seed=0)
    monkeypatch.setattr(pca_solvers, "BATCH_NUMBERS", batch_numbers)
    result = fit_pca(csr_array(ROWS), 5, seed=0)
    assert np.allclose(result.components, expected.components)
    assert np.allclose(result.variance, expected.variance)


@pytest.mark.parametrize("n_components", [1, 100])
@pytest.mark.parametrize("shape", [(2, 30), (30, 2), (2, 2)])
def test_number_of_components_is_bounded(shape, n_components, as_matrix):
    result = fit_pca(as_matrix(RNG.normal(size=shape)), n_components, seed=0)
    assert len(result.components) == len(result.variance) == result.codes.shape[1]
    assert 1 <= len(result.components) <= min(n_components, *shape)
    assert np.allclose(result.components @ result.components.T, np.eye(len(result.components)))


@pytest.mark.parametrize("share", [0.3, 0.7, 0.8, 0.9, 1.0])
def test_the_smallest_number_of_components_explains_the_share(share, as_matrix):
    total, variances = ROWS.var(axis=0).sum(), PCA().fit(ROWS).explained_variance_ * 299 / 300
    expected = 2
    while expected < 20 and variances[:expected].sum() < share * total:
        expected += 1
    result = fit_pca_share(as_matrix(ROWS), 2, 20, share, seed=0)
    exact = fit_pca(as_matrix(ROWS), expected, seed=0)
    assert np.allclose(result.variance, exact.variance, rtol=0.01)
    assert np.allclose(result.codes, exact.codes, atol=0.1)


def test_more_components_are_computed_only_if_they_are_needed(monkeypatch):
    monkeypatch.setattr(pca_solvers, "FEW_COLUMNS", 0)
    numbers, fit = [], pca_solvers._fit_arpack
    monkeypatch.setattr(
        pca_solvers, "_fit_arpack", lambda x, n, seed: numbers.append(n) or fit(x, n, seed)
    )
    for share in (0.01, 0.99):
        fit_pca_share(csr_array(ROWS), 2, 20, share, seed=0)
    assert numbers == [2, 2, 20]


@pytest.mark.parametrize("value", [0.0, 0.1, 1.0, 1e-30])
def test_constant_rows(value, as_matrix):
    result = fit_pca(as_matrix(np.outer(np.ones(50), value * (np.arange(60) % 2))), 3, seed=0)
    assert np.allclose(result.mean[:2], [0, value])
    assert np.allclose(result.codes, 0)
    assert result.total == pytest.approx(0, abs=1e-20)
