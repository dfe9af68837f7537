"""Gaussian codes of a variational autoencoder.

Sources: D. P. Kingma, M. Welling, "Auto-Encoding Variational Bayes", ICLR 2014; for the weight β of
the divergence, I. Higgins et al., "beta-VAE", ICLR 2017.
"""

from typing import Any

import keras
from keras import KerasTensor, ops


def kl_divergence(mean: KerasTensor, log_variance: KerasTensor) -> KerasTensor:
    """Return the divergence of N(mean, exp(log_variance)) from N(0, 1) in nats, shape (n,).

    ½ Σ (exp(v) + m² − 1 − v), summed over the components of the code (appendix B of the paper).

    Examples
    --------
    >>> float(kl_divergence(ops.array([[2.0, 0.0]]), ops.zeros((1, 2)))[0])
    2.0
    """
    return 0.5 * ops.sum(ops.exp(log_variance) + mean**2 - 1.0 - log_variance, axis=-1)


@keras.saving.register_keras_serializable("latentmap")
class GaussianSample(keras.layers.Layer):
    """Sample a code from N(mean, exp(log_variance)): mean + exp(v / 2) · ε.

    In training, ε is different in each call. Otherwise ε has a fixed seed, so that repeated
    evaluations have the same result.

    Examples
    --------
    >>> sample = GaussianSample(seed=0)
    >>> codes = sample([ops.full((1, 3), 5.0), ops.full((1, 3), -60.0)])
    >>> [round(float(number), 3) for number in codes[0]]
    [5.0, 5.0, 5.0]
    """

    def __init__(self, seed: int = 0, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: list[KerasTensor], training: bool = False) -> KerasTensor:
        """Sample one code for each pair (mean, log_variance) of shape (n, n_components)."""
        mean, log_variance = inputs
        seed = self.generator if training else self.seed
        noise = keras.random.normal(ops.shape(mean), seed=seed)
        return mean + ops.exp(0.5 * log_variance) * noise

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "seed": self.seed}
