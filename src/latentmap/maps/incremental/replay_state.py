"""The replay memory of a map as a part of its state and of its model file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from latentmap.file_record import FileRecord
from latentmap.maps.diagnostics import CodeLandmarks
from latentmap.maps.incremental.replay import ReplayMemory, estimate_replay_memory
from latentmap.maps.layout_sample import Layout
from latentmap.preprocessing.pca_projection import PrincipalComponents


@dataclass(frozen=True, kw_only=True)
class ReplayState(FileRecord):
    """Replay memory, and the principal components of its coordinates.

    Attributes
    ----------
    mixture : ReplayMemory
        In coordinates on the principal components.
    row_mean : ndarray of shape (n_features,) or None
    components : ndarray of shape (d, n_features) or None
        Scaled rows are row_mean + coordinates · components. None if the encoder contains both.
    """

    file_keys: ClassVar[dict[str, str]] = {
        "row_mean": "kept_row",
        "components": "kept_components",
    }

    mixture: ReplayMemory
    row_mean: np.ndarray | None = None
    components: np.ndarray | None = None

    @classmethod
    def estimate(
        cls, layout: Layout, landmarks: CodeLandmarks, encoder_has_components: bool
    ) -> Self | None:
        """Estimate the Gaussians from the sample of a layout; None without a sample."""
        sample = layout.sample
        if sample is None:
            return None
        nearest = landmarks.nearest(sample.positions)
        mixture = estimate_replay_memory(sample.points, nearest, len(landmarks.positions))
        rows_per_point = np.float32(len(layout.positions) / len(sample.points))
        mixture = replace(mixture, counts=mixture.counts * rows_per_point)
        if encoder_has_components:
            return cls(mixture=mixture)
        mean, components = sample.principal.mean, sample.principal.components
        return cls(mixture=mixture, row_mean=mean, components=components)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by their names in a file."""
        return self.mixture.to_arrays() | super().to_arrays()

    @staticmethod
    def exists_in(arrays: Mapping[str, np.ndarray]) -> bool:
        """Return whether a file contains a replay memory; files of older versions do not."""
        return all(key in arrays for key in ReplayMemory.file_keys.values())

    @classmethod
    def _read_fields(
        cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
    ) -> dict[str, Any]:
        mixture = ReplayMemory.from_file({}, arrays)
        return {**super()._read_fields(values, arrays), "mixture": mixture}

    def principal(self, encoder_components: PrincipalComponents | None) -> PrincipalComponents:
        """Return the stored principal components, or those that the encoder contains."""
        if self.row_mean is not None and self.components is not None:
            return PrincipalComponents(self.row_mean, self.components)
        if encoder_components is None:
            raise ValueError("replay components: expected components in the file, found none")
        return encoder_components

    def validate(
        self, n_landmarks: int, n_features: int, encoder_components: PrincipalComponents | None
    ) -> None:
        """Raise ValueError unless there is one finite Gaussian for each landmark."""
        principal = self.principal(encoder_components)
        width = len(principal.components)
        if principal.mean.shape != (n_features,) or principal.components.shape[1:] != (n_features,):
            raise ValueError(f"replay components: expected {n_features} columns, one per feature")
        n_directions = self.mixture.directions.shape[1]
        shapes = [(), (width,), (n_directions, width), ()]
        for (name, array), shape in zip(self.mixture.to_arrays().items(), shapes, strict=True):
            if array.shape != (n_landmarks, *shape) or not np.isfinite(array).all():
                raise ValueError(
                    f"{name}: expected finite numbers of shape {(n_landmarks, *shape)}, "
                    f"found shape {array.shape} or NaN or infinity"
                )
        if self.mixture.counts.min() < 0 or not self.mixture.counts.sum() > 0:
            raise ValueError("replay counts: expected numbers of at least 0, with a sum above 0")
