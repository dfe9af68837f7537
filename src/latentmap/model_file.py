"""Model files: one .safetensors file with named arrays and one JSON string as metadata.

No code in a file is executed. latentmap builds the networks that the metadata describe, and assigns
the arrays to their weights.
"""

import os
from typing import Any

import numpy as np

from latentmap.array_files import read_arrays, write_arrays
from latentmap.errors import ModelFileError

# Format of new files. Older formats can be read as well.
FORMAT = 3


def write_model(path: str | os.PathLike[str], description: dict[str, Any], arrays: dict) -> None:
    """Write a model file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.safetensors"
    >>> write_model(path, {"estimator": "AutoEncoder"}, {"w": np.zeros(2, "float32")})
    >>> description, arrays = read_model(path)
    >>> description["estimator"], arrays["w"].tolist()
    ('AutoEncoder', [0.0, 0.0])
    """
    write_arrays(path, "model", {"format": FORMAT, **description}, arrays)


def read_model(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the description and the arrays of a model file.

    Raise ModelFileError if the file is missing, damaged, not a model file, or of a newer format.
    """
    return read_arrays(path, "model", FORMAT, ModelFileError)
