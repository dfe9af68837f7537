from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder
from latentmap.analysis import attribute
from latentmap.analysis.attribution import scaled_difference, signed_shares
from latentmap.errors import DataError

DIGITS = load_digits().images[:200]
WINE = load_wine().data


@pytest.mark.parametrize(
    ("estimator", "X"),
    [
        (AutoEncoder(3, epochs=1, random_state=0), DIGITS),
        (AutoEncoder(2, scaling="columns", epochs=1, random_state=0), WINE),
        (AutoEncoder(2, scaling="standard", epochs=1, random_state=0), WINE),
        (VariationalAutoEncoder(2, epochs=1, random_state=0), (DIGITS * 15.9).astype("u1")),
        (LatentMap(epochs=1, random_state=0), WINE),
    ],
)
def test_squared_differences_add_up_to_the_reconstruction_error(estimator, X):
    restored = estimator.fit(X).inverse_transform(estimator.transform(X))
    squares = scaled_difference(estimator, X, restored) ** 2
    assert squares.mean(axis=1) == pytest.approx(
        estimator.reconstruction_error(X), rel=2e-3, abs=1e-6
    )
    share = attribute(estimator, X)
    assert share.shape == X.shape
    flat = share.reshape(len(X), -1)
    assert np.abs(flat).sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert np.abs(flat) == pytest.approx(
        squares / squares.sum(axis=1, keepdims=True), rel=1e-3, abs=1e-6
    )


def test_sign_is_the_sign_of_the_difference():
    line = PCA(1).fit([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]])
    assert attribute(line, [[1.0, 3, -1]])[0] == pytest.approx([0, 0.9, -0.1], abs=1e-6)


def test_attribution_against_given_expected_rows():
    line = PCA(1).fit([[0.0, 0], [1, 0]])
    assert attribute(line, [[5.0, 1.0]], [[2.0, 1.0]]).tolist() == [[1, 0]]
    with pytest.raises(DataError, match=r"expected: expected shape \(1, 2\), found \(1, 3\)"):
        attribute(line, [[5.0, 1.0]], [[2.0, 1.0, 0.0]])


def test_signed_shares_of_zero_and_of_huge_differences_are_finite():
    assert signed_shares(np.zeros((2, 3))).tolist() == [[0, 0, 0]] * 2
    assert signed_shares(np.array([[3e38, -3e38, 0]], "float32")).tolist() == [[0.5, -0.5, 0]]


def test_columns_are_compared_by_name():
    frame = pd.DataFrame(WINE, columns=load_wine().feature_names)
    model = AutoEncoder(2, epochs=1, random_state=0).fit(frame)
    assert attribute(model, frame).shape == WINE.shape
    with pytest.raises(DataError, match="expected the columns"):
        attribute(model, frame.rename(columns={"ash": "cash"}))
