"""Rows of extreme scales and unusual types."""

import numpy as np
import pytest
from sklearn.datasets import load_wine

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder

X = load_wine().data
X = (X - X.mean(axis=0)) / X.std(axis=0)
ESTIMATORS = [AutoEncoder, VariationalAutoEncoder, LatentMap]
ROWS = {
    "1e-30": X * 1e-30,
    "1e30": X * 1e30,
    "both": X * np.where(np.arange(X.shape[1]) % 2, 1e30, 1e-30),
    "float32 of 1e-30": (X * 1e-30).astype("float32"),
    "float16": X.astype("float16"),
    "duplicated": np.hstack([X, X]),
    "constant": np.hstack([X, np.full_like(X[:, :2], 7.0)]),
}
DEGENERATE_ROWS = {
    "truth values": X > 0,
    "zeros": np.vstack([X[:60], np.zeros((60, 13))]),
    "equal": np.ones((40, 3)),
}


def make_cases(cases, own_cases):
    """Return a case for each estimator; other estimators than `AutoEncoder` share its scaling.

    Only ``own_cases`` are therefore fast for all estimators.
    """
    return [
        pytest.param(
            estimator,
            case,
            marks=[] if estimator is AutoEncoder or case in own_cases else [pytest.mark.slow],
        )
        for estimator in ESTIMATORS
        for case in cases
    ]


def fit(estimator, rows):
    """Return the codes, and the mean squared error in units of each column's deviation."""
    model = estimator(2, epochs=10, random_state=0).fit(rows)
    codes = model.transform(rows)
    rows = rows.astype(float)
    deviation = rows.std(axis=0)
    errors = (model.inverse_transform(codes) - rows) / np.where(deviation > 0, deviation, 1.0)
    is_constant = deviation == 0
    error = (errors[:, ~is_constant] ** 2).sum() / max(1, errors[:, ~is_constant].size)
    return codes, error, errors[:, is_constant]


@pytest.fixture(scope="module")
def expected_errors():
    return {estimator: fit(estimator, X)[1] for estimator in ESTIMATORS}


@pytest.mark.parametrize(("estimator", "name"), make_cases(ROWS, ("1e30", "both")))
def test_errors_do_not_depend_on_scale_and_type(estimator, name, expected_errors):
    codes, error, constant_errors = fit(estimator, ROWS[name])
    assert np.isfinite(codes).all()
    assert error < 1.2 * expected_errors[estimator]
    np.testing.assert_allclose(constant_errors, 0.0, atol=0.05)


@pytest.mark.parametrize(("estimator", "name"), make_cases(DEGENERATE_ROWS, ("zeros",)))
def test_truth_values_rows_of_zeros_and_constant_rows(estimator, name):
    codes, error, constant_errors = fit(estimator, DEGENERATE_ROWS[name])
    assert np.isfinite(codes).all()
    assert error < 0.9
    np.testing.assert_allclose(constant_errors, 0.0, atol=0.05)
