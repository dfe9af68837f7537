"""Run all estimator checks of scikit-learn, without skips or expected failures."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder
from latentmap.networks.dense import DenseNetwork

SMALL = DenseNetwork(hidden=(8,))
NETWORK_WITHOUT_PCA = DenseNetwork(hidden=(8,), principal=False)


@parametrize_with_checks(
    [
        AutoEncoder(network=SMALL, epochs=3, random_state=0),
        VariationalAutoEncoder(network=SMALL, epochs=3, random_state=0),
        LatentMap(network=SMALL, epochs=3, random_state=0),
    ]
)
def test_estimator_passes_the_checks_of_sklearn(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([AutoEncoder(network=NETWORK_WITHOUT_PCA, epochs=3, random_state=0)])
def test_estimator_without_principal_path_passes_the_checks_of_sklearn(estimator, check):
    check(estimator)
