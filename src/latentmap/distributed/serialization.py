"""How things reach workers: once, through Ray's object store, not with every task.

A memory-mapped array travels as the place of its file: its bytes are read where they are used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from latentmap.data.sources import ArraySource, CachedSource
from latentmap.errors import SettingError

__all__ = ["ship"]


def ship(thing: Any, custom: str) -> Any:
    """Put a thing where all workers can take it from.

    Parameters
    ----------
    thing : object
    custom : str
        The setting that is to blame if this is impossible.

    Returns
    -------
    ray.ObjectRef

    Raises
    ------
    SettingError
        If it holds something that cannot leave this process.
    """
    import ray
    from ray import util

    for kind in (ArraySource, CachedSource):
        util.register_serializer(kind, serializer=_packed, deserializer=_unpacked)
    try:
        return ray.put(thing)
    except (TypeError, AttributeError, ValueError) as error:
        about = str(error.__cause__ or error).strip().split("\n")[0]
        raise SettingError(
            f"{custom}: expected something that can be sent to other processes, but {about}"
        ) from None


def _packed(source: ArraySource) -> dict[str, Any]:
    """Take a source apart; of a mapped array only where it lies, and of a copy no original."""
    told = dict(source.__dict__)
    told.pop("_original", None)
    if mapped := _mapped(source.array):
        told["array"] = told["_mapped"] = mapped
    return told


def _unpacked(told: dict[str, Any]) -> ArraySource:
    if isinstance(told["array"], tuple):
        path, dtype, offset, shape, order = told["array"]
        told["_mapped"] = np.memmap(path, dtype, "r", offset, shape, order)
        told["array"] = np.asarray(told["_mapped"])
    source = object.__new__(ArraySource)
    source.__dict__.update(told)
    return source


def _mapped(array: np.ndarray) -> tuple | None:
    """Tell the file, type, offset, shape and order of a whole or cut memory map."""
    base: Any = array
    while base is not None and not (isinstance(base, np.memmap) and base.filename):
        base = base.base
    if base is None or not (array.flags.c_contiguous or array.flags.f_contiguous):
        return None
    while isinstance(base.base, np.memmap):
        base = base.base
    offset = (
        base.offset + array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    )
    order = "C" if array.flags.c_contiguous else "F"
    return str(Path(base.filename).absolute()), array.dtype.str, offset, array.shape, order
