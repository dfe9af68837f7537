"""Every check that scikit-learn has for estimators; none is skipped or expected to fail."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder
from latentmap.networks.dense import DenseNetwork

SMALL = DenseNetwork(hidden=(8,))
ALWAYS_TRAINED = DenseNetwork(hidden=(8,), principal=False)


@parametrize_with_checks(
    [
        AutoEncoder(network=SMALL, epochs=3, random_state=0),
        VariationalAutoEncoder(network=SMALL, epochs=3, random_state=0),
        LatentMap(network=SMALL, epochs=3, random_state=0),
    ]
)
def test_sklearn(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([AutoEncoder(network=ALWAYS_TRAINED, epochs=3, random_state=0)])
def test_sklearn_without_comparison_to_pca(estimator, check):
    check(estimator)
