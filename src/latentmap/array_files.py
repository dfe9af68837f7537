"""Files of named arrays and a JSON text (.safetensors), with a checksum, and fingerprints."""

import hashlib
import json
import math
import os
from typing import Any

import numpy as np

from latentmap.errors import FileError
from latentmap.files import check_input_file, write_atomically

# Key of the JSON text in the metadata of a .safetensors file, for each kind of file.
METADATA_KEYS = {"model": "latentmap", "index": "latentmap-index"}
_CHECKSUM = "sha256"  # Key of the checksum of the JSON text and the arrays.
# First format that has a checksum, for each kind of file.
_CHECKSUM_FORMATS = {"model": 3, "index": 1}


def fingerprint(metadata: dict[str, Any], arrays: dict[str, np.ndarray]) -> str:
    """Return the SHA-256 of JSON data and named arrays as 64 hexadecimal digits.

    Examples
    --------
    >>> len(fingerprint({"kind": "map"}, {"weights": np.zeros(2)}))
    64
    """
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write_arrays(
    path: str | os.PathLike[str],
    kind: str,
    description: dict[str, Any],
    arrays: dict[str, np.ndarray],
) -> None:
    """Write a description and named arrays to a .safetensors file, with a checksum of both.

    ``kind`` is "model" or "index". The description has a "format".
    """
    from safetensors.numpy import save

    text = json.dumps(description, allow_nan=False)
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    metadata = {METADATA_KEYS[kind]: text, _CHECKSUM: fingerprint({"text": text}, arrays)}
    with write_atomically(path) as temporary_path:
        temporary_path.write_bytes(_sort_metadata(save(arrays, metadata=metadata)))


def _sort_metadata(contents: bytes) -> bytes:
    """Return a .safetensors file with sorted metadata.

    safetensors writes metadata in a random order, so that equal models would have unequal files.
    """
    start = 8 + int.from_bytes(contents[:8], "little")
    header = json.loads(contents[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # The arrays start at a multiple of 8 bytes.
    return b"".join([len(text).to_bytes(8, "little"), text, memoryview(contents)[start:]])


def read_arrays(
    path: str | os.PathLike[str],
    kind: str,
    max_format: int,
    error_type: type[FileError] = FileError,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the description and the named arrays of a .safetensors file.

    ``kind`` is "model" or "index". Raise ``error_type`` if the file is missing, incomplete, of
    another kind or of a newer format, or if its checksum differs. No code in the file is executed.
    """
    from safetensors import SafetensorError, safe_open

    path = check_input_file(path, kind, error_type)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            description = _parse_description(path, metadata, kind, max_format, error_type)
            arrays = {name: file.get_tensor(name) for name in list(file.keys())}
        if _CHECKSUM in metadata or description["format"] >= _CHECKSUM_FORMATS[kind]:
            checksum = fingerprint({"text": metadata[METADATA_KEYS[kind]]}, arrays)
            if checksum != metadata.get(_CHECKSUM):
                raise error_type(f"{path}: the {kind} is damaged (its checksum differs)")
        return description, arrays
    except (SafetensorError, OSError, TypeError, UnicodeDecodeError) as error:
        if isinstance(error, FileError):
            raise
        raise error_type(
            f"{path}: expected a complete {kind} file, found a truncated or another file ({error})"
        ) from None


def _parse_description(
    path: str | os.PathLike[str],
    metadata: dict[str, str],
    kind: str,
    max_format: int,
    error_type: type[FileError],
) -> dict[str, Any]:
    if METADATA_KEYS[kind] not in metadata:
        is_model = METADATA_KEYS["model"] in metadata
        file_type = "a model" if is_model else "another .safetensors file"
        raise error_type(f"{path}: expected a latentmap {kind}, found {file_type}")
    try:
        description = _parse_json(metadata[METADATA_KEYS[kind]])
        version = description["format"]
        if type(version) is not int or version < 1:
            raise TypeError("format: expected an integer above 0")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        raise error_type(f"{path}: the description of the {kind} is damaged ({reason})") from None
    if version > max_format:
        raise error_type(
            f"{path}: expected format {max_format} or older, found {version}; upgrade latentmap"
        )
    return description


def _parse_json(text: str) -> Any:
    """Parse JSON; raise ValueError for NaN, infinity, and integers of more than 64 bits."""
    return json.loads(
        text, parse_float=_parse_float, parse_int=_parse_int, parse_constant=_parse_float
    )


def _parse_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"expected finite numbers, found {text[:20]}")
    return number


def _parse_int(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
        raise ValueError(f"expected integers of 64 bits, found {text[:20]}")
    return int(text)
