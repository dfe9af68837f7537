from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder
from latentmap.analysis import blame
from latentmap.analysis.attribution import scaled_difference, shares
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
def test_the_differences_squared_are_the_reconstruction_error(estimator, X):
    back = estimator.fit(X).inverse_transform(estimator.transform(X))
    squares = scaled_difference(estimator, X, back) ** 2
    assert squares.mean(axis=1) == pytest.approx(
        estimator.reconstruction_error(X), rel=2e-3, abs=1e-6
    )
    share = blame(estimator, X)
    assert share.shape == X.shape
    flat = share.reshape(len(X), -1)
    assert np.abs(flat).sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert np.abs(flat) == pytest.approx(
        squares / squares.sum(axis=1, keepdims=True), rel=1e-3, abs=1e-6
    )


def test_the_sign_tells_more_from_less():
    line = PCA(1).fit([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]])
    assert blame(line, [[1.0, 3, -1]])[0] == pytest.approx([0, 0.9, -0.1], abs=1e-6)


def test_blame_against_rows_of_ones_own():
    line = PCA(1).fit([[0.0, 0], [1, 0]])
    assert blame(line, [[5.0, 1.0]], [[2.0, 1.0]]).tolist() == [[1, 0]]
    with pytest.raises(DataError, match=r"expected: expected shape \(1, 2\), found \(1, 3\)"):
        blame(line, [[5.0, 1.0]], [[2.0, 1.0, 0.0]])


def test_what_fits_has_no_blame_and_what_is_huge_has_finite():
    assert shares(np.zeros((2, 3))).tolist() == [[0, 0, 0]] * 2
    assert shares(np.array([[3e38, -3e38, 0]], "float32")).tolist() == [[0.5, -0.5, 0]]


def test_columns_are_compared_by_name():
    frame = pd.DataFrame(WINE, columns=load_wine().feature_names)
    model = AutoEncoder(2, epochs=1, random_state=0).fit(frame)
    assert blame(model, frame).shape == WINE.shape
    with pytest.raises(DataError, match="expected the columns"):
        blame(model, frame.rename(columns={"ash": "cash"}))
