"""Files of search indexes: arrays in a .safetensors file, with JSON metadata."""

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentmap.array_files import read_arrays, write_arrays
from latentmap.data.index_checks import check_indices, check_offsets
from latentmap.data.memory import check_memory
from latentmap.errors import FileError
from latentmap.files import check_path

# Version of the format that is written; all versions up to it are read.
FORMAT = 1
_DESCRIPTION_TYPES = {"format": object, "distance": str, "model": str | None, "rows": str | None}
# Names of the distances in a file.
_DISTANCE_IN_FILE = {"euclidean": "plain", "angular": "angle"}


@dataclass(frozen=True)
class IndexContents:
    """Contents of an index file."""

    codes: np.ndarray
    labels: np.ndarray | None
    names: Sequence[str] | None
    distance: str
    model_fingerprint: str | None
    rows_fingerprint: str | None


def write_index(path: str | os.PathLike[str], contents: IndexContents) -> None:
    """Write an index file."""
    arrays = {"codes": np.ascontiguousarray(contents.codes, np.float32)}
    if contents.labels is not None:
        arrays |= _label_arrays(contents.labels)
    if contents.names is not None:
        arrays |= _string_arrays("names", contents.names)
    distance = _DISTANCE_IN_FILE.get(contents.distance, contents.distance)
    fingerprints = {"model": contents.model_fingerprint, "rows": contents.rows_fingerprint}
    write_arrays(path, "index", {"format": FORMAT, "distance": distance, **fingerprints}, arrays)


def read_index(path: str | os.PathLike[str]) -> IndexContents:
    """Read an index file."""
    path = check_path(path)
    check_memory(str(path), 2 * path.stat().st_size if path.is_file() else 0)
    description, arrays = read_arrays(path, "index", FORMAT)
    try:
        _check_description(description)
        codes = arrays["codes"]
        labels = _labels(arrays, len(codes))
        names = _read_strings("names", arrays, len(codes)) if "names/ends" in arrays else None
    except (LookupError, TypeError, ValueError) as error:
        raise FileError(f"{path}: the index is damaged ({error})") from None
    kinds = {name_in_file: kind for kind, name_in_file in _DISTANCE_IN_FILE.items()}
    distance = description["distance"]
    fingerprints = description["model"], description["rows"]
    return IndexContents(codes, labels, names, kinds.get(distance, distance), *fingerprints)


def _check_description(description: dict[str, Any]) -> None:
    for key, kind in _DESCRIPTION_TYPES.items():
        if not isinstance(description[key], kind):
            raise TypeError(f"{key}: expected a string, found {description[key]!r}")
    if len(description) > len(_DESCRIPTION_TYPES):
        raise ValueError("description: expected only known entries")


def _label_arrays(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return integer labels unchanged, and string labels as class indices and class names."""
    if labels.dtype.kind in "biu":
        return {"labels": labels.astype(np.int64)}
    classes, numbers = np.unique(labels.astype(str), return_inverse=True)
    return {"labels": numbers.astype(np.int64), **_string_arrays("classes", classes.tolist())}


def _labels(arrays: dict[str, np.ndarray], count: int) -> np.ndarray | None:
    if "labels" not in arrays:
        return None
    numbers = arrays["labels"]
    if numbers.dtype != np.int64 or numbers.shape != (count,):
        raise ValueError(f"labels: expected one for each of {count} rows, found {numbers.shape}")
    if "classes/ends" not in arrays:
        return numbers
    classes = _read_strings("classes", arrays, len(arrays["classes/ends"]))
    check_indices("labels", numbers, len(classes))
    # An object array does not pad every label to the length of the longest one.
    return np.array(classes, dtype=object)[numbers]


def _string_arrays(name: str, strings: Sequence[str]) -> dict[str, np.ndarray]:
    parts = [str(text).encode("utf-8", "surrogateescape") for text in strings]
    end_offsets = np.cumsum([len(part) for part in parts], dtype=np.int64)
    return {f"{name}/bytes": np.frombuffer(b"".join(parts), np.uint8), f"{name}/ends": end_offsets}


def _read_strings(name: str, arrays: dict[str, np.ndarray], count: int) -> list[str]:
    data, end_offsets = arrays[f"{name}/bytes"], arrays[f"{name}/ends"]
    if data.dtype != np.uint8 or data.ndim != 1 or end_offsets.dtype != np.int64:
        raise ValueError(f"{name}: expected bytes and end positions, found other types")
    offsets = check_offsets(name, np.append(0, end_offsets), count, len(data)).tolist()
    if offsets[-1] != len(data):
        raise ValueError(f"{name}: expected end positions that match the bytes")
    content = data.tobytes()
    return [content[i:j].decode("utf-8", "replace") for i, j in itertools.pairwise(offsets)]
