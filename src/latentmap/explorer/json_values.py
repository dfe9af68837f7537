"""JSON values of rows, scores and labels."""

import base64
from typing import Any

import numpy as np


def to_json(value: object) -> Any:
    """Return numbers, strings and arrays as JSON values; NaN and infinity become None."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list):
        return [to_json(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def encode_array(array: np.ndarray) -> str:
    """Return the bytes of an array as base64."""
    return base64.b64encode(array.tobytes()).decode()


def encode_rows(rows: np.ndarray | list[np.ndarray]) -> list[Any]:
    """Return images as base64, and the columns of a table as one list of values for each row."""
    if isinstance(rows, np.ndarray):
        return [encode_array(row) for row in rows]
    return [list(row) for row in zip(*map(to_json, rows), strict=True)]
