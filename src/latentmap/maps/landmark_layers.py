"""The map's own layers: spots of the plane, spoken for by landmarks.

A map of K landmarks c₁ … c_K never handles a spot z as two numbers. It is softened into
φ_k(z) = softmax_k(−‖z − c_k‖² / 2h²), a distribution over the landmarks, as in the generative
topographic mapping (C. M. Bishop, M. Svensén, C. K. I. Williams, Neural Computation 10, 1998) and
in normalised radial basis networks (J. Moody, C. J. Darken, Neural Computation 1, 1989). The
encoder answers with such a distribution, too, and `AroundMode` turns it back into one spot.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from latentmap.networks.scaling_layers import ConstantsLayer


def _squared_distances(spots: Any, centers: Any) -> Any:
    """‖z − c‖² for each pair, shape (n, K)."""
    apart = ops.sum(spots**2, axis=-1, keepdims=True) + ops.sum(centers**2, axis=-1)
    return ops.maximum(apart - 2.0 * ops.matmul(spots, ops.transpose(centers)), 0.0)


@keras.saving.register_keras_serializable("latentmap")
class Softened(ConstantsLayer):
    """φ(z): how much each landmark speaks for a spot.

    Parameters
    ----------
    centers : array-like of shape (K, n_components)
        The landmarks.
    width : float
        h, in the units of the spots.

    Examples
    --------
    >>> soft = Softened([[0.0, 0.0], [2.0, 0.0]], width=1.0)
    >>> soft(np.array([[1.0, 5.0]], "float32")).tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, centers: Any, width: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._given = (np.asarray(centers, "float32"), float(width))
        self.centers = self._constant("centers", centers)
        self.width = self._constant("width", width)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Soften spots, shape (n, n_components) to (n, K)."""
        near = _squared_distances(inputs, self.centers)
        return ops.softmax(-near / (2.0 * self.width**2), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return what makes an equal layer."""
        centers, width = self._given
        return {**super().get_config(), "centers": centers.tolist(), "width": width}


@keras.saving.register_keras_serializable("latentmap")
class AroundMode(ConstantsLayer):
    """From a distribution over the landmarks to one spot: its mean around its mode.

    The mean of all of it would put a row that may live in two places between them, where others
    live. So a window of radius r is laid where the distribution has the most mass (tried at a few
    places only, the ``anchors``), moved once to the mean within it, and the mean there is the
    spot: a step of the mean shift of Y. Cheng, IEEE PAMI 17, 1995.

    Parameters
    ----------
    centers : array-like of shape (K, n_components)
    anchors : array-like of shape (A, n_components)
        Where the window is tried.
    radius : float
        r: a landmark at distance t of the window's middle counts exp(−t² / 2r²).

    Examples
    --------
    >>> places, logits = [[0.0, 0.0], [1.0, 0.0], [9.0, 0.0]], np.array([[3.0, 3.0, 3.1]])
    >>> spot, share = AroundMode(places, places, radius=1.0)(logits.astype("float32"))
    >>> [round(float(x), 2) for x in spot[0]], round(float(share[0]), 2)
    ([0.47, 0.0], 0.57)
    """

    def __init__(self, centers: Any, anchors: Any, radius: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        centers, anchors = np.asarray(centers, "float32"), np.asarray(anchors, "float32")
        self._given = (centers, anchors, float(radius))
        self.centers = self._constant("centers", centers)
        self.anchors = self._constant("anchors", anchors)
        self.radius = self._constant("radius", radius)
        self.built = True

    def call(self, inputs: Any, middles: Any = None) -> Any:
        """Give, for logits of shape (n, K), spots (n, n_components) and the window's mass (n,).

        Where it is known in what part of the map each row lives, ``middles`` of shape
        (n, n_components) tell where the window is laid, and nothing is searched.
        """
        p = ops.softmax(inputs, axis=-1)
        if middles is None:
            middles = self._near_mode(p)
        return self._mean(p * self._window(ops.stop_gradient(middles)))

    def _near_mode(self, p: Any) -> Any:
        """Try the window at the anchors; give the mean within the one that holds the most."""
        windows = self._window(self.anchors)
        best = ops.argmax(ops.matmul(p, ops.transpose(windows)), axis=-1)
        return self._mean(p * ops.take(windows, best, axis=0))[0]

    def _window(self, middles: Any) -> Any:
        """How much each landmark counts around each middle, shape (n, K)."""
        return ops.exp(-_squared_distances(middles, self.centers) / (2.0 * self.radius**2))

    def _mean(self, weights: Any) -> tuple[Any, Any]:
        mass = ops.sum(weights, axis=-1)
        return ops.matmul(weights, self.centers) / (mass[:, None] + 1e-12), mass

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Tell the shapes of the spots and of their mass."""
        return (input_shape[0], self._given[0].shape[1]), (input_shape[0],)

    def get_config(self) -> dict[str, Any]:
        """Return what makes an equal layer."""
        centers, anchors, radius = self._given
        return {
            **super().get_config(),
            "centers": centers.tolist(),
            "anchors": anchors.tolist(),
            "radius": radius,
        }
