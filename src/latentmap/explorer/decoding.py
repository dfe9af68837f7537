"""Decoding of a few codes with low latency, in smaller blocks than ``inverse_transform``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentmap.backend import block_rows

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder

_SMALL_SIZES = (16, 128)


class CodeDecoder:
    """Decoder of a few codes at a time."""

    def __init__(self, estimator: BaseAutoEncoder) -> None:
        self._estimator = estimator
        max_size = block_rows(estimator.row_shape_)
        self._block_sizes = [*(size for size in _SMALL_SIZES if size < max_size), max_size]

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Decode codes of shape (m, n_components) to rows with their shape and units, float32."""
        codes = np.asarray(codes, np.float32)
        sufficient_sizes = [size for size in self._block_sizes if size >= len(codes)]
        size = min(sufficient_sizes, default=self._block_sizes[-1])
        return self._estimator._decode(codes, size)

    def warm_up(self, n_components: int) -> None:
        """Prepare the decoder: an engine compiles it for every block size."""
        sizes = self._block_sizes if self._estimator._networks.functions() is None else [1]
        for size in sizes:
            self.decode(np.zeros((size, n_components)))
