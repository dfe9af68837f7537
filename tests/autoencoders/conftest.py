"""Data sets and small fitted models that the tests of this folder share and never change."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris

from latentmap import AutoEncoder, VariationalAutoEncoder
from latentmap.networks.dense import DenseNetwork
from latentmap.training.launcher import use_launcher


@pytest.fixture(scope="session")
def digits():
    """Return 500 grey uint8 images of 8×8 pixels, with values from 0 to 255."""
    return (load_digits().images[:500] * 15.9375).astype(np.uint8)


@pytest.fixture(scope="session")
def iris():
    """Return a data frame of 150 rows and four named columns."""
    bunch = load_iris()
    return pd.DataFrame(bunch.data, columns=["sepal l", "sepal w", "petal l", "petal w"])


@pytest.fixture(scope="session")
def curve():
    """Return 500 noisy points of a nonlinear curve in six dimensions."""
    rng = np.random.default_rng(0)
    t = rng.uniform(-1, 1, 500)
    columns = [t, t**2, t**3, np.sin(4 * t), np.cos(4 * t), np.abs(t)]
    return np.stack(columns, axis=1) + 0.01 * rng.normal(size=(500, 6))


@pytest.fixture(scope="session")
def image_model(digits):
    """Return an autoencoder of the digits that uses its network, not PCA alone."""
    model = AutoEncoder(4, network=DenseNetwork(hidden=(64,)), epochs=30, random_state=0)
    assert model.fit(digits).uses_network_
    return model


@pytest.fixture(scope="session")
def table_model(iris):
    """Return an autoencoder of a table with named columns."""
    return AutoEncoder(2, network=DenseNetwork(hidden=(8,)), epochs=5, random_state=0).fit(iris)


@pytest.fixture(scope="session")
def variational_model(digits):
    """Return a variational autoencoder of the digits."""
    network = DenseNetwork(hidden=(64,))
    return VariationalAutoEncoder(4, network=network, epochs=40, random_state=0).fit(digits)


class RandomWeights:
    """Launcher that changes all weights at random, which takes less time than training."""

    in_this_process = True

    def run(self, objective, task, verbose=False):
        rng = np.random.default_rng(0)
        for weight in objective.trainable_variables:
            weight.assign(weight + rng.normal(0.0, 0.1, weight.shape))
        for weight in objective.non_trainable_variables:
            if "moving" in weight.path:  # Statistics of batch normalisation are positive.
                weight.assign(weight + rng.uniform(0.1, 1.0, weight.shape))
        return {"epoch": [1.0], "loss": [0.5], "val_loss": [0.7], "val_mse": [0.2]}


@pytest.fixture(scope="session")
def fit_without_training():
    """Return a function that fits an estimator and sets its weights at random."""

    def fit(estimator, X):
        with use_launcher(RandomWeights()):
            return estimator.fit(X)

    return fit


@pytest.fixture
def random_weights():
    """Fit estimators without training in a test that compares two evaluations of one model."""
    with use_launcher(RandomWeights()):
        yield
