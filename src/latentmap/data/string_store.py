"""Storage of millions of file names in constant memory."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np
from numpy.typing import DTypeLike

from latentmap.data.memmap import TemporaryArrayFile, page_sized_slices, release_pages

if TYPE_CHECKING:
    from _typeshed import SupportsRichComparison

BLOCK_LENGTH = 2**12
MAX_BYTES_IN_MEMORY = 2**20
MAX_SORTED_STRINGS = 2**18


class StringStore(Sequence[str]):
    """Immutable sequence of strings; a long sequence is stored in a temporary file."""

    def __init__(self, strings: Iterable[str]) -> None:
        with TemporaryArrayFile() as stored_bytes, TemporaryArrayFile() as ends:
            count = end = 0
            for block in _blocks(strings, BLOCK_LENGTH):
                parts = [text.encode("utf-8", "surrogateescape") for text in block]
                ends.write(end + np.cumsum([len(part) for part in parts], dtype=np.int64))
                stored_bytes.write(np.frombuffer(b"".join(parts), np.uint8))
                end += sum(map(len, parts))
                count += len(parts)
            self._bytes = _load_if_small(stored_bytes, np.uint8, end)
            self._ends = _load_if_small(ends, np.int64, count)

    @classmethod
    def sort(cls, strings: Iterable[str], key: Callable[[str], SupportsRichComparison]) -> Self:
        """Sort strings by an external merge sort."""
        sorted_blocks = [
            cls(sorted(block, key=key)) for block in _blocks(strings, MAX_SORTED_STRINGS)
        ]
        return (
            sorted_blocks[0]
            if len(sorted_blocks) == 1
            else cls(heapq.merge(*sorted_blocks, key=key))
        )

    def __getstate__(self) -> dict[str, Any]:
        # Another process cannot open the temporary files.
        return {name: np.array(array) for name, array in self.__dict__.items()}

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), BLOCK_LENGTH):
            yield from self.take(range(start, min(start + BLOCK_LENGTH, len(self))))

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        numbers = range(len(self))[index]
        if isinstance(numbers, int):
            return self.take([numbers])[0]
        return self.take(numbers)

    def take(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        """Return the strings at indices from 0 to n - 1."""
        indices = np.asarray(indices, np.intp)
        stored_bytes, strings = np.asarray(self._bytes).data, []
        for part in page_sized_slices(indices, BLOCK_LENGTH):
            block_indices = indices[part]
            starts, ends = (
                np.where(block_indices > 0, self._ends[block_indices - 1], 0),
                self._ends[block_indices],
            )
            strings += [
                str(stored_bytes[start:end], "utf-8", "surrogateescape")
                for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
            ]
            for array in (self._bytes, self._ends):
                release_pages(array)
        return strings


def _load_if_small(file: TemporaryArrayFile, dtype: DTypeLike, count: int) -> np.ndarray:
    if count == 0:
        return np.empty(0, dtype)
    array = file.mapped(dtype)
    return array if array.nbytes > MAX_BYTES_IN_MEMORY else np.array(array)


def _blocks(strings: Iterable[str], size: int) -> Iterator[list[str]]:
    remaining_strings = iter(strings)
    while block := list(islice(remaining_strings, size)):
        yield block
