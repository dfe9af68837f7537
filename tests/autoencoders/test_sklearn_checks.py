"""Run the estimator checks of scikit-learn, without skips or expected failures.

The common base class validates rows and parameters and sets the tags, so the checks of these run
for `AutoEncoder`, in the slow set for `LatentMap`, whose ``fit`` differs, and not for variants of
`AutoEncoder`.
"""

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder
from latentmap.networks.dense import DenseNetwork

SMALL = DenseNetwork(hidden=(8,))
NETWORK_WITHOUT_PCA = DenseNetwork(hidden=(8,), principal=False)
SETTINGS = {"network": SMALL, "epochs": 3, "random_state": 0}
# Checks of the base class that fit estimators.
CHECKS_OF_BASE = {
    "check_array_api_input",
    "check_dtype_object",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimator_sparse_tag",
    "check_estimators_dtypes",
    "check_estimators_fit_returns_self",
    "check_estimators_nan_inf",
    "check_f_contiguous_array_estimator",
    "check_fit2d_predict1d",
    "check_fit_check_is_fitted",
    "check_fit_score_takes_y",
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_pipeline_consistency",
    "check_positive_only_tag_during_fit",
    "check_readonly_memmap_input",
    "check_transformer_data_not_an_array",
    "check_transformer_preserve_dtypes",
}


def check_name(check):
    return getattr(check, "func", check).__name__


def make_cases(estimator, checks_base=True, marks=()):
    """Return a case for each check of an estimator, and mark the checks of the base class."""
    return [
        pytest.param(
            estimator,
            check,
            id=f"{type(estimator).__name__}-{check_name(check)}",
            marks=marks if check_name(check) in CHECKS_OF_BASE else (),
        )
        for estimator, check in estimator_checks_generator(estimator)
        if checks_base or check_name(check) not in CHECKS_OF_BASE
    ]


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        *make_cases(AutoEncoder(**SETTINGS)),
        *make_cases(VariationalAutoEncoder(**SETTINGS), checks_base=False),
        *make_cases(LatentMap(**SETTINGS), marks=[pytest.mark.slow]),
    ],
)
def test_estimator_passes_the_checks_of_sklearn(estimator, check):
    check(estimator)


def test_all_checks_of_the_base_class_exist():
    assert {check_name(check) for _, check in estimator_checks_generator(AutoEncoder())} >= (
        CHECKS_OF_BASE
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "check"),
    make_cases(
        AutoEncoder(network=NETWORK_WITHOUT_PCA, epochs=3, random_state=0), checks_base=False
    ),
)
def test_estimator_without_principal_path_passes_the_checks_of_sklearn(estimator, check):
    check(estimator)
