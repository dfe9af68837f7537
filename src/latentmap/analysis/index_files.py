"""Files of search indexes: arrays in a .safetensors file, with JSON metadata."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from latentmap.data.memory import check_memory
from latentmap.errors import FileError
from latentmap.files import fingerprint, write_atomically

# Version of the format that is written; all versions up to it are read.
FORMAT = 1
_METADATA_KEY, _CHECKSUM_KEY = "latentmap-index", "sha256"
_METADATA_TYPES = {"distance": str, "model": str | None, "rows": str | None}
# The file format has its own names of the distances.
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
    from safetensors.numpy import save

    arrays = {"codes": np.ascontiguousarray(contents.codes, np.float32)}
    if contents.labels is not None:
        arrays |= _label_arrays(contents.labels)
    if contents.names is not None:
        arrays |= _text_arrays("names", contents.names)
    distance = _DISTANCE_IN_FILE.get(contents.distance, contents.distance)
    description = {
        "distance": distance,
        "model": contents.model_fingerprint,
        "rows": contents.rows_fingerprint,
    }
    text = json.dumps({"format": FORMAT, **description})
    metadata = {_METADATA_KEY: text, _CHECKSUM_KEY: fingerprint({"text": text}, arrays)}
    with write_atomically(path) as temporary:
        temporary.write_bytes(save(arrays, metadata=metadata))


def read_index(path: str | os.PathLike[str]) -> IndexContents:
    """Read an index file."""
    metadata, arrays = _read(Path(path))
    try:
        codes = arrays["codes"]
        labels = _labels(arrays, len(codes))
        names = _texts("names", arrays, len(codes)) if "names/ends" in arrays else None
    except (LookupError, TypeError, ValueError) as error:
        raise FileError(f"{path}: the index is damaged ({error})") from None
    kinds = {stored: kind for kind, stored in _DISTANCE_IN_FILE.items()}
    distance = str(metadata["distance"])
    fingerprints = metadata["model"], metadata["rows"]
    return IndexContents(codes, labels, names, kinds.get(distance, distance), *fingerprints)


def _read(path: Path) -> tuple[dict[str, str | None], dict[str, np.ndarray]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise FileError(f"{path}: no such file")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            description = _parse_metadata(path, metadata)
            check_memory(str(path), 2 * path.stat().st_size)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, UnicodeDecodeError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(
            f"{path}: expected an index file, found another or a truncated file ({error})"
        ) from None
    if fingerprint({"text": metadata[_METADATA_KEY]}, arrays) != metadata.get(_CHECKSUM_KEY):
        raise FileError(f"{path}: the index is damaged (its checksum differs)")
    return description, arrays


def _parse_metadata(path: Path, metadata: dict[str, str]) -> dict[str, str | None]:
    """Return the JSON metadata, or raise if they are not those of an index."""
    if _METADATA_KEY not in metadata:
        found = "a model" if "latentmap" in metadata else "another .safetensors file"
        raise FileError(f"{path}: expected a search index, found {found}")
    try:
        description = dict(json.loads(metadata[_METADATA_KEY]))
        version = int(description.pop("format"))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise FileError(f"{path}: the metadata of the index are damaged") from None
    if version > FORMAT:
        raise FileError(
            f"{path}: expected format {FORMAT} or older, found {version}; upgrade latentmap"
        )
    if set(description) != set(_METADATA_TYPES) or not all(
        isinstance(description[key], kind) for key, kind in _METADATA_TYPES.items()
    ):
        raise FileError(f"{path}: the metadata of the index are damaged")
    return description


def _label_arrays(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return integer labels as they are, and text labels as class numbers and class names."""
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
        raise ValueError("labels refer to classes that do not exist")
    # An object array does not pad every label to the length of the longest one.
    return np.array(classes, dtype=object)[numbers]


def _text_arrays(name: str, texts: Sequence[str]) -> dict[str, np.ndarray]:
    parts = [str(text).encode("utf-8", "surrogateescape") for text in texts]
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    return {f"{name}/bytes": np.frombuffer(b"".join(parts), np.uint8), f"{name}/ends": ends}


def _texts(name: str, arrays: dict[str, np.ndarray], count: int) -> list[str]:
    data, ends = arrays[f"{name}/bytes"], arrays[f"{name}/ends"]
    if data.dtype != np.uint8 or data.ndim != 1 or ends.dtype != np.int64 or ends.shape != (count,):
        raise ValueError(f"expected {count} {name}, found {ends.shape}")
    starts = np.append(0, ends[:-1])
    if (starts > ends).any() or starts.min() < 0 or ends.max(initial=0) != len(data):
        raise ValueError(f"the end positions of {name} do not match their bytes")
    joined = data.tobytes()
    bounds = zip(starts.tolist(), ends.tolist(), strict=True)
    return [joined[start:end].decode("utf-8", "replace") for start, end in bounds]
