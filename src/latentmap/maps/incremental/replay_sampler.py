"""Samples of rows that resemble the earlier rows of a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentmap.maps.directions import DIRECTION_METRICS, DirectionTransform
from latentmap.maps.incremental.replay_state import ReplayState

if TYPE_CHECKING:
    from latentmap.maps.latent_map import LatentMap


class ReplaySampler:
    """Random generator of rows that resemble the earlier rows of a map."""

    def __init__(self, model: LatentMap, replay_state: ReplayState, seed: int) -> None:
        self.mixture, self.rng = replay_state.mixture, np.random.default_rng(seed)
        self.principal = replay_state.principal(model._encoder_components())
        self._state, self._row_shape = model._state, model.row_shape_
        self._directions = None
        if model.metric in DIRECTION_METRICS:
            scale, metric = model._state.row_scale, str(model.metric)
            self._directions = DirectionTransform.of_rows(self.principal, scale, metric)

    def to_search_points(self, points: np.ndarray) -> np.ndarray:
        """Return points, or their directions if the metric is the cosine or the correlation."""
        return points if self._directions is None else self._directions.apply(points)

    def sample_points(self, n: int) -> np.ndarray:
        """Draw n rows as coordinates on the principal components, shape (n, d)."""
        return self.mixture.sample(n, self.rng)

    def sample_rows(self, n: int) -> np.ndarray:
        """Draw n replay rows in the units of the fitted rows, shape (n, ...)."""
        scaled_rows = self.sample_points(n) @ self.principal.components + self.principal.mean
        return self._state.raw_rows(scaled_rows, self._row_shape)
