"""Variational autoencoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from latentmap.autoencoders.base import BaseAutoEncoder
from latentmap.autoencoders.fitting import common_arguments, prepare_fit
from latentmap.autoencoders.imputation import fit_imputer
from latentmap.autoencoders.network_application import row_metrics
from latentmap.autoencoders.state import FittedState, VariationalState
from latentmap.autoencoders.table_fitting import has_table_loss
from latentmap.data.types import DataLike
from latentmap.errors import SettingError
from latentmap.networks.dense import Network
from latentmap.networks.network_graphs import GraphSpec, NetworkGraphs, variational_graphs
from latentmap.networks.registry import get_network, network_to_dict
from latentmap.training.config import Training
from latentmap.training.launcher import current_launcher

if TYPE_CHECKING:
    from latentmap.networks.assembly import Networks


class VariationalAutoEncoder(BaseAutoEncoder):
    """Autoencoder whose codes follow a standard normal distribution.

    The encoder maps each row to a Gaussian distribution, whose mean is the code. Training minimises
    reconstruction + β · divergence from N(0, 1). For β = 1 this loss is the negative evidence lower
    bound.

    Parameters
    ----------
    n_components : int
        Number of components of a code.
    network : {"dense", "linear", "conv"} or network settings
        Network of the encoder and the decoder. Its initial weights are random; principal
        components are not used.
    loss : {"auto", "bernoulli", "gaussian"}
        "auto" is "bernoulli" for rows from 0 to 1 and "gaussian" for others.
    beta : float
        Weight of the divergence, 0 or more. Above 1 the components of a code become more
        independent.
    scaling, epochs, training, random_state, verbose
        As in `AutoEncoder`.

    Attributes
    ----------
    encoder_, decoder_ : keras.Model
        Map raw rows to codes, and codes to rows in their original units.
    history_ : dict of lists
        "epoch", "loss", "val_loss", "val_mse".

    References
    ----------
    D. P. Kingma, M. Welling, "Auto-Encoding Variational Bayes", ICLR 2014.
    I. Higgins et al., "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational
    Framework", ICLR 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from latentmap import VariationalAutoEncoder
    >>> vae = VariationalAutoEncoder(2, epochs=2, random_state=0).fit(load_iris().data)
    >>> vae.sample(3).shape
    (3, 4)
    """

    _state_class: ClassVar[type[FittedState]] = VariationalState
    _state: VariationalState
    loss: str

    def __init__(
        self,
        n_components: int = 2,
        *,
        network: str | Network = "dense",
        loss: str = "auto",
        scaling: str = "auto",
        beta: float = 1.0,
        epochs: int | str = "auto",
        training: Training | None = None,
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
    ) -> None:
        self.n_components = n_components
        self.network = network
        self.loss = loss
        self.scaling = scaling
        self.beta = beta
        self.epochs = epochs
        self.training = training
        self.random_state = random_state
        self.verbose = verbose

    def _fit(self, X: DataLike) -> None:
        network, data = prepare_fit(self, X)
        if isinstance(network, tuple):
            raise SettingError(
                "network: expected a name or settings, found a pair of Keras models, which only "
                "AutoEncoder accepts"
            )
        default_loss = (
            "table" if has_table_loss(self) else ("gaussian", "bernoulli")[data.scale.in_unit_range]
        )
        loss = default_loss if self.loss == "auto" else self.loss
        self._state = VariationalState(
            n_components=self.n_components,
            network=network_to_dict(network),
            loss=loss,
            seed=data.seed,
            offset=data.scale.offset,
            scale=data.scale.scale,
            beta=float(self.beta),
        )
        self._set_networks(self._assemble())
        self.history_ = current_launcher().run(self._objective, data.task, self.verbose)
        fit_imputer(self, data)

    def _check_settings(self) -> None:
        super()._check_settings()
        if self.loss not in ("auto", "bernoulli", "gaussian"):
            raise SettingError(
                f"loss: expected 'auto', 'bernoulli' or 'gaussian', found {self.loss!r}"
            )

    def _row_losses(self, X: DataLike) -> np.ndarray:
        """Return reconstruction + divergence of each row in nats, which does not use ``beta``."""
        return row_metrics(self._check_fitted(), X)[:, 2:].sum(axis=1, dtype=np.float64)

    def _assemble(self) -> Networks:
        from latentmap.networks.assembly import NetworkSpec, build_variational

        state = self._state
        network = get_network(state.network)
        spec = NetworkSpec(network=network, beta=state.beta, **common_arguments(self, state.loss))
        return build_variational(spec)

    def _describe(self, spec: GraphSpec) -> NetworkGraphs:
        return variational_graphs(spec)

    def _draw_codes(self, n: int, rng: np.random.RandomState) -> np.ndarray:
        return rng.standard_normal((n, self._n_features_out))
