import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.decomposition import PCA

from latentmap.data.sources import ArraySource
from latentmap.data.sparse import SparseSource
from latentmap.preprocessing import pca_projection, pca_solvers
from latentmap.preprocessing.pca_projection import (
    pca_reconstruction_errors,
    principal_components,
    project_rows,
    scale_rows,
)
from latentmap.preprocessing.scaling import SCALINGS, Scale, choose_scale, row_statistics

RNG = np.random.default_rng(0)
ROWS = 50 + RNG.normal(size=(200, 4)) @ RNG.normal(size=(4, 7)) + 0.1 * RNG.normal(size=(200, 7))
SCALE = Scale(np.float32(50) * np.ones(7, "f4"), np.float32(2.0), False)


def fit_components(rows=ROWS, n_components=3, scale=SCALE):
    return principal_components(ArraySource(rows), scale, n_components, seed=0)


def test_components_are_those_of_exact_pca():
    exact = PCA(3, svd_solver="full").fit((ROWS - 50) / 2)
    components = fit_components()
    assert np.allclose(components.mean, exact.mean_, atol=1e-5)
    assert np.allclose(np.abs(components.components @ exact.components_.T), np.eye(3), atol=1e-5)


def test_spreads_of_rows_and_codes():
    components, x = fit_components(), (ROWS - 50) / 2
    centred = x - x.mean(axis=0)
    codes = centred @ components.components.T
    assert components.row_spread == pytest.approx(np.sqrt((centred**2).mean()), rel=1e-3)
    assert components.code_spread == pytest.approx(np.sqrt((codes**2).mean()), rel=1e-5)


@pytest.mark.parametrize("n_components", [7, 12])
def test_components_beyond_the_rank_are_zero(n_components):
    few_rows = ROWS[:4]
    components = fit_components(few_rows, n_components)
    assert components.components.shape == (n_components, 7)
    assert not components.components[4:].any()
    assert np.allclose(
        pca_reconstruction_errors(scale_rows(few_rows, SCALE), components), 0, atol=1e-9
    )


@pytest.mark.parametrize("value", [0.0, 0.1, 1e-30])
def test_spreads_of_constant_rows_are_not_zero(value):
    components = fit_components(
        np.full((20, 7), value), scale=Scale(np.zeros(()), np.ones(()), False)
    )
    spreads = np.float32([components.row_spread, components.code_spread])
    assert (spreads > 0).all()
    assert np.isfinite(1 / spreads).all()
    assert np.isfinite(components.components).all()


def test_images_are_flattened():
    images = ROWS[:, :6].reshape(-1, 2, 3)
    scale = Scale(np.full(6, 50.0, "f4"), np.float32(2), False)
    assert np.allclose(scale_rows(images, scale), (ROWS[:, :6] - 50) / 2)
    assert np.array_equal(
        fit_components(images, scale=scale).components,
        fit_components(ROWS[:, :6], scale=scale).components,
    )


def test_components_of_many_rows_come_from_a_sample(monkeypatch, set_memory_use):
    set_memory_use(pca_sample=4 * 7 * 150)
    x, sample_components = (ROWS - 50) / 2, fit_components()
    monkeypatch.undo()
    min_error = pca_reconstruction_errors(x, fit_components()).mean()
    assert min_error < pca_reconstruction_errors(x, sample_components).mean() < 1.1 * min_error
    assert not np.array_equal(sample_components.mean, fit_components().mean)


def test_single_precision_is_close_to_double(monkeypatch):
    monkeypatch.setattr(pca_projection, "EXACT_NUMBERS", 100)
    exact = PCA(3, svd_solver="full").fit((ROWS - 50) / 2)
    assert np.allclose(
        np.abs(fit_components().components @ exact.components_.T), np.eye(3), atol=1e-3
    )


def test_projection_errors_are_those_of_pca():
    x = (ROWS - 50) / 2
    exact = PCA(3, svd_solver="full").fit(x)
    reconstructed = exact.inverse_transform(exact.transform(x))
    expected = ((reconstructed - x) ** 2).mean(axis=1)
    assert np.allclose(
        pca_reconstruction_errors(x, fit_components()), expected, rtol=1e-3, atol=1e-9
    )


@pytest.mark.parametrize("rows", [ROWS, ROWS[:, :6].reshape(-1, 2, 3)])
def test_projected_rows_are_the_codes_of_pca(rows, monkeypatch):
    monkeypatch.setattr(
        pca_projection, "EXACT_NUMBERS", 100
    )  # The rows are read in several batches.
    scale = Scale(np.float32(50), np.float32(2), False)
    components = fit_components(rows, scale=scale)
    x = (rows.reshape(len(rows), -1) - 50) / 2
    expected = (x - components.mean) @ components.components.T
    codes = project_rows(ArraySource(rows), scale, components)
    assert codes.dtype == np.float32
    assert np.allclose(codes, expected, atol=1e-5)


def test_a_row_has_the_same_coordinates_alone_and_among_others():
    rows = RNG.random((700, 784), dtype="float32")
    scale = Scale(np.float32(0.5), np.float32(0.3), True)
    components, source = fit_components(rows, 50, scale), ArraySource(rows)
    alone = [project_rows(source.subset([i]), scale, components)[0] for i in range(100)]
    assert np.array_equal(alone, project_rows(source, scale, components)[:100])


# -- sparse rows -----------------------------------------------------------------------------------

WORDS = csr_array(RNG.poisson(RNG.gamma(0.3, size=(300, 3)) @ RNG.gamma(0.2, size=(3, 40))) * 1.0)


@pytest.fixture(params=["narrow", "wide"])
def large_matrices(monkeypatch, request):
    """Treat every matrix as too large to be converted to dense."""
    monkeypatch.setattr(pca_projection, "EXACT_NUMBERS", 100)
    if request.param == "wide":
        monkeypatch.setattr(pca_solvers, "FEW_COLUMNS", 0)


def dense_and_sparse(rows, n_components, scaling="auto"):
    """Return the scale, the exact PCA of the dense rows, and the components of the sparse rows."""
    dense, sparse = ArraySource(rows.toarray()), SparseSource(rows)
    scale = choose_scale(scaling, row_statistics(dense), dense.dtype)
    pca = PCA(min(n_components, *rows.shape), svd_solver="full").fit(scale_rows(dense[:], scale))
    return scale, pca, principal_components(sparse, scale, n_components, seed=0)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("n_components", [2, 12])
def test_sparse_and_dense_rows_have_the_same_components(scaling, n_components, large_matrices):
    _, pca, components = dense_and_sparse(WORDS, n_components, scaling)
    assert np.allclose(components.components, pca.components_, atol=1e-3)  # the signs, too
    assert np.allclose(components.mean, pca.mean_, atol=1e-6)


@pytest.mark.parametrize("n_components", [2, 12])
def test_sparse_and_dense_rows_have_the_same_spreads_and_distance_ratio(n_components, monkeypatch):
    scale, _, exact = dense_and_sparse(WORDS, n_components)
    monkeypatch.setattr(pca_projection, "EXACT_NUMBERS", 100)
    components = principal_components(SparseSource(WORDS), scale, n_components, seed=0)
    assert components.row_spread == pytest.approx(exact.row_spread, rel=1e-3)
    assert components.code_spread == pytest.approx(exact.code_spread, rel=1e-6)
    assert components.max_distance_ratio == pytest.approx(exact.max_distance_ratio, rel=1e-2)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_sparse_and_dense_rows_have_the_same_projection(scaling, large_matrices):
    scale, _, components = dense_and_sparse(WORDS, 3, scaling)
    codes = project_rows(SparseSource(WORDS), scale, components)
    dense = project_rows(ArraySource(WORDS.toarray()), scale, components)
    assert codes.dtype == np.float32
    assert np.allclose(codes, dense, atol=1e-5)


def test_all_components_reconstruct_sparse_rows(monkeypatch):
    monkeypatch.setattr(pca_projection, "EXACT_NUMBERS", 100)
    scale, _, components = dense_and_sparse(WORDS, 40)
    errors = pca_reconstruction_errors(scale_rows(WORDS.toarray(), scale), components)
    assert np.allclose(errors, 0, atol=1e-9)


def test_components_beyond_the_rank_of_sparse_rows_are_zero(large_matrices):
    scale, _, components = dense_and_sparse(WORDS[:8], 9)
    assert not components.components[8:].any()
    assert np.allclose(
        pca_reconstruction_errors(scale_rows(WORDS[:8].toarray(), scale), components), 0, atol=1e-9
    )


@pytest.mark.parametrize("value", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("n_components", [1, 7])
def test_spreads_of_constant_sparse_rows_are_not_zero(value, n_components, large_matrices):
    rows = csr_array(np.outer(np.ones(50), value * (np.arange(60) % 2)))
    scale = Scale(np.zeros(()), np.ones(()), False)
    components = principal_components(SparseSource(rows), scale, n_components, seed=0)
    spreads = np.float32([components.row_spread, components.code_spread])
    assert (spreads > 0).all()
    assert np.isfinite(1 / spreads).all()
    assert np.allclose(components.mean, rows[[0]].toarray()[0])
    assert np.isfinite(components.components).all()


def test_components_of_many_sparse_rows_come_from_a_sample(large_matrices, monkeypatch):
    x, exact = WORDS.toarray(), dense_and_sparse(WORDS, 3, "none")[2]
    monkeypatch.setattr(pca_projection, "MAX_STORED_NUMBERS", WORDS.nnz // 2)
    sample_components = dense_and_sparse(WORDS, 3, "none")[2]
    min_error = pca_reconstruction_errors(x, exact).mean()
    assert min_error < pca_reconstruction_errors(x, sample_components).mean() < 1.2 * min_error


def test_large_sparse_rows_are_not_converted_to_dense(monkeypatch):
    monkeypatch.setattr(SparseSource, "take", lambda *_: pytest.fail("rows are converted to dense"))
    place = RNG.integers(0, 10**5, 10**4)
    rows = SparseSource(csr_array((np.ones(10**4), (np.arange(10**4) * 100, place))))
    scale = Scale(np.zeros(()), np.ones(()), True)
    components = principal_components(rows, scale, 2, seed=0)
    assert project_rows(rows, scale, components).shape == (len(rows), 2)
