"""Two-dimensional map with an encoder and a decoder."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from latentmap.autoencoders.base import MAX_MEASURED_ROWS, BaseAutoEncoder
from latentmap.autoencoders.fitting import restore_on_error
from latentmap.autoencoders.state import FittedState
from latentmap.autoencoders.validation import fitting_rows
from latentmap.data.code_checks import check_codes, check_layout
from latentmap.data.memory import check_memory, fit_memory_bytes
from latentmap.data.sources import ArraySource
from latentmap.data.types import DataLike
from latentmap.errors import SettingError
from latentmap.maps.defaults import (
    ENCODER_NETWORK,
    TRAINING,
    default_epochs,
    get_networks,
    layer_sizes,
    training_settings,
)
from latentmap.maps.diagnostics import CodeLandmarks, MapDiagnostics
from latentmap.maps.incremental.partial_fit import add_rows
from latentmap.maps.incremental.replay_state import ReplayState
from latentmap.maps.landmarks import MAX_LANDMARKS, LandmarkSet, compute_landmarks
from latentmap.maps.layout import standardize
from latentmap.maps.layout_extension import Layout, compute_positions
from latentmap.maps.map_networks import MapNetworks, MapParts, build_map
from latentmap.maps.map_state import MapState
from latentmap.networks.dense import Network
from latentmap.networks.losses import check_loss, constant_loss, get_loss
from latentmap.networks.registry import get_network, network_to_dict
from latentmap.preprocessing.pca_projection import PrincipalComponents, principal_components
from latentmap.training.config import Training
from latentmap.training.launcher import current_launcher
from latentmap.training.preparation import PreparedData

Loss: TypeAlias = str | Callable[..., Any]

N_LAYOUT_COMPONENTS = 50  # Principal components for the layout and the encoder.
MAX_PCA_ROWS = 20_000
RECONSTRUCTION_WEIGHT = 8.0  # Nats per reconstruction loss of the mean row.
MAX_LANDMARK_ROWS = 100_000


class LatentMap(BaseAutoEncoder):
    """Map of rows that places new rows and can be decoded at any point.

    t-SNE computes a layout of the fitted rows from their nearest neighbours. An encoder learns the
    layout position of each row, and a decoder learns the row at each position. Similar rows are
    near each other on the map. docs/map.md describes the method and its limits.

    Parameters
    ----------
    n_components : {1, 2, 3}
        Number of components of a code: a line, a plane or a space. A given ``layout`` determines
        it.
    layout : array-like of shape (n, 2) or (n, 3), optional
        Position of each fitted row, for instance from UMAP, t-SNE, PaCMAP or geography. It replaces
        the computed layout.
    n_neighbors : int
        Number of neighbours of each row in the layout. Fewer show finer structure.
    network : {"auto", "dense", "conv"} or network settings
        Network of the encoder and, unless "auto", of the decoder. "auto" is an encoder with hidden
        layers of 512, 256 and 256 units and a decoder with one of 512.
    loss : {"auto", "bernoulli", "gaussian", "bounded"} or a Keras loss
        Loss of the reconstructions; see `AutoEncoder`.
    scaling : {"balanced", "auto", "unit", "standard", "columns", "none"}
        Scaling of rows before neighbours are computed and before the network. "balanced" is
        "columns" if one column of a table dominates the others by its unit, and "auto" otherwise
        (see `AutoEncoder`).
    epochs : int or "auto"
        Number of passes over the rows. "auto" is 4 for 60,000 rows, and more for fewer rows.
    training : Training, optional
        Batch size, learning rate, schedule, early stopping and noise. By default no rows are held
        out, the learning rate is 0.01 and the noise 0.15. The batch size "auto" is a fiftieth of
        the rows, from 32 to 512.
    random_state : int, RandomState instance or None
        An integer makes the map repeatable.
    verbose : bool
        Show progress and the remaining time.

    Attributes
    ----------
    encoder_, decoder_ : keras.Model
        Map raw rows to codes, and codes to rows in their original units.
    landmarks_ : ndarray of shape (K, n_components)
        Points that the encoder's distribution is over, in the units of codes.
    layout_fit_ : dict of str to float
        Agreement of the encoder with the layout on at most 10,000 of the fitted rows: "r2", the
        share of the layout's variance that it explains, and "median_shift", the median distance
        between a row's code and its layout position, as a share of the layout's width.
    partial_fit_report_ : dict of str to number, or None
        Figures of the last `partial_fit`: "rows", the number of rows added; "novel_rows", the
        number of these that belong to novel classes; "landmarks", the number of landmarks added
        for these; "median_shift", the median distance by which (replayed) earlier rows moved, as a
        share of the map's width.
    history_ : dict of lists
        "epoch", "loss", "val_loss", "val_mse".
    row_shape_ : tuple of int
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns have names.

    References
    ----------
    L. van der Maaten, G. Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008; C. M. Bishop,
    M. Svensén, C. K. I. Williams, "GTM: The Generative Topographic Mapping", Neural Computation 10,
    1998. Others in docs/map.md.

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
        layout: ArrayLike | None = None,
        n_neighbors: int = 10,
        network: str | Network = "auto",
        loss: Loss = "auto",
        scaling: str = "balanced",
        epochs: int | str = "auto",
        training: Training | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        self.n_components = n_components
        self.layout = layout
        self.n_neighbors = n_neighbors
        self.network = network
        self.loss = loss
        self.scaling = scaling
        self.epochs = epochs
        self.training = training
        self.random_state = random_state
        self.verbose = verbose

    # -- fitting -----------------------------------------------------------------------------------

    def _fit(self, X: DataLike) -> None:
        self._check_settings()
        rows = fitting_rows(self, X)
        networks = get_networks(self.network)
        n_weights = sum(layer_sizes(*networks, rows.row_shape, MAX_LANDMARKS))
        needed = fit_memory_bytes(len(rows), rows.nbytes // len(rows), n_weights)
        check_memory("network", needed, engine=True)
        own = None if self.layout is None else check_layout(self.layout, len(rows))
        training = training_settings(self.training, len(rows))
        epochs = default_epochs(len(rows)) if self.epochs == "auto" else self.epochs
        data = self._prepare_rows(rows, epochs, training).rescale_by_median()
        layout = self._compute_layout(data) if own is None else Layout(own)
        self._train(networks, data, layout)
        self._measure(data, layout)

    def _check_settings(self) -> None:
        super()._check_settings()
        if self.n_components not in (1, 2, 3):
            raise SettingError(f"n_components: expected 1, 2 or 3, found {self.n_components!r}")

    def _compute_layout(self, data: PreparedData) -> Layout:
        principal = principal_components(
            data.sample(MAX_PCA_ROWS),
            data.scale,
            min(N_LAYOUT_COMPONENTS, self.n_features_in_),
            data.seed,
            self.verbose,
        )
        return compute_positions(data, principal, self.n_components, self.n_neighbors, self.verbose)

    def _train(self, networks: tuple[Network, Network], data: PreparedData, layout: Layout) -> None:
        """Train the networks on rows and their layout positions."""
        loss = ("gaussian", "bernoulli")[data.scale.unit] if self.loss == "auto" else self.loss
        check_loss(get_loss(loss), self.n_features_in_)
        principal = None
        if layout.sample is not None and networks[0] is ENCODER_NETWORK:
            principal = layout.sample.principal  # Other networks may need the shape of the rows.
        landmarks = self._initialize_state(networks, data, layout, loss, principal)
        built = build_map(self._parts(loss, landmarks, principal))
        self._set_networks(built)
        task = data.task.with_targets(layout.positions)
        self.history_ = current_launcher().run(built.fit_objective, task, self.verbose)

    def _initialize_state(
        self,
        networks: tuple[Network, Network],
        data: PreparedData,
        layout: Layout,
        loss: Loss,
        principal: PrincipalComponents | None,
    ) -> LandmarkSet:
        """Set the state of an untrained map, and return its landmarks."""
        sample = ArraySource(layout.positions).sample(MAX_LANDMARK_ROWS, data.seed)[:]
        positions, code_offset, code_scale = standardize(sample)
        landmarks = compute_landmarks(positions, data.seed)
        mean_loss = constant_loss(get_loss(loss), data.scaled_sample())
        self._state = MapState(
            n_components=positions.shape[1],
            network=network_to_dict(networks[0]),
            decoder_network=network_to_dict(networks[1]),
            loss=loss if isinstance(loss, str) else "mse",
            seed=data.seed,
            offset=data.scale.offset,
            scale=data.scale.scale,
            n_landmarks=len(landmarks.centers),
            n_anchors=len(landmarks.anchors),
            window=landmarks.radius / landmarks.width,
            arcsinh_input=not data.scale.unit,
            code_offset=code_offset.astype(np.float32),
            code_scale=np.asarray(code_scale, np.float32),
            n_input_components=0 if principal is None else len(principal.components),
            own_layout=layout.sample is None,
            n_rows=len(data.rows),
            reconstruction_weight=RECONSTRUCTION_WEIGHT / mean_loss,
        )
        return landmarks

    def _parts(
        self, loss: Loss, landmarks: LandmarkSet, principal: PrincipalComponents | None = None
    ) -> MapParts:
        """Return the parts of the networks, by default with components that are loaded later."""
        state = self._state
        if principal is None and state.n_input_components:
            principal = PrincipalComponents.blank(self.n_features_in_, state.n_input_components)
        return MapParts(
            network=get_network(state.network),
            decoder_network=get_network(state.decoder_network),
            code_offset=state.code_offset,
            code_scale=state.code_scale,
            arcsinh_input=state.arcsinh_input,
            reconstruction_weight=state.reconstruction_weight or 1.0,
            **self._common_parts(loss, principal),
            **vars(landmarks),
        )

    def _assemble(self) -> MapNetworks:
        state = self._state
        centers, anchors = (
            np.zeros((count, state.n_components)) for count in (state.n_landmarks, state.n_anchors)
        )
        return build_map(self._parts(state.loss, LandmarkSet(centers, anchors, 1.0, 1.0)))

    def _measure(self, data: PreparedData, layout: Layout) -> None:
        """Measure diagnostics, and estimate the replay memory."""
        # Both samples use the same seed, so that rows and positions stay paired.
        rows = data.rows.sample(MAX_MEASURED_ROWS, data.seed)
        positions = ArraySource(layout.positions).sample(MAX_MEASURED_ROWS, data.seed)[:]
        codes, errors = self.transform(rows), self.reconstruction_error(rows)
        landmarks, has_components = self._landmarks(), bool(self._state.n_input_components)
        self._state = replace(
            self._state,
            replay=ReplayState.estimate(layout, landmarks, has_components),
            diagnostics=MapDiagnostics.measure(
                codes.astype(np.float64), positions, errors, landmarks, data.seed
            ),
        )

    # -- fitted map --------------------------------------------------------------------------------

    def partial_fit(self, X: DataLike, y: object = None) -> Self:
        """Add new rows to the fitted map without moving the earlier rows, which are not needed.

        If 20 or more new rows belong to novel classes, they get landmarks of their own in a free
        part of the map. All other rows are placed as before, and the networks learn from them. On
        an unfitted estimator this is `fit`. If it fails or is interrupted, the estimator keeps its
        previous state.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source
            Raw rows like the fitted ones. The scaling does not change.
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
            If the map was fitted to a given layout, or by a version of latentmap that stored no
            replay memory.

        Notes
        -----
        Replay replaces earlier rows by draws from a Gaussian per landmark: A. Robins, "Catastrophic
        Forgetting, Rehearsal and Pseudorehearsal", Connection Science 7, 1995.

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
        with restore_on_error(self):
            add_rows(self, X)
        return self

    def confidence(self, X: DataLike) -> np.ndarray:
        """Return the confidence in each row's position on the map.

        It is the share of the encoder's distribution over the landmarks that is near the code,
        divided by the largest possible share; a row with two possible positions has low confidence.
        If the reconstruction error of a row is above the 95th percentile of the fitted rows, the
        share is multiplied by that percentile divided by the error; a row unlike all fitted rows
        has low confidence as well.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source

        Returns
        -------
        ndarray of shape (n,)
            From 0 to 1.

        Raises
        ------
        DataError
            If the rows differ in shape or columns from the fitted ones.
        """
        _, errors, masses = self._row_figures(X).T
        return self._diagnostics.confidence(errors, masses, self._state.max_mass)

    def density(self, Z: ArrayLike) -> np.ndarray:
        """Return the density of the fitted rows at each code.

        It is a kernel density over the landmarks, weighted by their shares of the fitted rows, and
        divided by that of the median fitted row.

        Parameters
        ----------
        Z : array-like of shape (n, n_components)
            Codes.

        Returns
        -------
        ndarray of shape (n,)
            From 0, far from all fitted rows, to 1, at least as dense as at the median fitted row.

        Raises
        ------
        DataError
            If the codes have another width.
        """
        codes = check_codes(Z, self._check_fitted()._n_features_out)
        return self._diagnostics.density(codes, self._landmarks())

    @property
    def landmarks_(self) -> np.ndarray:
        """Landmarks of the map, shape (K, n_components), in the units of codes."""
        return self._check_fitted()._landmarks().positions

    @property
    def layout_fit_(self) -> dict[str, float]:
        """Agreement of the encoder with the layout on fitted rows."""
        return dict(self._check_fitted()._diagnostics.layout_fit)

    @property
    def partial_fit_report_(self) -> dict[str, float] | None:
        """Figures of the last `partial_fit`; None before the first one."""
        report = self._check_fitted()._state.report
        return None if report is None else asdict(report)

    @property
    def _diagnostics(self) -> MapDiagnostics:
        diagnostics = self._state.diagnostics
        assert diagnostics is not None
        return diagnostics

    def _landmarks(self) -> CodeLandmarks:
        return self._state.landmarks(self.encoder_)

    def _check_restored(self) -> None:
        width = self._landmarks().width
        if not 0 < width < math.inf:
            raise ValueError(f"expected landmarks with a width above 0, found {width}")
        if self._state.replay is not None:
            self._state.replay.validate(self._state.n_landmarks, self.encoder_)

    def _saved_parameters(self) -> dict[str, Any]:
        return {**super()._saved_parameters(), "layout": None}

    def _draw_codes(self, n: int, rng: np.random.RandomState) -> np.ndarray:
        return self._landmarks().draw_codes(n, self._diagnostics.landmark_share, rng)
