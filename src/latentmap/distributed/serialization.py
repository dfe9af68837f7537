"""Send objects to workers once, through Ray's object store.

An array that is mapped from a file is sent as the path of the file and an offset.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from latentmap.data.caching import CachedSource
from latentmap.data.sources import ArraySource
from latentmap.errors import SettingError

if TYPE_CHECKING:
    import ray


def put_object(value: object, setting: str) -> ray.ObjectRef:
    """Put an object into Ray's object store; raise SettingError if it cannot be sent."""
    import ray
    from ray import util

    for kind in (ArraySource, CachedSource):
        util.register_serializer(kind, serializer=_pack, deserializer=_unpack)
    try:
        return ray.put(value)
    except (TypeError, AttributeError, ValueError) as error:
        reason = str(error.__cause__ or error).strip().split("\n")[0]
        raise SettingError(
            f"{setting}: expected an object that can be sent to other processes, but {reason}"
        ) from None


class _MappedArray(NamedTuple):
    """Location of a memory-mapped array in a file."""

    path: str
    dtype: str
    offset: int
    shape: tuple[int, ...]
    order: Literal["C", "F"]

    def open(self) -> np.memmap:
        return np.memmap(self.path, self.dtype, "r", self.offset, self.shape, self.order)


def _pack(source: ArraySource) -> dict[str, Any]:
    """Return the attributes of a source; an array in a file is replaced by its location."""
    attributes = dict(source.__dict__)
    attributes.pop("_original", None)
    if mapped_array := _find_mapped_array(source.array):
        attributes["array"] = attributes["_mapped"] = mapped_array
    return attributes


def _unpack(attributes: dict[str, Any]) -> ArraySource:
    if isinstance(attributes["array"], _MappedArray):
        attributes["_mapped"] = attributes["array"].open()
        attributes["array"] = np.asarray(attributes["_mapped"])
    source = object.__new__(ArraySource)
    source.__dict__.update(attributes)
    return source


def _find_mapped_array(array: np.ndarray) -> _MappedArray | None:
    """Return the location of a contiguous array or slice in a mapped file, otherwise None."""
    base: Any = array
    while base is not None and not (isinstance(base, np.memmap) and base.filename):
        base = base.base
    if base is None or not (array.flags.c_contiguous or array.flags.f_contiguous):
        return None
    while isinstance(base.base, np.memmap):
        base = base.base
    address, start = (a.__array_interface__["data"][0] for a in (array, base))
    order: Literal["C", "F"] = "C" if array.flags.c_contiguous else "F"
    path = str(Path(base.filename).absolute())
    return _MappedArray(path, array.dtype.str, base.offset + address - start, array.shape, order)
