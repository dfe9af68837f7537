"""Methods that the benchmark of maps compares.

Every method uses its defaults and all cores, with these exceptions. PaCMAP and LocalMAP keep their
index (`save_tree=True`), so that `transform` does not build it again. openTSNE is given all
threads. UMAP would use one thread if it were given a seed, so NumPy's global generator is seeded
instead. Contrastive neighbour embedding is parametric, with Adam, as its authors recommend.
TriMap cannot place new rows: its map is one of the fitted and the unseen rows together.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from map_data import MapData

WARM_UP_ROWS = 5000  # Below 4,096 rows UMAP would compile other code.


@dataclass(frozen=True)
class FittedMap:
    """A fitted method.

    Attributes
    ----------
    codes : ndarray of shape (n, 2)
        Codes of the fitted rows.
    transform : callable
        Returns the codes of rows.
    inverse : callable or None
        Returns the rows at codes.
    """

    codes: np.ndarray
    transform: Callable[[np.ndarray], np.ndarray]
    inverse: Callable[[np.ndarray], np.ndarray] | None = None


def fit_pca(data: MapData, seed: int) -> FittedMap:
    """Fit scikit-learn's PCA."""
    from sklearn.decomposition import PCA

    model = PCA(2, random_state=seed)
    return FittedMap(model.fit_transform(data.fitted), model.transform, model.inverse_transform)


def fit_umap(data: MapData, seed: int) -> FittedMap:
    """Fit umap-learn."""
    from umap import UMAP

    np.random.seed(seed)  # noqa: NPY002 - used by UMAP unless random_state is set
    model = UMAP()
    return FittedMap(model.fit_transform(data.fitted), model.transform)


def fit_pacmap(data: MapData, seed: int) -> FittedMap:
    """Fit PaCMAP."""
    from pacmap import PaCMAP

    model = PaCMAP(random_state=seed, save_tree=True)
    return FittedMap(model.fit_transform(data.fitted), model.transform)


def fit_localmap(data: MapData, seed: int) -> FittedMap:
    """Fit LocalMAP."""
    from pacmap import LocalMAP

    model = LocalMAP(random_state=seed, save_tree=True)
    return FittedMap(model.fit_transform(data.fitted), model.transform)


def fit_trimap(data: MapData, seed: int) -> FittedMap:
    """Fit TriMap, which has no seed, to the fitted and the unseen rows."""
    from trimap import TRIMAP

    codes = TRIMAP().fit_transform(np.concatenate([data.fitted, data.unseen]))
    return FittedMap(codes[: len(data.fitted)], lambda _: codes[len(data.fitted) :])


def fit_opentsne(data: MapData, seed: int) -> FittedMap:
    """Fit openTSNE."""
    from openTSNE import TSNE

    embedding = TSNE(n_jobs=-1, random_state=seed).fit(data.fitted)
    return FittedMap(np.asarray(embedding), embedding.transform)


def fit_param_repulsor(data: MapData, seed: int) -> FittedMap:
    """Fit ParamRepulsor."""
    from parampacmap import ParamPaCMAP

    model = ParamPaCMAP(seed=seed)
    return FittedMap(model.fit_transform(data.fitted), model.transform)


def fit_parametric_umap(data: MapData, seed: int) -> FittedMap:
    """Fit Parametric UMAP, whose networks need TensorFlow."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras
    from umap.parametric_umap import ParametricUMAP

    keras.utils.set_random_seed(seed)
    model = ParametricUMAP(keras_fit_kwargs={"verbose": 0})
    return FittedMap(model.fit_transform(data.fitted), model.transform)


def fit_info_nc_tsne(data: MapData, seed: int) -> FittedMap:
    """Fit parametric InfoNC-t-SNE, by contrastive-ne."""
    from cne import CNE

    model = CNE(parametric=True, optimizer="adam", seed=seed)
    # Version 0.4 reads the length of init; a parametric model does not use it otherwise.
    codes = model.fit_transform(data.fitted, init=data.fitted)
    return FittedMap(codes, model.transform)


def fit_latentmap(data: MapData, seed: int) -> FittedMap:
    """Fit a LatentMap."""
    from latentmap import LatentMap

    model = LatentMap(random_state=seed)
    return FittedMap(model.fit_transform(data.fitted), model.transform, model.inverse_transform)


@dataclass(frozen=True)
class Method:
    """A method.

    Attributes
    ----------
    fit : callable
        Fits it to data with a seed.
    module : str
        The module that it needs.
    places_new_rows : bool
        Whether it can place rows on a fitted map.
    warm_up_rows : int
        Number of random rows of the warm-up; few for methods that train for minutes.
    """

    fit: Callable[[MapData, int], FittedMap]
    module: str
    places_new_rows: bool = True
    warm_up_rows: int = WARM_UP_ROWS


METHODS = {
    "PCA": Method(fit_pca, "sklearn"),
    "UMAP": Method(fit_umap, "umap"),
    "PaCMAP": Method(fit_pacmap, "pacmap"),
    "LocalMAP": Method(fit_localmap, "pacmap"),
    "TriMap": Method(fit_trimap, "trimap", places_new_rows=False),
    "openTSNE": Method(fit_opentsne, "openTSNE"),
    "ParamRepulsor": Method(fit_param_repulsor, "parampacmap", warm_up_rows=200),
    "Parametric UMAP": Method(fit_parametric_umap, "umap.parametric_umap", warm_up_rows=200),
    "InfoNC-t-SNE": Method(fit_info_nc_tsne, "cne", warm_up_rows=200),
    "latentmap": Method(fit_latentmap, "latentmap"),
}
