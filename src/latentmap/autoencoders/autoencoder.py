"""The autoencoder: where you would use PCA."""

from typing import Any

import numpy as np

from latentmap.autoencoders.base import DESCRIBED_ROWS, BaseAutoEncoder
from latentmap.backend import apply
from latentmap.networks.assembly import Networks, Parts, assemble, check_pair
from latentmap.networks.dense import LinearNetwork
from latentmap.networks.losses import check_loss, loss_for
from latentmap.networks.registry import describe_network, network_for
from latentmap.preprocessing.pca_projection import (
    PrincipalComponents,
    pca_reconstruction_errors,
    principal_components,
    scale_rows,
)
from latentmap.preprocessing.scaling import Scale
from latentmap.training.config import Training
from latentmap.training.launcher import current_launcher
from latentmap.training.preparation import PreparedData
from latentmap.training.run import empty_history

FEWEST_HELD_OUT = 10
"""With fewer rows held out, nothing could show that a network is better than PCA."""
FARTHEST = 5.0
"""Where rows are unbounded, how many times farther out than the middle code one may lie."""
SURE = 2.0
"""How many standard errors the network must be ahead of PCA to be kept."""


class AutoEncoder(BaseAutoEncoder):
    """A small code for every row, and the way back, never worse than PCA.

    Encoder and decoder are the principal components of the rows plus a network that starts at
    zero. Some rows are held out; the weights that do best on them are kept, and where the network
    is not clearly ahead of PCA on them, it is dropped and PCA remains.

    Parameters
    ----------
    n_components : int
        Numbers in a code.
    network : {"dense", "linear", "conv"}, network settings, or pair of keras.Model
        "dense" for any rows, "conv" for images. `DenseNetwork`, `LinearNetwork` and `ConvNetwork`
        hold settings, such as ``principal=False`` for a start that is not PCA. A pair
        (encoder, decoder) of your own is copied and trained as it is, on scaled rows.
    loss : str or callable
        "bernoulli" (binary cross-entropy, for rows in 0–1), "gaussian" (squared error), "bounded"
        (squared error, reconstructions clipped to 0–1), or any loss of Keras on the decoder's raw
        output. "auto" is "bernoulli" for rows in 0–1, else "gaussian".
    scaling : {"auto", "unit", "standard", "columns", "none"}
        How raw rows become the numbers that the network sees: to 0–1, by one deviation for all
        columns, by each column's own, or not at all. "auto" is "unit" for unsigned integers and
        for floats in 0–1, else "standard".
    noise : float
        Standard deviation of Gaussian noise on the scaled rows while training, 0 to 1: a denoising
        autoencoder (P. Vincent et al., ICML 2008).
    epochs : int or "auto"
        Runs through the rows. "auto" is 12, and more where rows are few.
    training : Training, optional
        Batch size, learning rate, schedule, early stopping.
    random_state : int, RandomState instance or None
        An integer makes fitting repeatable; random layers of your own networks need seeds of
        their own.
    verbose : bool
        Show progress with the time left.

    Attributes
    ----------
    encoder_, decoder_ : keras.Model
        Raw rows to codes, and codes to rows in their own units.
    history_ : dict of lists
        "epoch", "loss", "val_loss", "val_mse".
    uses_network_ : bool
        Whether the model contains the network; if not, it is PCA.
    row_shape_ : tuple of int
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where columns have names.

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

    def __init__(
        self,
        n_components: int = 2,
        *,
        network: Any = "dense",
        loss: Any = "auto",
        scaling: str = "auto",
        noise: float = 0.0,
        epochs: int | str = "auto",
        training: Training | None = None,
        random_state: Any = None,
        verbose: bool = False,
    ) -> None:
        self.n_components = n_components
        self.network = network
        self.loss = loss
        self.scaling = scaling
        self.noise = noise
        self.epochs = epochs
        self.training = training
        self.random_state = random_state
        self.verbose = verbose

    def _fit(self, X: Any) -> None:
        network, ready = self._prepare(X)
        if isinstance(network, tuple):
            check_pair(network, self.row_shape_, self.n_components)
        else:
            network.layer_sizes(self.row_shape_, self.n_components)  # refuses rows it cannot take
        if isinstance(network, tuple) or not network.principal:
            self._train(network, None, ready)
            kept = True
        else:
            kept = self._fit_beside_pca(network, ready)
        self._learned["network_kept"] = kept
        self._describe_codes(ready)

    @property
    def uses_network_(self) -> bool:
        """Whether the network is part of the model; without it the model is PCA."""
        self._fitted()
        return self._learned["network_kept"]

    def _fit_beside_pca(self, network: Any, ready: PreparedData) -> bool:
        """Add a network to PCA and train it; tell whether it was worth keeping."""
        wanted = (self.n_components, ready.seed, self.verbose)
        principal = principal_components(ready.sample_rows, ready.scale, *wanted)
        self.history_ = empty_history()
        validation_rows = ready.task.validation_rows
        if not ready.task.config.held_out:  # The user wants no comparison.
            self._train(network, principal, ready)
            return True
        if isinstance(validation_rows, np.ndarray) and self._comparable(
            principal, validation_rows, ready.scale
        ):
            self._train(network, principal, ready)
            if self._ahead_of_pca(principal, validation_rows, ready.scale):
                return True
        self._build(
            LinearNetwork(), "bounded" if ready.scale.unit else "gaussian", principal, ready
        )
        return False

    def _train(
        self, network: Any, principal: PrincipalComponents | None, ready: PreparedData
    ) -> None:
        loss = self._loss_name(network, ready.scale.unit)
        check_loss(loss_for(loss), self.n_features_in_)
        self._build(network, loss, principal, ready)
        self.history_ = current_launcher().run(self._objective, ready.task, self.verbose)

    def _loss_name(self, network: Any, unit: bool) -> Any:
        """Decide the loss that "auto" stands for."""
        if self.loss != "auto":
            return self.loss
        if isinstance(network, tuple):
            return "binary_crossentropy" if unit else "mse"
        if isinstance(network, LinearNetwork) and network.principal:
            return "bounded" if unit else "gaussian"
        return "bernoulli" if unit else "gaussian"

    def _comparable(
        self, principal: PrincipalComponents, held_out: np.ndarray, scale: Scale
    ) -> bool:
        """Tell whether held-out rows can show that a network is better on rows to come.

        A few cannot; nor can any where some codes lie so far out that later ones may lie farther
        still, where a network guesses and PCA does not.
        """
        return len(held_out) >= FEWEST_HELD_OUT and (scale.unit or principal.reach <= FARTHEST)

    def _ahead_of_pca(
        self, principal: PrincipalComponents, held_out: np.ndarray, scale: Scale
    ) -> bool:
        """Compare with PCA row by row on the held-out rows, which PCA has seen."""
        ours = apply(self._objective, held_out)[:, 1]
        lead = pca_reconstruction_errors(scale_rows(held_out, scale), principal) - ours
        return bool(lead.mean() > SURE * lead.std(ddof=1) / np.sqrt(len(lead)))

    def _build(
        self, network: Any, loss: Any, principal: PrincipalComponents | None, ready: PreparedData
    ) -> None:
        """Assemble the networks, and note what they are made of."""
        self._learned = {
            "n_components": self.n_components,
            "network": describe_network(network),
            "loss": loss if isinstance(loss, str) else "mse",
            "principal": principal is not None,
            "seed": ready.seed,
        }
        self._fitted_arrays = {"offset": ready.scale.offset, "scale": ready.scale.scale}
        self._set_networks(assemble(self._parts(network, loss, principal)))

    def _parts(self, network: Any, loss: Any, principal: PrincipalComponents | None) -> Parts:
        arrays = self._fitted_arrays
        return Parts(
            row_shape=self.row_shape_,
            n_components=self._learned["n_components"],
            network=network,
            loss=loss_for(loss),
            offset=arrays["offset"],
            scale=arrays["scale"],
            principal=principal,
            noise=self.noise,
            seed=self._learned["seed"],
        )

    def _assemble(self) -> Networks:
        learned = self._learned
        own = learned["network"]["name"] == "own"
        network = network_for(self.network if own else learned["network"])
        principal = None
        if learned["principal"]:
            principal = PrincipalComponents.blank(self.n_features_in_, learned["n_components"])
        return assemble(self._parts(network, learned["loss"], principal))

    def _describe_codes(self, ready: PreparedData) -> None:
        """Keep the mean and the spread of the codes, to draw new ones from."""
        codes = self.transform(ready.sample(DESCRIBED_ROWS)).astype(np.float64)
        covariance = np.atleast_2d(np.cov(codes, rowvar=False))
        values, vectors = np.linalg.eigh(covariance)
        spread = vectors * np.sqrt(np.maximum(values, 0.0))
        self._fitted_arrays |= {"code_mean": codes.mean(axis=0), "code_spread": spread}

    def _draw_codes(self, n: int, rng: np.random.RandomState) -> np.ndarray:
        mean, spread = self._fitted_arrays["code_mean"], self._fitted_arrays["code_spread"]
        return mean + rng.standard_normal((n, len(mean))) @ spread.T
