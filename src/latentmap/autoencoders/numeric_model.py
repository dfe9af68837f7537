"""View of an estimator that was fitted to a table, for rows of encoded numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from latentmap.autoencoders.validation import new_rows
from latentmap.data.sources import Source
from latentmap.data.types import DataLike
from latentmap.preprocessing.encoded_rows import EncodedArray

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder


@dataclass(frozen=True)
class NumericModel:
    """A fitted estimator that takes and returns encoded numbers instead of rows of a table.

    Analyses of codes work on numbers; the columns of a table are numbers only in this view. All
    other attributes are those of the estimator.
    """

    estimator: BaseAutoEncoder

    def __getattr__(self, name: str) -> Any:
        return getattr(self.estimator, name)

    @property
    def model_name(self) -> str:
        """Name of the class of the estimator."""
        return type(self.estimator).__name__

    def encode(self, X: DataLike) -> Source:
        """Return rows of the table as encoded numbers."""
        return new_rows(self.estimator, X)

    def transform(self, X: ArrayLike | Source) -> np.ndarray:
        """Return the codes of encoded rows, shape (n, n_components)."""
        return self.estimator.transform(self._as_source(X))

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Decode codes to encoded rows, shape (n, width)."""
        return self.estimator._decode(X)

    def reconstruction_error(self, X: ArrayLike | Source) -> np.ndarray:
        """Return the reconstruction error of encoded rows, shape (n,)."""
        return self.estimator.reconstruction_error(self._as_source(X))

    def score(self, X: ArrayLike | Source) -> float:
        """Return the score of encoded rows."""
        return self.estimator.score(self._as_source(X))

    def confidence(self, X: ArrayLike | Source) -> np.ndarray:
        """Return the confidence in the codes of encoded rows of a map, shape (n,)."""
        return self.estimator.confidence(self._as_source(X))  # type: ignore[attr-defined]

    def _as_source(self, X: ArrayLike | Source) -> Source:
        if isinstance(X, Source):
            return X
        assert self.estimator.table_ is not None
        return EncodedArray(np.asarray(X), self.estimator.table_)
