"""Replay memory of a map: generates rows like the fitted ones, without storing any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np

from latentmap.file_record import FileRecord
from latentmap.maps.incremental.replay import ReplayMemory

_MIXTURE_FIELDS = [field.name for field in fields(ReplayMemory)]
_MIXTURE_KEYS = {name: f"kept_{name}" for name in _MIXTURE_FIELDS}


@dataclass(frozen=True, kw_only=True)
class ReplayState(FileRecord):
    """A Gaussian mixture of the fitted rows, and the principal components of its coordinates.

    Attributes
    ----------
    mixture : ReplayMemory
        One Gaussian per landmark, in coordinates on principal components.
    row_mean : ndarray of shape (n_features,) or None
    components : ndarray of shape (d, n_features) or None
        Rows are row_mean + coordinates · components. None if the encoder contains them.
    """

    file_keys: ClassVar[dict[str, str]] = {
        "row_mean": "kept_row",
        "components": "kept_components",
    }

    mixture: ReplayMemory
    row_mean: np.ndarray | None = None
    components: np.ndarray | None = None

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by their names in a file."""
        mixture = {_MIXTURE_KEYS[k]: array for k, array in vars(self.mixture).items()}
        return mixture | super().to_arrays()

    @staticmethod
    def is_in(arrays: Mapping[str, np.ndarray]) -> bool:
        """Return whether a file holds a replay memory; older versions of latentmap stored none."""
        return all(key in arrays for key in _MIXTURE_KEYS.values())

    @classmethod
    def _read_fields(
        cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
    ) -> dict[str, Any]:
        mixture = ReplayMemory(*(arrays[key] for key in _MIXTURE_KEYS.values()))
        return {**super()._read_fields(values, arrays), "mixture": mixture}

    def with_mixture(self, mixture: ReplayMemory) -> Self:
        """Return the state with another mixture in the same coordinates."""
        return replace(self, mixture=mixture)

    def validate(self, n_landmarks: int, width: int) -> None:
        """Raise ValueError unless there is one finite Gaussian of a width for each landmark."""
        n_directions = self.mixture.directions.shape[1]
        shapes = [(), (width,), (n_directions, width), ()]
        for name, array, shape in zip(
            _MIXTURE_KEYS.values(), vars(self.mixture).values(), shapes, strict=True
        ):
            if array.shape != (n_landmarks, *shape) or not np.isfinite(array).all():
                raise ValueError(f"{name}: expected finite numbers for each landmark")
        if self.mixture.counts.min() < 0 or not self.mixture.counts.sum() > 0:
            raise ValueError("kept_counts: expected numbers of rows")
