"""Autoencoder that adds a network to PCA."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latentmap.autoencoders.base import MAX_MEASURED_ROWS, BaseAutoEncoder
from latentmap.autoencoders.fitting import common_arguments, prepare_fit
from latentmap.autoencoders.imputation import fit_imputer
from latentmap.autoencoders.pca_comparison import (
    beats_pca,
    can_compare_with_pca,
    decodes_better_than_pca,
)
from latentmap.autoencoders.state import AutoEncoderState, FittedState
from latentmap.autoencoders.table_fitting import find_loss, has_table_loss
from latentmap.data.types import DataLike
from latentmap.model_metadata import HISTORY_COLUMNS
from latentmap.networks.dense import LinearNetwork, Network
from latentmap.networks.network_graphs import GraphSpec, NetworkGraphs, autoencoder_graphs
from latentmap.networks.registry import get_network, network_to_dict
from latentmap.preprocessing.pca_projection import PrincipalComponents, principal_components
from latentmap.preprocessing.table_pca import choose_linear_model
from latentmap.training.config import Training
from latentmap.training.launcher import current_launcher
from latentmap.training.preparation import PreparedData

if TYPE_CHECKING:
    from latentmap.networks.assembly import Networks
    from latentmap.networks.losses import LossLike
    from latentmap.networks.registry import KerasPair, NetworkLike


class AutoEncoder(BaseAutoEncoder):
    """Autoencoder that reconstructs unseen rows at least as well as PCA.

    The encoder and the decoder add a network, which initially outputs zero, to the principal
    components of the rows. Training holds out part of the rows and keeps the weights with the
    lowest loss on them. If the network is not clearly better than PCA on the held-out rows, the
    model is PCA alone.

    Parameters
    ----------
    n_components : int
        Number of components of a code.
    network : {"dense", "linear", "conv"}, network settings, or pair of keras.Model
        "dense" is for any rows, and "conv" for images. `DenseNetwork`, `LinearNetwork` and
        `ConvNetwork` are settings; with ``principal=False`` the initial weights are random and
        there is no PCA. A pair (encoder, decoder) of Keras models is copied and trained on scaled
        rows.
    loss : str or callable
        "bernoulli" (binary cross-entropy, for rows from 0 to 1), "gaussian" (squared error),
        "bounded" (squared error, reconstructions clipped to 0 to 1), or a Keras loss of the
        decoder's output before its last activation. "auto" is "bernoulli" for rows from 0 to 1 and
        "gaussian" for others.
    scaling : {"auto", "unit", "standard", "columns", "none"}
        Scaling of rows before the network: "unit" scales to 0–1, "standard" divides by one standard
        deviation for all columns, and "columns" by that of each column. "auto" is "unit" for images
        of whole numbers, for numbers from 0 to 1 and for rows that range from 0 to 255. It is
        "columns" for data frames and if columns have units of different sizes, and "standard" for
        others.
    epochs : int or "auto"
        Number of passes over the rows. "auto" is 12, or more for few rows.
    training : Training, optional
        Batch size, learning rate, schedule, early stopping and noise.
    random_state : int, RandomState instance or None
        An integer makes the fit repeatable. Random layers of Keras models need their own seeds.
    verbose : bool
        Show progress and the remaining time.

    Attributes
    ----------
    encoder_, decoder_ : keras.Model
        Map raw rows to codes, and codes to rows in their original units.
    history_ : dict of lists
        "epoch", "loss", "val_loss", "val_mse".
    uses_network_ : bool
        Whether the model contains the network; if not, it is PCA.
    row_shape_ : tuple of int
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if the columns have names.

    References
    ----------
    G. E. Hinton, R. R. Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks",
    Science 313, 2006.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from latentmap import AutoEncoder
    >>> X = load_iris().data
    >>> ae = AutoEncoder(n_components=2, epochs=2, random_state=0).fit(X)
    >>> codes = ae.transform(X)
    >>> codes.shape, ae.inverse_transform(codes).shape
    ((150, 2), (150, 4))
    """

    _state_class: ClassVar[type[FittedState]] = AutoEncoderState
    _state: AutoEncoderState

    def __init__(
        self,
        n_components: int = 2,
        *,
        network: NetworkLike = "dense",
        loss: LossLike = "auto",
        scaling: str = "auto",
        epochs: int | str = "auto",
        training: Training | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        self.n_components = n_components
        self.network = network
        self.loss = loss
        self.scaling = scaling
        self.epochs = epochs
        self.training = training
        self.random_state = random_state
        self.verbose = verbose

    def _fit(self, X: DataLike) -> None:
        network, data = prepare_fit(self, X)
        if isinstance(network, tuple):
            from latentmap.networks.assembly import check_pair

            check_pair(network, self.row_shape_, self.n_components)
        else:
            # This call raises an error if the network does not fit the shape of the rows.
            network.layer_sizes(self.row_shape_, self.n_components)
        if isinstance(network, tuple) or not network.principal:
            self._train(network, None, data)
        else:
            data = self._train_with_pca(network, data)
        self._measure_codes(data)
        fit_imputer(self, data)

    @property
    def uses_network_(self) -> bool:
        """Whether the model contains the network; if not, it is PCA."""
        return self._check_fitted()._state.uses_network

    def _train_with_pca(self, network: Network, data: PreparedData) -> PreparedData:
        """Train a network that is added to PCA, and use PCA alone if the network is not better.

        Return the data of the fit, whose rows are encoded as the model expects them.
        """
        is_table = has_table_loss(self)
        # PCA of few rows is fitted without the validation rows. Otherwise its error on them would
        # be too low, and early stopping would keep the initial weights, which are those of PCA.
        rows = data.task.rows if is_table and data.rows.in_memory else data.sample_rows
        settings = (data.scale, self.n_components, data.seed, self.verbose)
        principal = principal_components(rows, *settings)
        self.history_ = {name: [] for name in HISTORY_COLUMNS}
        validation_rows = data.task.validation_rows
        # Without validation rows, which the user has disabled, there is no comparison with PCA.
        if not data.task.config.held_out:
            self._train(network, principal, data)
            return data
        linear = None
        if is_table:
            assert self.table_ is not None
            sample = data.sample_rows
            linear = choose_linear_model(sample, self.table_, self.n_components, data.seed)
        if isinstance(validation_rows, np.ndarray) and can_compare_with_pca(
            self, principal, validation_rows, data.scale
        ):
            self._train(network, principal, data)
            if beats_pca(self, principal, validation_rows, data.scale):
                if linear is None:
                    return data
                converted = linear.convert_source(rows)
                weighted = principal_components(converted, *settings, weights=linear.weights)
                if decodes_better_than_pca(self, linear, weighted, validation_rows):
                    return data
        loss = "bounded" if data.scale.in_unit_range else "gaussian"
        if linear is not None:
            self.table_, loss = linear.encoder, "table_pca"
            rows, sample = map(linear.convert_source, (data.rows, data.sample_rows))
            data = replace(data, rows=rows, sample_rows=sample)
            principal = principal_components(sample, *settings, weights=linear.weights)
        self._build(LinearNetwork(), loss, principal, data)
        self._state = replace(self._state, uses_network=False)
        return data

    def _train(
        self,
        network: Network | KerasPair,
        principal: PrincipalComponents | None,
        data: PreparedData,
    ) -> None:
        from latentmap.networks.losses import check_loss

        loss = self._choose_loss(network, data.scale.in_unit_range)
        check_loss(find_loss(self, loss), math.prod(self.row_shape_))
        self._build(network, loss, principal, data)
        self.history_ = current_launcher().run(self._objective, data.task, self.verbose)

    def _choose_loss(self, network: Network | KerasPair, in_unit_range: bool) -> LossLike:
        """Return the loss; "auto" is replaced by the default for the network and the scaling."""
        if self.loss != "auto":
            return self.loss
        if has_table_loss(self):
            return "table"
        if isinstance(network, tuple):
            return "binary_crossentropy" if in_unit_range else "mse"
        if isinstance(network, LinearNetwork) and network.principal:
            return "bounded" if in_unit_range else "gaussian"
        return "bernoulli" if in_unit_range else "gaussian"

    def _build(
        self,
        network: Network | KerasPair,
        loss: LossLike,
        principal: PrincipalComponents | None,
        data: PreparedData,
    ) -> None:
        """Set the state and the untrained networks."""
        from latentmap.networks.assembly import NetworkSpec, build_autoencoder

        self._state = AutoEncoderState(
            n_components=self.n_components,
            network=network_to_dict(network),
            loss=loss if isinstance(loss, str) else "mse",
            seed=data.seed,
            offset=data.scale.offset,
            scale=data.scale.scale,
            has_principal=principal is not None,
            uses_network=True,
            code_mean=np.zeros(self.n_components),
            code_spread=np.zeros((self.n_components, self.n_components)),
        )
        spec = NetworkSpec(network=network, **common_arguments(self, loss, principal))
        self._set_networks(build_autoencoder(spec))

    def _assemble(self) -> Networks:
        from latentmap.networks.assembly import NetworkSpec, build_autoencoder

        state = self._state
        network = get_network(self.network if state.has_own_network else state.network)
        principal = None
        if state.has_principal:
            principal = PrincipalComponents.zeros(math.prod(self.row_shape_), state.n_components)
        spec = NetworkSpec(network=network, **common_arguments(self, state.loss, principal))
        return build_autoencoder(spec)

    def _describe(self, spec: GraphSpec) -> NetworkGraphs:
        return autoencoder_graphs(spec, self._state.has_principal)

    def _measure_codes(self, data: PreparedData) -> None:
        """Store mean and spread of the codes, from which `sample` draws codes."""
        codes = self.transform(data.sample(MAX_MEASURED_ROWS)).astype(np.float64)
        covariance = np.atleast_2d(np.cov(codes, rowvar=False))
        values, vectors = np.linalg.eigh(covariance)
        spread = vectors * np.sqrt(np.maximum(values, 0.0))
        self._state = replace(self._state, code_mean=codes.mean(axis=0), code_spread=spread)

    def _draw_codes(self, n: int, rng: np.random.RandomState) -> np.ndarray:
        mean, spread = self._state.code_mean, self._state.code_spread
        return mean + rng.standard_normal((n, len(mean))) @ spread.T
