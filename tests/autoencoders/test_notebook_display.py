from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from latentmap import AutoEncoder, LatentMap
from latentmap.data import ArraySource
from latentmap.errors import NotFittedError, SettingError

X, Y = load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def iris_map():
    return LatentMap(epochs=1, random_state=0).fit(X)


def test_a_plot_shows_the_fitted_rows_and_returns_its_axes(iris_map):
    axes = iris_map.plot(labels=Y, title="iris")
    assert axes.get_title(loc="left") == "iris"
    points = np.concatenate([np.asarray(part.get_offsets()) for part in axes.collections])
    gaps = np.abs(points[:, None] - iris_map.embedding_).max(axis=2).min(axis=0)
    assert gaps.max() < 1e-4  # Every position is that of a point.


def test_a_plot_of_other_rows_in_given_axes(iris_map):
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    assert iris_map.plot(ArraySource(X[:9], labels=Y[:9]), ax=axes) is axes


def test_a_model_without_stored_rows_needs_rows():
    estimator = AutoEncoder(2, network="linear", random_state=0).fit(X)
    with pytest.raises(SettingError, match="X: expected rows"):
        estimator.plot()
    with pytest.raises(NotFittedError):
        AutoEncoder(2).plot(X)


def test_the_html_representation_has_the_figures_of_the_fit(iris_map):
    html = iris_map._repr_mimebundle_()["text/html"]
    assert "LatentMap" in html
    for text in ("<th>rows</th><td>4 columns</td>", "R² of the layout", "<th>epochs</th><td>1<"):
        assert text in html
    assert "<caption>" not in LatentMap()._repr_mimebundle_()["text/html"]


def test_names_of_columns_are_not_html():
    frame = pd.DataFrame({"<b>": ["x", "y"] * 20, "n": np.arange(40.0), "name": "<i>"})
    frame["<b>"] = [f"<b>{i}" for i in range(40)]
    estimator = AutoEncoder(1, network="linear", random_state=0).fit(frame)
    html = estimator._repr_mimebundle_()["text/html"]
    figures = html[html.index("<caption>") :]
    assert "&lt;b&gt; (40 distinct values)" in figures and "<b>" not in figures
