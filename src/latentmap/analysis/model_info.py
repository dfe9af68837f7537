"""Properties of a fitted estimator of any library, read from its attributes without Keras."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, Self, cast

import numpy as np

from latentmap.data.table_options import TableOptions
from latentmap.data.types import DataLike

if TYPE_CHECKING:
    from latentmap.preprocessing.table_encoder import TableEncoder


class Decoder(Protocol):
    """A fitted estimator that decodes codes."""

    def inverse_transform(self, X: np.ndarray, /) -> np.ndarray:
        """Return the rows that codes decode to, shape (n, ...)."""


class FittedEstimator(Decoder, Protocol):
    """A fitted estimator that encodes rows and decodes codes, such as scikit-learn's PCA."""

    def transform(self, X: DataLike, /) -> np.ndarray:
        """Return the codes of rows, shape (n, n_components)."""


class FittedMap(FittedEstimator, Protocol):
    """A fitted ``LatentMap``."""

    landmarks_: np.ndarray

    def confidence(self, X: DataLike, /) -> np.ndarray:
        """Return the confidence in the codes of rows, shape (n,), in 0–1."""

    def density(self, Z: np.ndarray, /) -> np.ndarray:
        """Return the density of the fitted rows at codes, shape (n,), in 0–1."""


@dataclass(frozen=True)
class ModelInfo:
    """Properties of a fitted estimator; a property that an estimator lacks is None.

    A difference of d between raw rows is d / ``scale`` in the units of ``reconstruction_error``;
    ``scale`` has shape (1,) or (n_features,), and is 1 for estimators of other libraries.
    A map has a density and landmarks. ``label_column``, the column of labels, and ``metadata``, the
    name of a table beside rows of numbers, were recorded with the model.
    """

    name: str
    is_latentmap: bool
    n_components: int | None
    row_shape: tuple[int, ...] | None
    feature_names: tuple[str, ...] | None
    scale: np.ndarray
    has_confidence: bool
    has_density: bool
    is_map: bool
    is_variational: bool
    can_partial_fit: bool
    label_column: str | None
    metadata: str | None
    metric: str | None

    @classmethod
    def from_estimator(cls, estimator: object) -> Self:
        """Return the properties of a fitted estimator."""
        shape = getattr(estimator, "row_shape_", None)
        names = getattr(estimator, "feature_names_in_", None)
        report = getattr(estimator, "fit_report_", None) or {}
        metric = getattr(estimator, "metric", None)
        return cls(
            name=getattr(estimator, "model_name", type(estimator).__name__),
            is_latentmap=shape is not None,
            n_components=_n_components(estimator),
            row_shape=None if shape is None else tuple(shape),
            feature_names=None if names is None else tuple(map(str, names)),
            scale=_scale(estimator),
            has_confidence=hasattr(estimator, "confidence"),
            has_density=hasattr(estimator, "density"),
            is_map=hasattr(estimator, "density") and hasattr(estimator, "landmarks_"),
            is_variational=hasattr(estimator, "beta"),
            can_partial_fit=hasattr(estimator, "partial_fit"),
            label_column=report.get("label"),
            metadata=report.get("metadata"),
            metric=metric if isinstance(metric, str) else None,
        )

    @property
    def has_image_rows(self) -> bool:
        """Whether a row has the shape (h, w) or (h, w, c)."""
        return self.row_shape is not None and len(self.row_shape) in (2, 3)


def fitted_table(estimator: object) -> TableEncoder | None:
    """Return the encoder of the table that an estimator was fitted to; None for other rows."""
    return getattr(estimator, "table_", None)


def stored_table_options(estimator: object) -> TableOptions:
    """Return the options to read a table as the table of the fit was read.

    They are those that were recorded with the model, and the roles of the columns of strings.
    """
    report = getattr(estimator, "fit_report_", None) or {}
    options = TableOptions.from_json(report.get("table_options"))
    table = fitted_table(estimator)
    roles = {**({} if table is None else table.string_roles()), **options.roles}
    return replace(options, roles=roles, ignore_unknown=True)


def as_map(estimator: object) -> FittedMap | None:
    """Return the estimator if it is a map, else None."""
    return cast(FittedMap, estimator) if ModelInfo.from_estimator(estimator).is_map else None


def model_fingerprint(estimator: object) -> str | None:
    """Return the SHA-256 fingerprint of a fitted estimator, or None if it has none."""
    fingerprint = getattr(estimator, "fingerprint", None)
    return None if fingerprint is None else fingerprint()


def _n_components(estimator: object) -> int | None:
    names = getattr(estimator, "get_feature_names_out", None)
    return None if names is None else len(names())


def _scale(estimator: object) -> np.ndarray:
    # The ``scale_`` of an estimator of another library, such as a scaler, has another meaning.
    # The encoded rows of a table are already scaled.
    is_scaled = not hasattr(estimator, "row_shape_") or fitted_table(estimator) is not None
    scale = 1.0 if is_scaled else getattr(estimator, "scale_", 1.0)
    return np.asarray(scale, np.float32).reshape(-1)
