"""From spots of the plane to rows, at the speed of a pointer.

``inverse_transform`` decodes a thousand codes at a time, whatever is asked; for a single spot that
takes longer than anyone likes to wait. Here few spots go through small blocks. The numbers are the
same to within rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from latentmap.backend import apply, block_rows
from latentmap.explorer.page_coordinates import Plane

__all__ = ["Decoder"]

_FEW = (16, 128)


class Decoder:
    """Decodes spots of a plane.

    Parameters
    ----------
    estimator : fitted estimator
        Of this package.
    plane : Plane

    Examples
    --------
    >>> from latentmap import AutoEncoder
    >>> X = np.random.default_rng(0).normal(size=(50, 4))
    >>> ae = AutoEncoder(2, epochs=1, random_state=0).fit(X)
    >>> plane = Plane.of(ae.transform(X))
    >>> rows = Decoder(ae, plane).rows(plane.spots[:3])
    >>> bool(np.allclose(rows, ae.inverse_transform(plane.spots[:3]), atol=1e-5))
    True
    """

    def __init__(self, estimator: Any, plane: Plane) -> None:
        self._estimator, self._plane = estimator, plane
        largest = block_rows(estimator.row_shape_)
        self._blocks = [*(block for block in _FEW if block < largest), largest]

    def rows(self, spots: Any) -> np.ndarray:
        """Decode spots, (m, 2), to rows in their own shape and units, float32."""
        return self.decoded(self._plane.back(spots))

    def decoded(self, codes: Any) -> np.ndarray:
        """Decode codes, (m, n_components)."""
        codes = np.asarray(codes, np.float32)
        fitting = [block for block in self._blocks if block >= len(codes)]
        return apply(self._estimator.decoder_, codes, (fitting or self._blocks[-1:])[0])

    def warm_up(self) -> None:
        """Compile all that is needed, so that no pointer waits for it."""
        for block in self._blocks:
            self.rows(np.zeros((block, 2)))
