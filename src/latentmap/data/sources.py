"""Rows somewhere, read in batches: the one interface behind arrays, tables and image folders.

A subclass says how many rows there are and implements ``take``; batches, shuffling, the held-out
split and loading into memory follow from these two, so that a new kind of data needs no more.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from latentmap.data import batching, memory
from latentmap.data.array_checks import check_finite, check_labels, check_rows
from latentmap.data.memmap import check_not_truncated, page_sized_slices, release_pages
from latentmap.errors import DataError, SettingError

__all__ = ["ArraySource", "CachedSource", "Source", "check_finite"]

_MAPPED_BLOCK_BYTES = 2**20  # large enough that a disk reads it at full speed
_MANY_ROWS = 2**20
"""Of more rows, those held out are drawn without an order of all rows in memory."""


class Source(ABC):
    """Rows somewhere, read in batches.

    Attributes
    ----------
    row_shape : tuple of int
        (d,) for tables; (h, w) or (h, w, c) for images.
    dtype : numpy.dtype
        Of the rows as read; integers stay integers.
    name : str
        A short text for messages, such as ``"rows.csv"``.
    feature_names : list of str or None
        The names of the d columns, where they have names.
    labels : ndarray of shape (n,) or None
        One text or integer a row. Labels never train anything: they colour and they score.
    block_starts : ndarray of int or None
        Where the blocks start that are best read whole (a Parquet file's row groups); None where
        every row is as near as any other.
    raw : bool
        Whether rows lie somewhere as the numbers that they are, so that reading is no work.

    Examples
    --------
    >>> source = ArraySource(np.arange(12).reshape(6, 2))
    >>> source
    <ArraySource 'the array': 6 rows of shape (2,), int64>
    >>> source[1:3].tolist()
    [[2, 3], [4, 5]]
    >>> [len(batch) for batch in source.batches(4)]
    [4, 2]
    """

    row_shape: tuple[int, ...]
    dtype: np.dtype
    name: str
    feature_names: list[str] | None = None
    labels: np.ndarray | None = None
    block_starts: np.ndarray | None = None
    is_decoded: bool = False

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def take(self, indices: Any) -> np.ndarray:
        """Give the rows at ``indices``, integers from 0 in any order, as (len(indices), ...)."""

    def __repr__(self) -> str:
        rows = f"{len(self)} rows of shape {self.row_shape}, {self.dtype}"
        return f"<{type(self).__name__} {self.name!r}: {rows}>"

    def __getitem__(self, index: Any) -> np.ndarray:
        if isinstance(index, slice):
            return self.take(np.arange(*index.indices(len(self))))
        chosen = self._positions(index)
        return self.take(chosen[None])[0] if chosen.ndim == 0 else self.take(chosen)

    @property
    def nbytes(self) -> int:
        """Bytes that all rows take in memory, made dense."""
        return len(self) * self._row_bytes

    @property
    def in_memory(self) -> bool:
        """Whether the rows lie in memory as they are: a batch of them is there at once."""
        return self.is_decoded and self.block_starts is None

    @property
    def _row_bytes(self) -> int:
        return math.prod(self.row_shape) * self.dtype.itemsize

    def batches(self, size: int, *, rng: batching.Rng | None = None) -> Iterator[np.ndarray]:
        """Iterate over all rows once.

        Parameters
        ----------
        size : int
            Rows a batch; the last may be shorter.
        rng : numpy.random.Generator or RandomState, optional
            Without it, rows come in order. With it, they come in an order drawn anew. Sources with
            ``block_starts`` are shuffled within about 64 MB of random blocks at a time, so that
            reading stays sequential. What is not in memory is read ahead: the next batch, while
            one is worked on.

        Returns
        -------
        iterator of ndarray of shape (size, ...)

        Raises
        ------
        SettingError
            If ``size`` is below 1.
        """
        if size < 1:
            raise SettingError(f"batch size: expected at least 1, found {size}")
        batches = self._batches(size, rng)
        return batches if self.in_memory else batching.read_ahead(batches)

    def _batches(self, size: int, rng: batching.Rng | None) -> Iterator[np.ndarray]:
        if rng is None:
            return batching.in_order(self.take, len(self), size)
        if self.block_starts is None:
            return batching.shuffled(self.take, len(self), size, rng)
        bounds = np.append(self.block_starts, len(self))
        mean_block = self.nbytes / len(self.block_starts)
        blocks = max(2, int(memory.BUDGET.shuffle_buffer.max_bytes() // mean_block))
        return batching.shuffled_in_blocks(self.take, bounds, size, rng, blocks)

    def check(self, batch: np.ndarray, first_row: int) -> None:
        """Refuse a batch of these rows that holds NaN, infinity or what float32 cannot hold.

        Parameters
        ----------
        batch : ndarray of shape (n, ...)
        first_row : int
            The index of its first row here.

        Raises
        ------
        DataError
            Naming the row, as it stands in what was opened, the column and the number.
        """
        check_finite(batch, first_row, self.name, self.feature_names, self.original_index)

    def original_index(self, row: int) -> int:
        """Tell where a row stands in what was opened, counted from 0."""
        return row

    def subset(self, indices: Any) -> Source:
        """Give the rows at ``indices`` (or under a mask) as a source of their own, unread as yet.

        Examples
        --------
        >>> ArraySource(np.array([[1.0], [2.0], [3.0]])).subset([2, 0])[:].tolist()
        [[3.0], [1.0]]
        """
        return _Subset(self, np.atleast_1d(self._positions(indices)))

    def split(self, fraction_or_rows: float, seed: int = 0) -> tuple[Source, Source]:
        """Hold some rows out, the same ones for the same seed and number of rows.

        Parameters
        ----------
        fraction_or_rows : float or int
            A float between 0 and 1 is the share to hold out, an int the number of rows.
        seed : int
            Chooses which.

        Returns
        -------
        fitted, held_out : Source
            Disjoint, together everything, each in the order of this source.

        Raises
        ------
        SettingError
            If nothing would be left on one side.

        Examples
        --------
        >>> fitted, held_out = ArraySource(np.arange(10).reshape(10, 1)).split(0.2)
        >>> len(fitted), len(held_out)
        (8, 2)
        """
        count, rng = self._held_out_rows(fraction_or_rows), np.random.default_rng(seed)
        if len(self) <= _MANY_ROWS:
            held = rng.permutation(len(self))[:count]
        else:
            held = rng.choice(len(self), count, replace=False, shuffle=False)
        held = np.sort(held)
        return self._without(held), self.subset(held)

    def sample(self, most: int, seed: int = 0) -> Source:
        """Give a uniform sample of so many rows, in their order, or all where there are no more.

        Examples
        --------
        >>> [len(ArraySource(np.zeros((rows, 1))).sample(4)) for rows in (3, 9)]
        [3, 4]
        """
        return self.split(most, seed)[1] if len(self) > most else self

    def load(self, max_bytes: int | None = None) -> Source:
        """Return the rows as an array in memory, or this source if they do not fit."""
        if not self.fits_in_memory(max_bytes):
            return self
        rows = self.take(np.arange(len(self)))
        return ArraySource(
            rows, feature_names=self.feature_names, labels=self.labels, name=self.name
        )

    def fits_in_memory(self, max_bytes: int | None = None) -> bool:
        """Return whether all rows take at most ``max_bytes`` (512 MiB) and the available memory."""
        available = memory.available_bytes()
        allowed = memory.BUDGET.loaded_rows.max_bytes(max_bytes)
        return self.nbytes <= (allowed if available is None else min(allowed, available))

    def _without(self, left_out: np.ndarray) -> Source:
        """Give all rows but those of these numbers, which rise."""
        return _Without(self, left_out)

    def _positions(self, indices: Any) -> np.ndarray:
        chosen = np.asarray(indices)
        if chosen.dtype == bool:
            if chosen.shape != (len(self),):
                raise IndexError(f"expected a mask of {len(self)} rows, found {chosen.shape}")
            return np.flatnonzero(chosen)
        chosen = chosen.astype(np.intp, casting="same_kind" if chosen.size else "unsafe")
        if np.any((chosen < -len(self)) | (chosen >= len(self))):
            raise IndexError(f"{self.name}: expected row indices below {len(self)}")
        return np.where(chosen < 0, chosen + len(self), chosen)

    def _held_out_rows(self, fraction_or_rows: float) -> int:
        if isinstance(fraction_or_rows, int | np.integer):
            count = int(fraction_or_rows)
        elif 0 < fraction_or_rows < 1:
            # A small share of few rows is still a row.
            count = min(max(round(fraction_or_rows * len(self)), 1), len(self) - 1)
        else:
            count = 0
        if not 0 < count < len(self):
            raise SettingError(
                "held-out rows: expected a fraction between 0 and 1 or a number below the "
                f"{len(self)} rows of {self.name}, found {fraction_or_rows}"
            )
        return count


class ArraySource(Source):
    """An array in memory, or a memory-mapped file.

    Parameters
    ----------
    array : ndarray of shape (n, ...)
        Real numbers. Kept, not copied; a memory-mapped one is read where it lies.
    feature_names : list of str, optional
    labels : array-like of shape (n,), optional
    name : str
        For messages.

    Raises
    ------
    DataError
        If these are not rows of numbers, or the labels are not one a row.

    Examples
    --------
    >>> ArraySource(np.zeros((3, 28, 28), np.uint8), labels=[7, 2, 1])
    <ArraySource 'the array': 3 rows of shape (28, 28), uint8>
    """

    is_decoded = True

    def __init__(
        self,
        array: np.ndarray,
        *,
        feature_names: list[str] | None = None,
        labels: Any = None,
        name: str = "the array",
    ) -> None:
        self.dtype = check_rows(name, array.shape, array.dtype)
        self.array, self.row_shape, self.name = np.asarray(array), array.shape[1:], name
        self._mapped = array
        self.feature_names = feature_names
        self.labels = check_labels(name, labels, len(array))
        if isinstance(array, np.memmap):
            rows = max(1, _MAPPED_BLOCK_BYTES // self._row_bytes)
            self.block_starts = np.arange(0, len(array), rows)

    def __len__(self) -> int:
        return len(self.array)

    def take(self, indices: Any) -> np.ndarray:  # noqa: D102
        indices = np.asarray(indices, dtype=np.intp)
        if self.block_starts is None:
            return self.array[indices].astype(self.dtype, copy=False)
        rows = np.empty((len(indices), *self.row_shape), self.dtype)
        for part in page_sized_slices(indices):
            check_not_truncated(self.name, self._mapped)
            rows[part] = self.array[indices[part]]
            release_pages(self._mapped)
        return rows

    def load(self, max_bytes: int | None = None) -> Source:  # noqa: D102
        return self if self.block_starts is None else super().load(max_bytes)


class CachedSource(ArraySource):
    """A copy, which tells a row's place as the original does."""

    def __init__(self, original: Source, array: np.ndarray) -> None:
        super().__init__(
            array,
            feature_names=original.feature_names,
            labels=original.labels,
            name=original.name,
        )
        self._original = original

    def original_index(self, row: int) -> int:  # noqa: D102
        return self._original.original_index(row)


class _Part(Source):
    """Some rows of another source, read through it: row i is row ``_numbers(i)`` there."""

    def __init__(self, parent: Source) -> None:
        self.parent, self.is_decoded = parent, parent.is_decoded
        self.row_shape, self.dtype, self.name = parent.row_shape, parent.dtype, parent.name
        self.feature_names = parent.feature_names

    @abstractmethod
    def _numbers(self, places: Any) -> np.ndarray: ...

    @property
    def labels(self) -> np.ndarray | None:  # type: ignore[override]
        """Picked from the parent's when asked for: a copy for each part would take memory."""
        labels = self.parent.labels
        return None if labels is None else labels[self._numbers(np.arange(len(self)))]

    @property
    def in_memory(self) -> bool:
        return self.parent.in_memory  # though blocks in another order are no blocks

    def original_index(self, row: int) -> int:
        return self.parent.original_index(int(self._numbers(row)))

    def take(self, indices: Any) -> np.ndarray:
        return self.parent.take(self._numbers(np.asarray(indices, dtype=np.intp)))


class _Subset(_Part):
    """The rows of these numbers, in this order."""

    def __init__(self, parent: Source, indices: np.ndarray) -> None:
        if len(indices) == 0:
            raise DataError(f"{parent.name}: expected at least one row, found none chosen")
        super().__init__(parent)
        self.indices = indices
        # Only where order is kept do the parent's blocks lie one after another here, too.
        if parent.block_starts is not None and np.all(np.diff(indices) > 0):
            self.block_starts = np.unique(np.searchsorted(indices, parent.block_starts))
            self.block_starts = self.block_starts[self.block_starts < len(indices)]

    def __len__(self) -> int:
        return len(self.indices)

    def _numbers(self, places: Any) -> np.ndarray:
        return self.indices[places]


class _Without(_Part):
    """All rows but a few, in their order: what is kept in memory are the few."""

    def __init__(self, parent: Source, left_out: np.ndarray) -> None:
        super().__init__(parent)
        self.length = len(parent) - len(left_out)
        # For each row left out, how many stay before it.
        self._stay_before = left_out - np.arange(len(left_out))
        if parent.block_starts is not None:
            starts = parent.block_starts - np.searchsorted(left_out, parent.block_starts)
            self.block_starts = np.unique(starts[starts < self.length])

    def __len__(self) -> int:
        return self.length

    def _numbers(self, places: Any) -> np.ndarray:
        return places + np.searchsorted(self._stay_before, places, side="right")
