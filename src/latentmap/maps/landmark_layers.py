"""Keras layers between positions and distributions over landmarks.

The networks of a map with landmarks c₁ … c_K represent a position z by its soft assignment
φ_k(z) = softmax_k(−‖z − c_k‖² / 2h²), a distribution over the landmarks, as the generative
topographic mapping (C. M. Bishop, M. Svensén, C. K. I. Williams, Neural Computation 10, 1998) and
normalised radial basis function networks (J. Moody, C. J. Darken, Neural Computation 1, 1989) do.
The encoder predicts such a distribution, and `MeanAroundMode` converts it to a position.
"""

import keras
from keras import KerasTensor, ops
from numpy.typing import ArrayLike

from latentmap.networks.scaling_layers import ConstantLayer


def _squared_distances(positions: KerasTensor, centers: KerasTensor) -> KerasTensor:
    """Return ‖z − c‖² for each pair, shape (n, K)."""
    norms = ops.sum(positions**2, axis=-1, keepdims=True) + ops.sum(centers**2, axis=-1)
    return ops.maximum(norms - 2.0 * ops.matmul(positions, ops.transpose(centers)), 0.0)


@keras.saving.register_keras_serializable("latentmap")
class SoftAssignment(ConstantLayer):
    """Compute the soft assignment φ(z) of positions to landmarks.

    Parameters
    ----------
    centers : array-like of shape (K, n_components)
        The landmarks.
    width : float
        Width h of the kernel, in the units of the positions.

    Examples
    --------
    >>> import numpy as np
    >>> soft = SoftAssignment([[0.0, 0.0], [2.0, 0.0]], width=1.0)
    >>> soft(np.array([[1.0, 5.0]], "float32")).tolist()
    [[0.5, 0.5]]
    """

    centers: keras.Variable
    width: keras.Variable

    def __init__(self, centers: ArrayLike, width: ArrayLike, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self._set_constants(centers=centers, width=width)

    def call(self, inputs: KerasTensor) -> KerasTensor:
        """Convert positions (n, n_components) to assignments (n, K)."""
        squared_distances = _squared_distances(inputs, self.centers)
        return ops.softmax(-squared_distances / (2.0 * self.width**2), axis=-1)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return (n, K)."""
        return input_shape[0], self.centers.shape[0]


@keras.saving.register_keras_serializable("latentmap")
class MeanAroundMode(ConstantLayer):
    """Convert a distribution over landmarks to a position: its mean around its mode.

    The mean of the whole distribution would place an ambiguous row between its two plausible
    positions, where other rows are. A window of radius r at the anchor with the greatest mass is
    therefore moved to the mean within it, and the position is the mean in the moved window. This is
    a step of mean shift (Y. Cheng, IEEE PAMI 17, 1995).

    Parameters
    ----------
    centers : array-like of shape (K, n_components)
    anchors : array-like of shape (A, n_components)
        Positions among which the window with the greatest mass is selected.
    radius : float
        r. A landmark at distance t from the centre of the window has the weight exp(−t² / 2r²).

    Examples
    --------
    >>> import numpy as np
    >>> landmarks, logits = [[0.0, 0.0], [1.0, 0.0], [9.0, 0.0]], np.array([[3.0, 3.0, 3.1]])
    >>> position, mass = MeanAroundMode(landmarks, landmarks, 1.0)(logits.astype("float32"))
    >>> [round(float(x), 2) for x in position[0]], round(float(mass[0]), 2)
    ([0.47, 0.0], 0.57)
    """

    centers: keras.Variable
    anchors: keras.Variable
    radius: keras.Variable

    def __init__(
        self, centers: ArrayLike, anchors: ArrayLike, radius: float, **kwargs: object
    ) -> None:
        super().__init__(**kwargs)
        self._set_constants(centers=centers, anchors=anchors, radius=radius)

    def call(
        self, inputs: KerasTensor, window_centers: KerasTensor | None = None
    ) -> tuple[KerasTensor, KerasTensor]:
        """Convert logits (n, K) to positions (n, n_components) and masses of the windows (n,).

        ``window_centers`` of shape (n, n_components), if given, replace the search for the mode.
        """
        p = ops.softmax(inputs, axis=-1)
        if window_centers is None:
            window_centers = self._near_mode(p)
        return self._mean(p * self._window(ops.stop_gradient(window_centers)))

    def _near_mode(self, p: KerasTensor) -> KerasTensor:
        """Return the mean in the window of the anchor with the greatest mass."""
        windows = self._window(self.anchors)
        best = ops.argmax(ops.matmul(p, ops.transpose(windows)), axis=-1)
        return self._mean(p * ops.take(windows, best, axis=0))[0]

    def _window(self, window_centers: KerasTensor) -> KerasTensor:
        """Return the weight of each landmark in each window, shape (n, K)."""
        return ops.exp(-_squared_distances(window_centers, self.centers) / (2.0 * self.radius**2))

    def _mean(self, weights: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
        mass = ops.sum(weights, axis=-1)
        return ops.matmul(weights, self.centers) / (mass[:, None] + 1e-12), mass

    def compute_output_shape(self, input_shape: tuple) -> tuple[tuple, tuple]:
        """Return the shapes of the positions and of their masses."""
        return (input_shape[0], self.centers.shape[1]), (input_shape[0],)
