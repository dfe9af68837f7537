"""The error of an AutoEncoder on unseen rows does not exceed that of PCA, in scaled units."""

import time

import numpy as np
import pytest
from sklearn import datasets
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from latentmap import AutoEncoder, VariationalAutoEncoder
from latentmap.data import load_dataset, open_data


def flatten(rows):
    return np.reshape(rows, (len(rows), -1)).astype(float)


def squared_error(rows, reconstructed):
    return float(((flatten(rows) - flatten(reconstructed)) ** 2).mean())


def exact_pca(rows):
    return PCA(min(64, *flatten(rows).shape), svd_solver="full").fit(flatten(rows))


def pca_error(pca, unseen, n_components):
    """Return the error of the first components of a fitted PCA."""
    centred, components = flatten(unseen) - pca.mean_, pca.components_[:n_components]
    return squared_error(centred, centred @ components.T @ components)


def autoencoder_error(model, unseen):
    return squared_error(unseen, model.inverse_transform(model.transform(unseen)))


def split_rows(rows):
    order = np.random.default_rng(0).permutation(len(rows))
    held_out = len(rows) // 5
    return rows[order[held_out:]], rows[order[:held_out]]


def split_toy_dataset(name, standardised=False):
    rows = getattr(datasets, f"load_{name}")()
    rows = rows.images if name == "digits" else rows.data
    if standardised:
        rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    return split_rows(rows)


def split_curved_surface():
    """Return points of a curved surface in twelve dimensions, split into fitted and unseen rows."""
    rng = np.random.default_rng(0)
    angles = rng.uniform(-1, 1, (600, 2))
    waves = [np.sin(3 * k * angles[:, j % 2] + j) for k in (1, 2, 3) for j in range(4)]
    return split_rows(np.stack(waves, axis=1) + 0.01 * rng.normal(size=(600, 12)))


def split_wide_rows():
    """Return fewer rows than features, split into fitted and unseen rows."""
    rows = np.random.default_rng(0).normal(size=(60, 200)) / np.arange(1, 201)
    return split_rows(rows)


DATASETS = {
    "digits": (split_toy_dataset, "digits"),
    "wine": (split_toy_dataset, "wine"),
    "wine, standardised": (split_toy_dataset, "wine", True),
    "breast cancer": (split_toy_dataset, "breast_cancer"),
    "breast cancer, standardised": (split_toy_dataset, "breast_cancer", True),
    "fewer rows than features": (split_wide_rows,),
}
CASES = [
    (name, n_components)
    for name, (make_split, *options) in DATASETS.items()
    for n_components in (2, 16, 64)
    if n_components <= min(flatten(make_split(*options)[0]).shape)
]
FAST_CASES = [(name, 2) for name in ("wine", "breast cancer", "fewer rows than features")]


def check_against_pca(fitted, unseen, n_components, pca=None, **settings):
    model = AutoEncoder(n_components, random_state=0, **settings).fit(fitted)
    scale = model.scale_ if model.scale_.ndim else np.ones(())  # One number changes no ratio.
    fitted, scaled_unseen = fitted / scale, unseen / scale
    decoded = model.inverse_transform(model.transform(unseen)) / scale
    error = squared_error(scaled_unseen, decoded)
    error_of_pca = pca_error(pca or exact_pca(fitted), scaled_unseen, n_components)
    tolerance = (1e-6 * np.abs(scaled_unseen).max()) ** 2  # float32 has seven significant digits.
    assert error <= error_of_pca * (1 + 1e-3) + tolerance
    return model, error / max(error_of_pca, tolerance)


@pytest.mark.parametrize(
    ("name", "n_components"),
    [case if case in FAST_CASES else pytest.param(*case, marks=pytest.mark.slow) for case in CASES],
)
def test_error_on_small_datasets_does_not_exceed_that_of_pca(name, n_components):
    make_split, *options = DATASETS[name]
    check_against_pca(*make_split(*options), n_components)


@pytest.mark.slow
def test_network_halves_the_error_of_pca_on_a_curved_surface():
    model, ratio = check_against_pca(*split_curved_surface(), 2, epochs=150)
    assert model.uses_network_
    assert ratio < 0.5


@pytest.fixture(scope="module")
def images(faces):
    return open_data(faces)[:]


@pytest.fixture(scope="module")
def pca_of_faces(images):
    return exact_pca(images[:300])


@pytest.mark.slow
@pytest.mark.parametrize("n_components", [2, 16, 64])
def test_error_on_unseen_faces_does_not_exceed_that_of_pca(n_components, images, pca_of_faces):
    check_against_pca(images[:300], images[300:], n_components, pca_of_faces, epochs=5)


@pytest.fixture(scope="module")
def mnist():
    return load_dataset("mnist"), load_dataset("mnist", "unseen")


@pytest.fixture(scope="module")
def pca_of_mnist(mnist):
    return exact_pca(mnist[0][:6000])


@pytest.mark.slow
@pytest.mark.parametrize("n_components", [2, 16, 64])
def test_error_on_a_part_of_mnist_is_below_that_of_pca(n_components, mnist, pca_of_mnist):
    fitted, unseen = mnist[0][:6000], mnist[1][:2000]
    model, ratio = check_against_pca(fitted, unseen, n_components, pca_of_mnist, epochs=5)
    assert model.uses_network_
    assert ratio < 0.95


# -- the complete MNIST ----------------------------------------------------------------------------


def fit_within(model, rows, seconds):
    """Fit the model and check that it uses at most ``seconds`` of CPU time on two cores."""
    start = time.process_time()
    model.fit(rows)
    assert time.process_time() - start < 2 * seconds
    return model


@pytest.mark.timing
def test_32_components_reconstruct_and_classify_mnist(mnist, slowdown):
    fitted, unseen = mnist
    model = fit_within(AutoEncoder(32, random_state=0), fitted, 60 * slowdown)
    assert autoencoder_error(model, unseen[:]) / 255**2 <= 0.0045
    neighbours = KNeighborsClassifier(10).fit(model.transform(fitted), fitted.labels)
    assert neighbours.score(model.transform(unseen), unseen.labels) >= 0.972


@pytest.mark.timing
def test_evidence_lower_bound_on_binary_mnist(mnist, slowdown):
    rng, (fitted, unseen) = np.random.default_rng(0), mnist
    fitted, unseen = (
        rng.random(images.shape) < images / 255 for images in (fitted[:20_000], unseen[:])
    )
    model = fit_within(VariationalAutoEncoder(20, random_state=0), fitted, 90 * slowdown)
    assert -model.score(unseen) <= 110


@pytest.mark.parametrize("seed", range(3))
def test_outliers_do_not_make_the_network_worse_than_pca(seed):
    """Outliers missing from the held-out rows do not make the network worse than PCA."""
    rows = datasets.load_breast_cancer().data
    order = np.random.default_rng(seed).permutation(len(rows))
    check_against_pca(rows[order[:398]], rows[order[398:]], 2)
