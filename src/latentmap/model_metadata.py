"""Schema of the description in a model file, and the check of a description against it."""

import contextlib
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any, Required, TypeAlias, TypedDict

import numpy as np

from latentmap.errors import ModelFileError
from latentmap.value_types import Count, Positive, check_value

HISTORY_COLUMNS = ("epoch", "loss", "val_loss", "val_mse")

Scalar: TypeAlias = str | float | bool | None
Setting: TypeAlias = Scalar | list[Scalar]


class History(TypedDict, total=False):
    """Columns of the training history; null stands for NaN."""

    epoch: Required[list[float | None]]
    loss: Required[list[float | None]]
    val_loss: Required[list[float | None]]
    val_mse: Required[list[float | None]]


class HeldOutRows(TypedDict, total=False):
    """Rows that were held out from a fit by the command."""

    rows: Count
    data_set: str | None
    rows_total: Count
    seed: Count
    fingerprint: str | None


class RecordedColumnError(TypedDict):
    """Error of the reconstructions of a column; see `latentmap.analysis.column_errors`."""

    name: str
    measure: str
    value: float
    baseline: float
    unit: str | None
    n_values: Count


class FitReport(TypedDict, total=False):
    """Report of a fit by the command. Entries that are not declared here are metrics."""

    held_out: HeldOutRows | None
    held_out_before: list[HeldOutRows] | None
    label: str | None
    columns: list[RecordedColumnError] | None
    table_options: dict[str, Setting | dict[str, str]] | None
    metadata: str | None


class StateDescription(TypedDict, total=False):
    """State of an estimator without its arrays; see `FittedState` and its subclasses."""

    n_components: Required[Count]
    network: Required[dict[str, Setting]]
    loss: Required[str]
    seed: Required[Count]
    principal: bool
    network_kept: bool
    beta: float
    back: dict[str, Setting]
    n_landmarks: Count
    n_anchors: Count
    window: Positive
    squash: bool
    n_seen: Count | None
    own_layout: bool | None
    has_unit_rows: bool | None
    rows: Count | None
    reconstruction: float | None
    grown: Count | None
    following: dict[str, float]
    usual_error: float
    usual_crowd: float
    growth: dict[str, float] | None
    placement: dict[str, Setting] | None


class Description(TypedDict, total=False):
    """Description in a model file.

    The columns of a table are checked by the classes that read them.
    """

    format: Required[int]
    estimator: Required[str]
    parameters: Required[dict[str, Setting | dict[str, Setting]]]
    row_shape: Required[list[Count]]
    dtype: Required[str]
    feature_names: Required[list[str] | None]
    history: Required[History]
    learned: Required[StateDescription]
    figures: Required[FitReport | None]
    table: dict[str, Any] | None
    versions: dict[str, Setting]


@contextlib.contextmanager
def report_damage(path: str | os.PathLike[str]) -> Iterator[None]:
    """Convert errors in the block, which a damaged description causes, to ModelFileError."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        reason = str(error).split("\n")[0]
        raise ModelFileError(
            f"{path}: the description of the model is damaged ({type(error).__name__}: {reason})"
        ) from None


def check_metadata(metadata: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError if a description does not have the schema of `Description`.

    Examples
    --------
    >>> history = {"epoch": [], "loss": [], "val_loss": [], "val_mse": []}
    >>> learned = {"n_components": 1, "network": {"name": "linear"}, "loss": "mse", "seed": -1}
    >>> metadata = {"format": 3, "estimator": "AutoEncoder", "parameters": {}, "row_shape": [4]}
    >>> metadata |= {"dtype": "float32", "feature_names": None, "history": history}
    >>> check_metadata(metadata | {"learned": learned, "figures": None})
    Traceback (most recent call last):
        ...
    ValueError: description, learned, seed: expected numbers from 0 to 9.22337e+18
    """
    check_value("description", metadata, Description)
    if not metadata["row_shape"] or min(metadata["row_shape"]) < 1:
        raise ValueError(f"row_shape: expected integers above 0, found {metadata['row_shape']}")
    if len({len(metadata["history"][name]) for name in HISTORY_COLUMNS}) != 1:
        raise ValueError("history: expected columns of equal length")
    if "name" not in metadata["learned"]["network"]:
        raise ValueError("network: expected a name")
    figures = metadata["figures"] or {}
    metrics = {key: value for key, value in figures.items() if key not in FitReport.__annotations__}
    check_value("metrics", metrics, dict[str, float | None])
    if metadata["feature_names"] is not None:
        n_columns = math.prod(metadata["row_shape"])
        if metadata.get("table") is not None:
            n_columns = len(metadata["table"]["columns"])
        if len(metadata["feature_names"]) != n_columns:
            n_names = len(metadata["feature_names"])
            raise ValueError(f"feature_names: expected {n_columns} names, found {n_names}")


def read_history(metadata: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return the history of a file with NaN for null.

    Examples
    --------
    >>> read_history({"history": {"epoch": [0], "loss": [None], "val_loss": [1], "val_mse": [1]}})
    {'epoch': [0.0], 'loss': [nan], 'val_loss': [1.0], 'val_mse': [1.0]}
    """
    return {
        name: np.asarray(values, dtype=float).ravel().tolist()
        for name, values in metadata["history"].items()
    }
