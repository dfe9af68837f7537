"""Between encoder and decoder: a plain code, or a Gaussian around it.

Source of the Gaussian one: D. P. Kingma, M. Welling, "Auto-Encoding Variational Bayes", ICLR 2014;
its weight β: I. Higgins et al., "beta-VAE", ICLR 2017.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["GaussianSample", "kl_divergence"]


def kl_divergence(mean: Any, log_variance: Any) -> Any:
    """Nats by which N(mean, exp(log_variance)) differs from N(0, 1), summed over the code.

    ½ Σ (exp(v) + m² − 1 − v), appendix B of the paper.

    Parameters
    ----------
    mean, log_variance : tensor of shape (n, n_components)

    Returns
    -------
    tensor of shape (n,)

    Examples
    --------
    >>> float(kl_divergence(ops.array([[2.0, 0.0]]), ops.zeros((1, 2)))[0])
    2.0
    """
    return 0.5 * ops.sum(ops.exp(log_variance) + mean**2 - 1.0 - log_variance, axis=-1)


@keras.saving.register_keras_serializable("latentmap")
class GaussianSample(keras.layers.Layer):
    """Draw a code from N(mean, exp(log_variance)): mean + exp(v / 2) · ε.

    While training ε is new each time; otherwise it is drawn from one fixed seed, so that a figure
    measured twice is the same figure.

    Parameters
    ----------
    seed : int
        Of ε.

    Examples
    --------
    >>> draw = GaussianSample(seed=0)
    >>> codes = draw([ops.full((1, 3), 5.0), ops.full((1, 3), -60.0)])
    >>> [round(float(number), 3) for number in codes[0]]
    [5.0, 5.0, 5.0]
    """

    def __init__(self, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Draw one code for each (mean, log_variance), both of shape (n, n_components)."""
        mean, log_variance = inputs
        seed = self.generator if training else self.seed
        noise = keras.random.normal(ops.shape(mean), seed=seed)
        return mean + ops.exp(0.5 * log_variance) * noise

    def get_config(self) -> dict[str, Any]:
        """Return what makes an equal layer."""
        return {**super().get_config(), "seed": self.seed}
