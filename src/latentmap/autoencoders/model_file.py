"""A model is one .safetensors file: named arrays, and one JSON text as metadata.

Nothing in a file is executed: latentmap builds the networks that the text describes, and assigns
the arrays to their weights. The metadata are checked before memory is allocated.
"""

import json
import os
from typing import Any

import numpy as np

from latentmap.errors import ModelFileError
from latentmap.files import write_atomically

# Format of the files that are written. Files of this format and of older ones can be read.
FORMAT = 2

_KEY = "latentmap"


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
    with write_atomically(path) as temporary:
        temporary.write_bytes(save(arrays, metadata={_KEY: text}))


def read_model(
    path: str | os.PathLike[str], arrays: bool = True
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the description and, if ``arrays``, the arrays of a model file.

    Raise ModelFileError if the file is missing, incomplete, no model, or of a newer format.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            description = _parse_metadata(path, file.metadata() or {})
            names = list(file.keys()) if arrays else []
            return description, {name: file.get_tensor(name) for name in names}
    except FileNotFoundError:
        raise ModelFileError(f"{path}: no such file") from None
    except (SafetensorError, OSError, TypeError, UnicodeDecodeError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(
            f"{path}: expected a whole model file (.safetensors), found something else or a part "
            f"of one ({error})"
        ) from None


def _parse_metadata(path: str | os.PathLike[str], metadata: dict[str, str]) -> dict[str, Any]:
    """Return the JSON text of a model file; raise ModelFileError if latentmap did not write it."""
    if _KEY not in metadata:
        raise ModelFileError(f"{path}: expected a model of latentmap, found another's .safetensors")
    try:
        description = json.loads(metadata[_KEY])
        version = int(description["format"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise ModelFileError(f"{path}: the description of the model is damaged") from None
    if version > FORMAT:
        raise ModelFileError(
            f"{path}: expected format {FORMAT} or older, found {version}; upgrade latentmap"
        )
    return description
