"""The encoder of a fitted table in the metadata and the arrays of a model file."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from latentmap.errors import ModelFileError
from latentmap.preprocessing.table_encoder import TableEncoder

TABLE_PREFIX = "table/"  # First part of the names of the encoder's arrays.


def read_table(
    metadata: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> TableEncoder | None:
    """Return the encoder of a fitted table; None for other rows.

    Examples
    --------
    >>> read_table({"row_shape": [4]}, {}) is None
    True
    """
    if metadata.get("table") is None:
        return None
    own_arrays = {
        k.removeprefix(TABLE_PREFIX): v for k, v in arrays.items() if k.startswith(TABLE_PREFIX)
    }
    table = TableEncoder.from_file(metadata["table"], own_arrays)
    if [table.width] != metadata["row_shape"]:
        raise ModelFileError("the columns of the table do not fit the shape of the rows")
    return table
