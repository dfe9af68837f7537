"""The variational autoencoder: codes with a known distribution, to draw new rows from."""

from typing import Any

import numpy as np

from latentmap.autoencoders.base import BaseAutoEncoder
from latentmap.errors import SettingError
from latentmap.networks.assembly import Networks, Parts, assemble_variational
from latentmap.networks.losses import loss_for
from latentmap.networks.registry import describe_network, network_for
from latentmap.training.config import Training
from latentmap.training.launcher import current_launcher
from latentmap.training.preparation import PreparedData


class VariationalAutoEncoder(BaseAutoEncoder):
    """An autoencoder whose codes follow a standard normal distribution.

    The encoder gives each row a Gaussian, of which the code is the mean; training minimises
    reconstruction + β · divergence from N(0, 1), the negative evidence lower bound where β is 1.

    Parameters
    ----------
    n_components : int
        Numbers in a code.
    network : {"dense", "linear", "conv"} or network settings
        Starts at random: the principal components are not used here.
    loss : {"auto", "bernoulli", "gaussian"}
        "auto" is "bernoulli" for rows in 0–1.
    scaling : {"auto", "unit", "standard", "columns", "none"}
        As in `AutoEncoder`.
    beta : float
        Weight of the divergence, 0 or more. Above 1 the code's numbers come apart more.
    epochs : int or "auto"
        Runs through the rows. "auto" is 12, and more where rows are few.
    training : Training, optional
        Batch size, learning rate, schedule, early stopping.
    random_state : int, RandomState instance or None
    verbose : bool
        Show progress with the time left.

    Attributes
    ----------
    encoder_, decoder_ : keras.Model
        Raw rows to codes, and codes to rows in their own units.
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

    def __init__(
        self,
        n_components: int = 2,
        *,
        network: Any = "dense",
        loss: str = "auto",
        scaling: str = "auto",
        beta: float = 1.0,
        epochs: int | str = "auto",
        training: Training | None = None,
        random_state: Any = None,
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

    def _fit(self, X: Any) -> None:
        network, ready = self._prepare(X)
        if isinstance(network, tuple):
            raise SettingError("network: a pair of your own models goes with AutoEncoder only")
        self._train(network, ready)

    def _train(self, network: Any, ready: PreparedData) -> None:
        loss = self.loss if self.loss != "auto" else ("gaussian", "bernoulli")[ready.scale.unit]
        self._learned = {
            "n_components": self.n_components,
            "beta": self.beta,
            "network": describe_network(network),
            "loss": loss,
            "seed": ready.seed,
        }
        self._fitted_arrays = {"offset": ready.scale.offset, "scale": ready.scale.scale}
        self._set_networks(self._assemble())
        self.history_ = current_launcher().run(self._objective, ready.task, self.verbose)

    def _check_settings(self) -> None:
        super()._check_settings()
        if self.loss not in ("auto", "bernoulli", "gaussian"):
            raise SettingError(
                f"loss: expected 'auto', 'bernoulli' or 'gaussian', found {self.loss!r}"
            )

    def score(self, X: Any, y: Any = None) -> float:
        """Give the mean evidence lower bound of rows, higher being better.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source
        y : None
            Not used.

        Returns
        -------
        float
            Nats a row, from one draw of each row's code: −(reconstruction + divergence), whatever
            ``beta`` is. For real values the constants of the Gaussian are left out.
        """
        return -float(self._figures(X)[:, 2:].sum(axis=1, dtype=np.float64).mean())

    def _assemble(self) -> Networks:
        learned, arrays = self._learned, self._fitted_arrays
        parts = Parts(
            row_shape=self.row_shape_,
            n_components=learned["n_components"],
            network=network_for(learned["network"]),
            loss=loss_for(learned["loss"]),
            offset=arrays["offset"],
            scale=arrays["scale"],
            seed=learned["seed"],
        )
        return assemble_variational(parts, learned["beta"])

    def _draw_codes(self, n: int, rng: np.random.RandomState) -> np.ndarray:
        return rng.standard_normal((n, self._n_features_out))
