"""Checks of the metadata of a model file that need no network."""

import contextlib
import math
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from latentmap.errors import ModelFileError

HISTORY_COLUMNS = ("epoch", "loss", "val_loss", "val_mse")
_TEXT_FIELDS = ("data_set", "fingerprint")


@contextlib.contextmanager
def report_damage(path: str | os.PathLike[str]) -> Iterator[None]:
    """Raise ModelFileError in place of an error that a damaged description causes."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        reason = str(error).split("\n")[0]
        raise ModelFileError(
            f"{path}: the description of the model is damaged ({type(error).__name__}: {reason})"
        ) from None


def check_metadata(metadata: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError if the row shape, the names or the report are invalid.

    Examples
    --------
    >>> metadata = {"row_shape": [4], "feature_names": ["a"], "figures": None}
    >>> check_metadata(metadata)
    Traceback (most recent call last):
        ...
    ValueError: feature_names: expected 4 names
    """
    row_shape = metadata["row_shape"]
    if not row_shape or not all(type(size) is int and size > 0 for size in row_shape):
        raise ValueError(f"row_shape: expected integers above 0, found {row_shape!r}")
    if metadata["feature_names"] is not None:
        n_columns = math.prod(row_shape)
        if metadata.get("table") is not None:
            n_columns = len(metadata["table"]["columns"])
        _check_names(metadata["feature_names"], n_columns)
    _check_fit_report(metadata["figures"] or {})


def read_history(metadata: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return the history of a file with NaN for null; raise ModelFileError if it is damaged.

    Examples
    --------
    >>> read_history({"history": {"epoch": [0], "loss": [None], "val_loss": [1], "val_mse": [1]}})
    {'epoch': [0.0], 'loss': [nan], 'val_loss': [1.0], 'val_mse': [1.0]}
    """
    history = {
        name: np.asarray(values, dtype=float).ravel().tolist()
        for name, values in metadata["history"].items()
    }
    if len({len(history[name]) for name in HISTORY_COLUMNS}) != 1:
        raise ModelFileError("the columns of the history differ in length")
    return history


def _check_fit_report(report: Mapping[str, Any]) -> None:
    """Raise TypeError if a recorded metric, name or held-out split has a wrong type."""
    for held_out in (report.get("held_out") or {}, *(report.get("held_out_before") or ())):
        if not all(isinstance(held_out.get(name), str | None) for name in _TEXT_FIELDS):
            raise TypeError("held-out rows: expected names as strings")
        counts = [v for k, v in held_out.items() if k not in _TEXT_FIELDS]
        if not all(isinstance(count, int) and count >= 0 for count in counts):
            raise TypeError("held-out rows: expected numbers of rows of at least 0")
    if not isinstance(report.get("label"), str | None):
        raise TypeError("label: expected a name as a string")
    _check_column_errors(report.get("columns") or [])
    if not isinstance(report.get("table_options"), dict | None):
        raise TypeError("table_options: expected options by their names")
    others = {"held_out", "held_out_before", "label", "columns", "table_options"}
    numbers = set(report) - others
    if not all(isinstance(report[name], int | float | None) for name in numbers):
        raise TypeError("metrics: expected numbers or null")


def _check_column_errors(columns: list[Mapping[str, Any]]) -> None:
    """Raise TypeError if the recorded error of a column has a wrong type."""
    for column in columns:
        string_keys, number_keys = ("name", "measure"), ("value", "baseline", "n_values")
        is_valid = all(isinstance(column[key], str) for key in string_keys)
        is_valid &= all(type(column[key]) in (int, float) for key in number_keys)
        if not is_valid or not isinstance(column["unit"], str | None):
            raise TypeError(
                "column errors: expected the name, the measure and the values of each column"
            )


def _check_names(names: list[str], n_features: int) -> None:
    if not all(isinstance(name, str) for name in names) or len(names) != n_features:
        raise ValueError(f"feature_names: expected {n_features} names")
