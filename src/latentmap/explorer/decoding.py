"""Decode single points without delay: small blocks instead of those of ``inverse_transform``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from latentmap.backend import block_rows, predict
from latentmap.explorer.page_coordinates import CodePlane

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder

_SMALL_BLOCKS = (16, 128)


class PointDecoder:
    """Decoder of points of the page and of codes."""

    def __init__(self, estimator: BaseAutoEncoder, plane: CodePlane) -> None:
        self._estimator, self._plane = estimator, plane
        largest = block_rows(estimator.row_shape_)
        self._blocks = [*(block for block in _SMALL_BLOCKS if block < largest), largest]

    def decode_points(self, points: ArrayLike) -> np.ndarray:
        """Return the rows that points, (m, 2), decode to, in their own shape and units, float32."""
        return self.decode(self._plane.to_codes(points))

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the rows that codes, (m, n_components), decode to, float32."""
        codes = np.asarray(codes, np.float32)
        sufficient = [block for block in self._blocks if block >= len(codes)]
        block = min(sufficient, default=self._blocks[-1])
        return predict(self._estimator.decoder_, codes, block)

    def warm_up(self) -> None:
        """Compile the decoder for every block size."""
        for block in self._blocks:
            self.decode_points(np.zeros((block, 2)))
