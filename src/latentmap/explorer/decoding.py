"""Decoding of a few codes with low latency, in smaller blocks than ``inverse_transform``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentmap.backend import block_rows, predict

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder

_SMALL_BLOCKS = (16, 128)


class CodeDecoder:
    """Decoder of a few codes at a time."""

    def __init__(self, estimator: BaseAutoEncoder) -> None:
        self._estimator = estimator
        max_block = block_rows(estimator.row_shape_)
        self._blocks = [*(block for block in _SMALL_BLOCKS if block < max_block), max_block]

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Decode codes of shape (m, n_components) to rows with their shape and units, float32."""
        codes = np.asarray(codes, np.float32)
        sufficient_blocks = [block for block in self._blocks if block >= len(codes)]
        block = min(sufficient_blocks, default=self._blocks[-1])
        return predict(self._estimator.decoder_, codes, block)

    def warm_up(self, n_components: int) -> None:
        """Compile the decoder for every block size."""
        for block in self._blocks:
            self.decode(np.zeros((block, n_components)))
