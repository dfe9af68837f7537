"""Map of rows in one, two or three dimensions, with an encoder and a decoder."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from latentmap.autoencoders.base import BaseAutoEncoder
from latentmap.autoencoders.fitting import fit_or_restore
from latentmap.autoencoders.state import FittedState
from latentmap.backend import start_engine
from latentmap.data.array_checks import check_result
from latentmap.data.code_checks import check_codes
from latentmap.data.types import DataLike
from latentmap.errors import DataWarning
from latentmap.maps.defaults import TRAINING
from latentmap.maps.diagnostics import CodeLandmarks, MapDiagnostics
from latentmap.maps.local_mean import limit_codes
from latentmap.maps.map_assembly import assemble_map, check_restored_map
from latentmap.maps.map_placement import (
    add_local_means,
    decoding_errors,
    place_batches,
    place_rows,
    row_confidence,
)
from latentmap.maps.map_state import MapState
from latentmap.maps.neighbor_search import Metric, metric_name
from latentmap.networks.dense import Network
from latentmap.networks.network_graphs import GraphSpec, NetworkGraphs, map_graphs
from latentmap.preprocessing.pca_projection import PrincipalComponents
from latentmap.training.config import Training

if TYPE_CHECKING:
    from latentmap.maps.map_networks import MapNetworks
    from latentmap.maps.neighbor_graph import NeighborsLike


class LatentMap(BaseAutoEncoder):
    """Map that places fitted and new rows, and decodes every point to a row.

    t-SNE computes a layout of the fitted rows from their nearest neighbours, in which similar rows
    are near each other. An encoder learns the position of each row, and a decoder learns the row at
    each position. docs/map.md describes the method and its limits.

    Parameters
    ----------
    n_components : {1, 2, 3}
        Number of components of a code. The number of columns of a layout given to `fit` replaces
        this.
    n_neighbors : int
        Number of neighbours of each row in the layout. A smaller number shows finer structure.
    metric : {"euclidean", "cosine", "correlation", "manhattan", "hamming", "jaccard"} or callable
        Distance that determines the neighbours. New rows are placed by the cosine or correlation
        if that is the metric, and otherwise by Euclidean distances of principal components. A
        callable takes two rows of numbers and returns a distance of at least 0. Beyond "cosine"
        and "correlation", more than 10,000 rows need PyNNDescent (the extra ``metrics``).
    placement : {"auto", "network"}
        How rows are placed and decoded. "auto" stores the principal component coordinates of at
        most 100,000 fitted rows. It places a fitted row at its layout position, and another row by
        its nearest fitted rows and the encoder. "network" uses the encoder and the decoder alone,
        and stores no rows.
    network : {"auto", "dense", "conv"} or network settings
        Network of the encoder and the decoder. "auto" and "dense" are an encoder with hidden layers
        of 512, 256 and 256 units and a decoder with one of 512.
    scaling : {"auto", "unit", "standard", "columns", "none"}
        Scaling of rows before neighbours are computed and before the network; see `AutoEncoder`.
    epochs : int or "auto"
        Number of passes over the rows. "auto" is 2 for 60,000 rows, and more for fewer rows.
    training : Training, optional
        Batch size, learning rate, schedule, early stopping and noise. By default no rows are held
        out, the learning rate is 0.01, the noise is 0.15, and a batch is a fiftieth of the rows,
        from 32 to 512.
    random_state : int, RandomState instance or None
        An integer makes the map repeatable.
    verbose : bool
        Whether to show progress and the remaining time.

    Attributes
    ----------
    embedding_ : ndarray of shape (n, n_components)
        Positions of the fitted rows, float32. Maps that do not store all fitted rows, with
        ``placement="network"`` or more than 100,000 rows, do not have this attribute.
    encoder_, decoder_ : keras.Model
        Parametric part of the map: from raw rows to codes, and from codes to rows in their original
        units. `transform` and `inverse_transform` combine it with the stored rows.
    landmarks_ : ndarray of shape (K, n_components)
        Points of the map over which the encoder predicts a distribution, in the units of codes.
    layout_fit_ : dict of str to float
        Agreement of the encoder with the layout on at most 10,000 fitted rows. "r2" is the
        explained share of the layout's variance. "median_shift" is the median distance between code
        and layout position, as a share of the layout's width.
    partial_fit_report_ : dict of str to number, or None
        Result of the last `partial_fit`: the numbers of added "rows", of "novel_rows" among them
        (rows of novel classes), and of added "landmarks", and the "median_shift" of earlier rows,
        as a share of the map's width.
    history_ : dict of lists
        "epoch", "loss", "val_loss", "val_mse".
    row_shape_, n_features_in_, feature_names_in_ : tuple of int, int, ndarray of str
        Shape of a row, number of columns, and their names if they have names.

    References
    ----------
    L. van der Maaten, G. Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008; C. M. Bishop,
    M. Svensén, C. K. I. Williams, "GTM: The Generative Topographic Mapping", Neural Computation 10,
    1998. docs/map.md lists others.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from latentmap import LatentMap
    >>> X = load_iris().data
    >>> m = LatentMap(epochs=2, random_state=0).fit(X)
    >>> codes = m.transform(X)
    >>> codes.shape, m.inverse_transform(codes).shape, m.confidence(X).shape, m.density(codes).shape
    ((150, 2), (150, 4), (150,), (150,))
    """

    _state_class: ClassVar[type[FittedState]] = MapState
    _default_training: ClassVar[Training] = TRAINING
    _default_noise: ClassVar[float] = 0.15
    _state: MapState

    def __init__(
        self,
        n_components: int = 2,
        *,
        n_neighbors: int = 10,
        metric: Metric = "euclidean",
        placement: str = "auto",
        network: str | Network = "auto",
        scaling: str = "auto",
        epochs: int | str = "auto",
        training: Training | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.placement = placement
        self.network = network
        self.scaling = scaling
        self.epochs = epochs
        self.training = training
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: DataLike,
        y: object = None,
        *,
        layout: ArrayLike | None = None,
        neighbors: NeighborsLike | None = None,
    ) -> Self:
        """Fit the map to rows.

        If a fit fails or is interrupted, the map keeps its previous state.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source
            At least 2 rows of finite numbers. Sparse rows are converted to dense ones batch by
            batch.
        y : None
            Ignored; labels never train a model.
        layout : array-like of shape (n, 2) or (n, 3), optional
            Position of each row, for instance from UMAP, PaCMAP or geography, instead of t-SNE.
            Rows of NaN are placed by their nearest rows that have a position.
        neighbors : tuple of arrays (indices, distances) or sparse matrix, optional
            Neighbours of each row, which replace the search: two arrays of shape (n, k), or a
            graph of distances, shape (n, n), as in AnnData's ``obsp["distances"]``.

        Returns
        -------
        self

        Raises
        ------
        DataError
            If the rows cannot be fitted, or the layout or the neighbours do not match them.
        SettingError
            If a parameter is outside its range, or both a layout and neighbours are given.
        TooLargeError
            If the networks do not fit into memory, or the fit does not fit into the memory limit.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from latentmap import LatentMap
        >>> X = load_iris().data
        >>> m = LatentMap(epochs=1, random_state=0).fit(X, layout=X[:, :2])
        >>> bool(np.allclose(m.embedding_, X[:, :2]))
        True
        """
        with fit_or_restore(self):
            self._fit(X, layout, neighbors)
        return self

    def _fit(
        self,
        X: DataLike,
        layout: ArrayLike | None = None,
        neighbors: NeighborsLike | None = None,
    ) -> None:
        start_engine()
        from latentmap.maps.map_fit import fit_map

        fit_map(self, X, layout, neighbors)

    def _check_settings(self) -> None:
        super()._check_settings()
        from latentmap.maps.map_fit import check_map_settings

        check_map_settings(self)

    def _assemble(self) -> MapNetworks:
        return assemble_map(self)

    def _describe(self, spec: GraphSpec) -> NetworkGraphs:
        state = self._state
        return map_graphs(
            spec,
            state.n_landmarks,
            state.n_anchors,
            state.n_input_components,
            state.arcsinh_input,
            (state.code_offset.shape, state.code_scale.shape),
        )

    def fit_transform(  # type: ignore[override]
        self,
        X: DataLike,
        y: object = None,
        *,
        layout: ArrayLike | None = None,
        neighbors: NeighborsLike | None = None,
    ) -> np.ndarray:
        """Fit the map, and return the codes of the fitted rows.

        The result is that of `fit` and ``transform(X)``. It takes no time after the fit if the map
        stores all fitted rows.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source
        y : None
            Ignored; labels never train a model.
        layout, neighbors
            See `fit`.

        Returns
        -------
        ndarray of shape (n, n_components)
            Codes, float32.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from latentmap import LatentMap
        >>> X = load_iris().data
        >>> m = LatentMap(epochs=1, random_state=0)
        >>> bool((m.fit_transform(X) == m.transform(X)).all())
        True
        """
        self.fit(X, layout=layout, neighbors=neighbors)
        return self.embedding_.copy() if hasattr(self, "embedding_") else self._encode(X)

    def _encode(self, X: DataLike) -> np.ndarray:
        if self._check_fitted()._state.placement is None:
            return super()._encode(X)
        codes, mismatch = place_rows(self, X)
        if mismatch:
            message = f"X: most rows {mismatch}: check that they have the same units"
            warnings.warn(message, DataWarning, stacklevel=4)
        return codes

    def _decode(self, X: ArrayLike, block_size: int | None = None) -> np.ndarray:
        codes = check_codes(X, self._check_fitted()._n_features_out)
        codes = limit_codes(codes, self._landmarks().positions)
        network_rows = super()._decode(codes, block_size)
        return check_result("decoded rows", add_local_means(self, codes, network_rows))

    def reconstruction_error(self, X: DataLike) -> np.ndarray:
        """Return the reconstruction error of each row; see `AutoEncoder.reconstruction_error`."""
        if self._check_fitted()._state.placement is None:
            return super().reconstruction_error(X)
        return np.concatenate(
            [decoding_errors(self, rows, codes) for rows, codes, _ in place_batches(self, X)]
        )

    def partial_fit(self, X: DataLike, y: object = None) -> Self:
        """Add new rows to the fitted map; codes of the earlier rows stay nearly the same.

        The earlier rows are not needed. If 20 or more new rows belong to novel classes, these rows
        get landmarks in a free part of the map. All other rows are placed as before, and the
        networks are trained on them. On an unfitted estimator this is `fit`. If it fails or is
        interrupted, the estimator keeps its previous state.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source
            Raw rows with the columns or the shape of the fitted ones. The scaling does not change.
        y : None
            Ignored; labels never train a model.

        Returns
        -------
        self
            ``partial_fit_report_`` holds the numbers of rows and landmarks added.

        Raises
        ------
        DataError
            If the rows differ in shape or columns from the fitted ones.
        SettingError
            If the map has a given layout, or its file contains no replay memory.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from latentmap import LatentMap
        >>> X, y = load_digits(return_X_y=True)
        >>> m = LatentMap(epochs=8, random_state=0).fit(X[y != 0])
        >>> report = m.partial_fit(X[y == 0]).partial_fit_report_
        >>> report["rows"], report["novel_rows"] > 150, report["median_shift"] < 0.02
        (178, True, True)
        """
        if not self.__sklearn_is_fitted__():
            return self.fit(X)
        from latentmap.maps.incremental.partial_fit import add_rows

        with fit_or_restore(self):
            add_rows(self, X)
        return self

    def confidence(self, X: DataLike) -> np.ndarray:
        """Return the confidence in each row's position on the map, from 0 to 1.

        It is the share of the encoder's distribution over the landmarks that is near the code,
        divided by the largest possible share. A row with two possible positions has low confidence.
        If the reconstruction error of a row is above the 95th percentile of the fitted rows, the
        share is multiplied by that percentile divided by the error, so that a row unlike all fitted
        rows has low confidence as well. If the map stores fitted rows, it is also multiplied by the
        share of the nearest fitted rows that are near the code on the map, and reduced for rows
        that are far from all fitted rows.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source

        Returns
        -------
        ndarray of shape (n,)
        """
        return check_result("confidence", row_confidence(self._check_fitted(), X))

    def density(self, Z: ArrayLike) -> np.ndarray:
        """Return the density of the fitted rows at each code.

        It is a kernel density estimate on the landmarks, weighted by their shares of the fitted
        rows, and divided by the density at the median fitted row.

        Parameters
        ----------
        Z : array-like of shape (n, n_components)
            Codes.

        Returns
        -------
        ndarray of shape (n,)
            From 0 to 1. Codes at least as dense as at the median fitted row have 1.
        """
        codes = check_codes(Z, self._check_fitted()._n_features_out)
        return self._diagnostics.density(codes, self._landmarks())

    @property
    def embedding_(self) -> np.ndarray:
        """Positions of the fitted rows, shape (n, n_components), float32."""
        state = self._check_fitted()._state
        if state.placement is None or len(state.placement.fitted) != state.n_rows:
            raise AttributeError(
                "embedding_: the map does not store all fitted rows: call transform with these rows"
            )
        positions = state.placement.fitted.positions.view()
        positions.flags.writeable = False
        return positions

    @property
    def landmarks_(self) -> np.ndarray:
        """Landmarks of the map, shape (K, n_components), in the units of codes."""
        return self._check_fitted()._landmarks().positions

    @property
    def layout_fit_(self) -> dict[str, float]:
        """Agreement of the encoder with the layout on fitted rows."""
        return asdict(self._check_fitted()._diagnostics.layout_fit)

    @property
    def partial_fit_report_(self) -> dict[str, float] | None:
        """Result of the last `partial_fit`, or None before the first one."""
        report = self._check_fitted()._state.report
        return None if report is None else asdict(report)

    @property
    def _diagnostics(self) -> MapDiagnostics:
        diagnostics = self._state.diagnostics
        assert diagnostics is not None
        return diagnostics

    def _landmarks(self) -> CodeLandmarks:
        centers, _, radius = self._networks.first_weights("around_mode")
        return self._state.landmarks(centers, float(radius))

    def _encoder_components(self) -> PrincipalComponents | None:
        """Return the principal components that the encoder contains, or None."""
        if not self._state.n_input_components:
            return None
        kernel, bias = self._networks.first_weights("dense")
        return PrincipalComponents(-bias @ kernel.T, kernel.T)

    def _check_restored(self) -> None:
        check_restored_map(self)

    def _saved_parameters(self) -> dict[str, Any]:
        # A model file contains no function, only its name.
        return super()._saved_parameters() | {"metric": metric_name(self.metric)}

    def _draw_codes(self, n: int, rng: np.random.RandomState) -> np.ndarray:
        return self._landmarks().draw_codes(n, self._diagnostics.landmark_share, rng)
