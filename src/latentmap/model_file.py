"""Model files: one .safetensors file with named arrays and one JSON string as metadata.

No code in a file is executed. latentmap builds the networks that the metadata describe, and assigns
the arrays to their weights.
"""

import json
import os
from typing import Any

import numpy as np

from latentmap.errors import ModelFileError
from latentmap.files import METADATA_KEYS, read_arrays, write_atomically

# Format of new files. Older formats can be read as well.
FORMAT = 2


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
    from safetensors.numpy import save

    text = json.dumps({"format": FORMAT, **description}, allow_nan=False)
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    with write_atomically(path) as temporary_path:
        temporary_path.write_bytes(save(arrays, metadata={METADATA_KEYS["model"]: text}))


def read_model(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the description and the arrays of a model file.

    Raise ModelFileError if the file is missing, incomplete, not a model file, or of a newer format.
    """
    _, description, arrays = read_arrays(path, "model", FORMAT, ModelFileError)
    return description, arrays
