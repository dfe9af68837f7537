"""The optimiser of the training loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from latentmap.networks.initializers import Constant

if TYPE_CHECKING:
    from latentmap.training.config import Training

MAX_WARM_UP_STEPS = 300


def make_optimizer(training: Training, n_steps: int) -> keras.optimizers.Optimizer:
    """Return a Keras Adam optimiser with the schedule of the settings for a number of steps.

    Examples
    --------
    >>> from latentmap.training.config import Training
    >>> make_optimizer(Training(schedule="constant"), 10).learning_rate.numpy().round(4)
    np.float32(0.003)
    """
    if training.schedule == "constant":
        return _Adam(float(training.learning_rate))
    warm_up = max(1, min(MAX_WARM_UP_STEPS, n_steps // 10))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(1, n_steps - warm_up),
        warmup_target=float(training.learning_rate),
        warmup_steps=warm_up,
    )
    return _Adam(rate)


class _Adam(keras.optimizers.Adam):
    """Adam optimiser whose moments start with zeros of NumPy."""

    def add_optimizer_variables(
        self, trainable_variables: list[keras.Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Add a variable for each trainable variable, or one for each name."""
        initializer = Constant(0.0) if initializer == "zeros" else initializer
        return super().add_optimizer_variables(trainable_variables, name, initializer)
