"""The names of very many files, in memory that does not grow with their number.

A list takes about 80 bytes for a short name, and sorting one takes three times that: of ten million
images nothing would be left for the images.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Self, overload

import numpy as np

from latentmap.data.memmap import TemporaryArrayFile, page_sized_slices, release_pages

__all__ = ["StringStore"]

_BLOCK = 2**12
_IN_MEMORY_BYTES = 2**20
_SORTED_AT_ONCE = 2**18


class StringStore(Sequence[str]):
    """Texts in their order, to be read only: those of large folders lie in a file without a name.

    Parameters
    ----------
    texts : iterable of str
        Run through once.

    Examples
    --------
    >>> names = StringStore(f"{i}.png" for i in range(1000))
    >>> len(names), names[17], names[-1], names[2:4]
    (1000, '17.png', '999.png', ['2.png', '3.png'])
    """

    def __init__(self, texts: Iterable[str]) -> None:
        with TemporaryArrayFile() as letters, TemporaryArrayFile() as ends:
            count = end = 0
            for block in _blocks(texts, _BLOCK):
                parts = [text.encode("utf-8", "surrogateescape") for text in block]
                ends.write(end + np.cumsum([len(part) for part in parts], dtype=np.int64))
                letters.write(np.frombuffer(b"".join(parts), np.uint8))
                end += sum(map(len, parts))
                count += len(parts)
            self._letters, self._ends = _kept(letters, np.uint8, end), _kept(ends, np.int64, count)

    @classmethod
    def in_order(cls, texts: Iterable[str], key: Callable[[str], Any]) -> Self:
        """Sort texts, however many, some at a time.

        Examples
        --------
        >>> list(StringStore.in_order(["bb", "a", "ccc"], key=len))
        ['a', 'bb', 'ccc']
        """
        runs = [cls(sorted(block, key=key)) for block in _blocks(texts, _SORTED_AT_ONCE)]
        return runs[0] if len(runs) == 1 else cls(heapq.merge(*runs, key=key))

    def __getstate__(self) -> dict[str, Any]:
        return {name: np.array(held) for name, held in self.__dict__.items()}

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _BLOCK):
            yield from self.take(range(start, min(start + _BLOCK, len(self))))

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
        """Give the texts at these places, 0 to n - 1, in one go.

        Examples
        --------
        >>> StringStore(["a", "bb", "ccc"]).take([2, 0])
        ['ccc', 'a']
        """
        at = np.asarray(indices, np.intp)
        letters, texts = np.asarray(self._letters).data, []
        for part in page_sized_slices(at, _BLOCK):
            some = at[part]
            starts, ends = np.where(some > 0, self._ends[some - 1], 0), self._ends[some]
            texts += [
                str(letters[start:end], "utf-8", "surrogateescape")
                for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
            ]
            for held in (self._letters, self._ends):
                release_pages(held)
        return texts


def _kept(file: TemporaryArrayFile, dtype: Any, count: int) -> np.ndarray:
    """Leave many numbers where they are; take few into memory."""
    if count == 0:
        return np.empty(0, dtype)
    held = file.mapped(dtype)
    return held if held.nbytes > _IN_MEMORY_BYTES else np.array(held)


def _blocks(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    left = iter(texts)
    while block := list(islice(left, size)):
        yield block
