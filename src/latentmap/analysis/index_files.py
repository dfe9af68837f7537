"""The index in a file: plain arrays in .safetensors, with one JSON text beside them.

Texts lie in arrays, too: all their bytes, and where each of them ends. What a file claims is
checked before memory is taken, and nothing in it is executed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from latentmap.data.memory import check_memory
from latentmap.errors import FileError
from latentmap.files import fingerprint, write_atomically

__all__ = ["FORMAT", "Contents", "read_index", "write_index"]

FORMAT = 1
"""The version of what is written; files of every version up to it are read."""
_KEY, _SUM = "latentmap-index", "sha256"
_TOLD = {"distance": str, "model": str | None, "rows": str | None}


class Contents(NamedTuple):
    """What an index file holds."""

    codes: np.ndarray  # (n, n_components), float32
    labels: np.ndarray | None  # (n,), integers or texts
    names: Sequence[str] | None
    told: dict[str, Any]


def write_index(path: str | os.PathLike[str], contents: Contents) -> None:
    """Write an index file.

    Raises
    ------
    FileError
        If the place cannot be written; an older file there is then still whole.
    """
    from safetensors.numpy import save

    arrays = {"codes": np.ascontiguousarray(contents.codes, np.float32)}
    if contents.labels is not None:
        arrays |= _label_arrays(contents.labels)
    if contents.names is not None:
        arrays |= _text_arrays("names", contents.names)
    text = json.dumps({"format": FORMAT, **contents.told})
    metadata = {_KEY: text, _SUM: fingerprint({"text": text}, arrays)}
    with write_atomically(path) as beside:
        beside.write_bytes(save(arrays, metadata=metadata))


def read_index(path: str | os.PathLike[str]) -> Contents:
    """Read an index file.

    Raises
    ------
    FileError
        If the file is missing, cut short, no index, damaged or of a newer format.
    TooLargeError
        If it is larger than the memory that is free.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "index.safetensors"
    >>> told = {"distance": "plain", "model": None, "rows": None}
    >>> write_index(path, Contents(np.ones((2, 3)), np.array(["a", "b"]), None, told))
    >>> read_index(path).codes.shape, read_index(path).labels.tolist()
    ((2, 3), ['a', 'b'])
    """
    told, arrays = _read(Path(path))
    try:
        codes = arrays["codes"]
        labels = _labels(arrays, len(codes))
        names = _texts("names", arrays, len(codes)) if "names/ends" in arrays else None
    except (LookupError, TypeError, ValueError) as error:
        raise FileError(f"{path}: the index is damaged ({error})") from None
    return Contents(codes, labels, names, told)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise FileError(f"{path}: no such file")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            told = _told(path, metadata)
            check_memory(str(path), 2 * path.stat().st_size)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, UnicodeDecodeError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(
            f"{path}: expected a whole index file, found something else or a part of one ({error})"
        ) from None
    if fingerprint({"text": metadata[_KEY]}, arrays) != metadata.get(_SUM):
        raise FileError(f"{path}: the index is damaged (its checksum differs)")
    return told, arrays


def _told(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    """Read the JSON text and check that it is ours."""
    if _KEY not in metadata:
        found = "a model" if "latentmap" in metadata else "another's .safetensors"
        raise FileError(f"{path}: expected an index that similar saved, found {found}")
    try:
        told = dict(json.loads(metadata[_KEY]))
        version = int(told.pop("format"))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise FileError(f"{path}: the description of the index is damaged") from None
    if version > FORMAT:
        raise FileError(
            f"{path}: expected format {FORMAT} or older, found {version}; upgrade latentmap"
        )
    if set(told) != set(_TOLD) or not all(isinstance(told[k], t) for k, t in _TOLD.items()):
        raise FileError(f"{path}: the description of the index is damaged")
    return told


def _label_arrays(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Keep integers as they are, and of texts each different one once."""
    if labels.dtype.kind in "biu":
        return {"labels": labels.astype(np.int64)}
    classes, numbers = np.unique(labels.astype(str), return_inverse=True)
    return {"labels": numbers.astype(np.int64), **_text_arrays("classes", classes.tolist())}


def _labels(arrays: dict[str, np.ndarray], count: int) -> np.ndarray | None:
    if "labels" not in arrays:
        return None
    numbers = arrays["labels"]
    if numbers.dtype != np.int64 or numbers.shape != (count,):
        raise ValueError(f"expected a label for each of {count} rows, found {numbers.shape}")
    if "classes/ends" not in arrays:
        return numbers
    classes = _texts("classes", arrays, len(arrays["classes/ends"]))
    if numbers.min() < 0 or numbers.max() >= len(classes):
        raise ValueError("labels point nowhere")
    # As objects: one long label among a million rows shall not make all of them as long.
    return np.array(classes, dtype=object)[numbers]


def _text_arrays(name: str, texts: Sequence[str]) -> dict[str, np.ndarray]:
    parts = [str(text).encode("utf-8", "surrogateescape") for text in texts]
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    return {f"{name}/bytes": np.frombuffer(b"".join(parts), np.uint8), f"{name}/ends": ends}


def _texts(name: str, arrays: dict[str, np.ndarray], count: int) -> list[str]:
    held, ends = arrays[f"{name}/bytes"], arrays[f"{name}/ends"]
    if held.dtype != np.uint8 or held.ndim != 1 or ends.dtype != np.int64 or ends.shape != (count,):
        raise ValueError(f"expected {count} {name}, found {ends.shape}")
    starts = np.append(0, ends[:-1])
    if (starts > ends).any() or starts.min() < 0 or ends.max(initial=0) != len(held):
        raise ValueError(f"{name} do not end where they should")
    whole = held.tobytes()
    pairs = zip(starts.tolist(), ends.tolist(), strict=True)
    return [whole[a:b].decode("utf-8", "replace") for a, b in pairs]
