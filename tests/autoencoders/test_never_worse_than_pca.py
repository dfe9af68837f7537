"""On rows that were not fitted, an AutoEncoder is never worse than PCA (design, section 7)."""

import time

import numpy as np
import pytest
from sklearn import datasets
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from latentmap import AutoEncoder, VariationalAutoEncoder
from latentmap.data import load_dataset, open_data


def flat(rows):
    return np.reshape(rows, (len(rows), -1)).astype(float)


def squared_error(rows, back):
    return float(((flat(rows) - flat(back)) ** 2).mean())


def exact_pca(rows):
    return PCA(min(64, *flat(rows).shape), svd_solver="full").fit(flat(rows))


def pca_error(pca, unseen, n_components):
    """The error of the first components; the others of a fitted PCA are those of a larger one."""
    centred, components = flat(unseen) - pca.mean_, pca.components_[:n_components]
    return squared_error(centred, centred @ components.T @ components)


def our_error(model, unseen):
    return squared_error(unseen, model.inverse_transform(model.transform(unseen)))


def halves(rows):
    order = np.random.default_rng(0).permutation(len(rows))
    held_out = len(rows) // 5
    return rows[order[held_out:]], rows[order[:held_out]]


def scikit_learn(name, standardised=False):
    rows = getattr(datasets, f"load_{name}")()
    rows = rows.images if name == "digits" else rows.data
    if standardised:
        rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    return halves(rows)


def curved():
    """Two numbers, wound into twelve."""
    rng = np.random.default_rng(0)
    angles = rng.uniform(-1, 1, (600, 2))
    waves = [np.sin(3 * k * angles[:, j % 2] + j) for k in (1, 2, 3) for j in range(4)]
    return halves(np.stack(waves, axis=1) + 0.01 * rng.normal(size=(600, 12)))


def few():
    """Fewer rows than features."""
    rows = np.random.default_rng(0).normal(size=(60, 200)) / np.arange(1, 201)
    return halves(rows)


SETS = {
    "digits": (scikit_learn, "digits"),
    "wine": (scikit_learn, "wine"),
    "wine, standardised": (scikit_learn, "wine", True),
    "breast cancer": (scikit_learn, "breast_cancer"),
    "breast cancer, standardised": (scikit_learn, "breast_cancer", True),
    "few": (few,),
}
CASES = [
    (name, n_components)
    for name, (make, *options) in SETS.items()
    for n_components in (2, 16, 64)
    if n_components <= min(flat(make(*options)[0]).shape)
]


def never_worse(fitted, unseen, n_components, pca=None, **settings):
    model = AutoEncoder(n_components, random_state=0, **settings).fit(fitted)
    ours, theirs = (
        our_error(model, unseen),
        pca_error(pca or exact_pca(fitted), unseen, n_components),
    )
    rounding = (1e-6 * np.abs(unseen).max()) ** 2  # float32 holds seven digits
    assert ours <= theirs * (1 + 1e-3) + rounding
    return model, ours / max(theirs, rounding)


@pytest.mark.parametrize(
    ("name", "n_components"),
    [case if case[1] == 2 else pytest.param(*case, marks=pytest.mark.slow) for case in CASES],
)
def test_small_sets(name, n_components):
    make, *options = SETS[name]
    never_worse(*make(*options), n_components)


def test_on_a_curved_set_the_network_wins():
    model, ratio = never_worse(*curved(), 2, epochs=150)
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
def test_faces_of_others(n_components, images, pca_of_faces):
    never_worse(images[:300], images[300:], n_components, pca_of_faces, epochs=5)


@pytest.fixture(scope="module")
def mnist():
    return load_dataset("mnist"), load_dataset("mnist", "unseen")


@pytest.fixture(scope="module")
def pca_of_mnist(mnist):
    return exact_pca(mnist[0][:6000])


@pytest.mark.slow
@pytest.mark.parametrize("n_components", [2, 16, 64])
def test_some_of_mnist(n_components, mnist, pca_of_mnist):
    fitted, unseen = mnist[0][:6000], mnist[1][:2000]
    model, ratio = never_worse(fitted, unseen, n_components, pca_of_mnist, epochs=5)
    assert model.uses_network_
    assert ratio < 0.95


# -- all of MNIST ----------------------------------------------------------------------------------


def timed(model, rows, seconds):
    """Fit within so many seconds of two cores; waiting for a busy machine does not count."""
    start = time.process_time()
    model.fit(rows)
    assert time.process_time() - start < 2 * seconds
    return model


@pytest.mark.slow
def test_32_numbers_hold_a_digit_and_know_its_like(mnist):
    fitted, unseen = mnist
    model = timed(AutoEncoder(32, random_state=0), fitted, 60)
    assert our_error(model, unseen[:]) / 255**2 <= 0.0045
    neighbours = KNeighborsClassifier(10).fit(model.transform(fitted), fitted.labels)
    assert neighbours.score(model.transform(unseen), unseen.labels) >= 0.972


@pytest.mark.slow
def test_the_variational_bound_on_binary_digits(mnist):
    rng, (fitted, unseen) = np.random.default_rng(0), mnist
    fitted, unseen = (
        rng.random(images.shape) < images / 255 for images in (fitted[:20_000], unseen[:])
    )
    model = timed(VariationalAutoEncoder(20, random_state=0), fitted, 90)
    assert -model.score(unseen) <= 110


@pytest.mark.parametrize("seed", range(3))
def test_far_tails_prove_nothing(seed):
    """Few rows lie far out; held-out rows may hold none of them, and a network guesses there."""
    rows = datasets.load_breast_cancer().data
    order = np.random.default_rng(seed).permutation(len(rows))
    never_worse(rows[order[:398]], rows[order[398:]], 2)
