"""`Source`: the interface of all rows. A subclass implements ``take`` and ``__len__`` only."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data import batching, memory
from latentmap.data.array_checks import check_finite, check_labels, check_rows
from latentmap.data.memmap import check_not_truncated, page_sized_slices, release_pages
from latentmap.errors import SettingError
from latentmap.number_checks import check_number, check_seed, format_value

if TYPE_CHECKING:
    from latentmap.data.tables import TableSchema

MAPPED_BLOCK_BYTES = 2**20  # Blocks of this size are read at the full speed of a disk.
# Held-out rows of larger sources are drawn without a permutation of all rows.
MAX_PERMUTED_ROWS = 2**20


class Source(ABC):
    """Rows that are read in batches.

    Attributes
    ----------
    row_shape : tuple of int
        (d,) for tables; (h, w) or (h, w, c) for images.
    dtype : numpy.dtype
        Type of the rows as they are read. Integers are not converted to floats.
    name : str
        A short name for messages, such as ``"rows.csv"``.
    feature_names : list of str or None
        The names of the d columns, if they have names.
    labels : ndarray of shape (n,) or None
        One string or integer for each row. Labels are used for colours and scores, and never for
        training.
    block_starts : ndarray of int or None
        First rows of the blocks that should be read completely, such as the row groups of a Parquet
        file; None if every row is read equally fast.
    is_decoded : bool
        Whether the rows are stored as plain numbers, so that reading them takes no computation.
        False for formats such as tables and image files.
    allow_nan : bool
        Whether a number may be NaN, which marks a missing value.
    table_schema : TableSchema or None
        Columns of a table whose values have any type; its rows are read as pyarrow.Table. None for
        rows of numbers.
    metadata : Source or None
        A table of columns beside rows of numbers, with a row for each of them. It is not fitted;
        the explorer and plots show it.
    notes : tuple of str
        Short phrases about how the rows were read, for a report of one line.
    encoder : TableEncoder or None
        The encoder that computed the numbers, for encoded rows of a table.

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
    allow_nan: bool = False
    table_schema: TableSchema | None = None
    metadata: Source | None = None
    notes: tuple[str, ...] = ()
    encoder: object | None = None

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def take(self, indices: ArrayLike) -> np.ndarray:
        """Return the rows at ``indices``, integers from 0 in any order, as (len(indices), ...)."""

    def __repr__(self) -> str:
        rows = f"{len(self)} rows of shape {self.row_shape}, {self.dtype}"
        return f"<{type(self).__name__} {self.name!r}: {rows}>"

    def __getitem__(self, index: slice | ArrayLike) -> np.ndarray:
        if isinstance(index, slice):
            return self.take(np.arange(*index.indices(len(self))))
        indices = self._as_indices(index)
        if indices.ndim == 0 and self.table_schema is None:
            return self.take(indices[None])[0]
        return self.take(np.atleast_1d(indices))

    @property
    def nbytes(self) -> int:
        """Size of all rows as a dense array, in bytes."""
        return len(self) * self._row_bytes

    @property
    def in_memory(self) -> bool:
        """Whether the rows are an array in memory."""
        return self.is_decoded and self.block_starts is None

    @property
    def _row_bytes(self) -> int:
        return math.prod(self.row_shape) * self.dtype.itemsize

    def batches(self, size: int, *, rng: batching.Rng | None = None) -> Iterator[np.ndarray]:
        """Iterate over all rows once.

        Parameters
        ----------
        size : int
            Rows in a batch; the last may be shorter.
        rng : numpy.random.Generator or RandomState, optional
            Generator of a random order of the rows; by default the order does not change. Sources
            with ``block_starts`` are shuffled within a buffer of about 64 MB of random blocks, so
            that each block is read once. If the rows are not in memory, the next batch is read
            while the caller uses the current one.

        Returns
        -------
        iterator of ndarray of shape (size, ...)

        Raises
        ------
        SettingError
            If ``size`` is below 1.
        """
        check_number("batch size", size, Integral, 1)
        batches = self._batches(size, rng)
        has_one_batch = len(self) <= size
        read_directly = self.in_memory or has_one_batch
        return batches if read_directly else batching.read_ahead(batches)

    def _batches(self, size: int, rng: batching.Rng | None) -> Iterator[np.ndarray]:
        if rng is None:
            return batching.ordered_batches(self.take, len(self), size)
        if self.block_starts is None:
            return batching.shuffled_batches(self.take, len(self), size, rng)
        bounds = np.append(self.block_starts, len(self))
        mean_block = self.nbytes / len(self.block_starts)
        blocks = max(2, int(memory.BUDGET.shuffle_buffer.max_bytes() // mean_block))
        return batching.block_shuffled_batches(self.take, bounds, size, rng, blocks)

    def check(self, batch: np.ndarray, first_row: int) -> None:
        """Raise DataError if a batch of these rows holds NaN, infinity or too large a number.

        Parameters
        ----------
        batch : ndarray of shape (n, ...)
        first_row : int
            Number of its first row. The message names the row by its `original_index`. A table may
            hold any values.
        """
        if self.table_schema is not None:
            return
        if self.allow_nan:
            batch = np.nan_to_num(batch, nan=0.0, posinf=np.inf, neginf=-np.inf)
        check_finite(batch, first_row, self.name, self.feature_names, self.original_index)

    def original_index(self, row: int) -> int:
        """Return the number of a row in the file or array that was opened, from 0."""
        return row

    def subset(self, indices: ArrayLike) -> Source:
        """Return a source of the rows that indices or a boolean mask select, without reading them.

        Examples
        --------
        >>> ArraySource(np.array([[1.0], [2.0], [3.0]])).subset([2, 0])[:].tolist()
        [[3.0], [1.0]]
        """
        from latentmap.data.subsets import RowSubset

        return RowSubset(self, np.atleast_1d(self._as_indices(indices)))

    def split(self, fraction_or_rows: float, seed: int = 0) -> tuple[Source, Source]:
        """Hold out random rows, the same ones for the same seed and number of rows.

        Parameters
        ----------
        fraction_or_rows : float or int
            The fraction (a float between 0 and 1) or the number (an int) of rows to hold out.
        seed : int

        Returns
        -------
        fitted, held_out : Source
            Disjoint sources that together contain all rows, each in the order of this source.

        Raises
        ------
        SettingError
            If one of the two sources would have no rows.

        Examples
        --------
        >>> fitted, held_out = ArraySource(np.arange(10).reshape(10, 1)).split(0.2)
        >>> len(fitted), len(held_out)
        (8, 2)
        """
        check_seed(seed)
        count, rng = self._held_out_rows(fraction_or_rows), np.random.default_rng(seed)
        if len(self) <= MAX_PERMUTED_ROWS:
            held_out = rng.permutation(len(self))[:count]
        else:
            held_out = rng.choice(len(self), count, replace=False, shuffle=False)
        held_out = np.sort(held_out)
        return self._without(held_out), self.subset(held_out)

    def sample(self, max_rows: int, seed: int = 0) -> Source:
        """Return a uniform sample of ``max_rows`` rows in their order, or all rows if fewer exist.

        Examples
        --------
        >>> [len(ArraySource(np.zeros((rows, 1))).sample(4)) for rows in (3, 9)]
        [3, 4]
        """
        check_number("max_rows", max_rows, Integral, 1)
        check_seed(seed)
        return self.split(max_rows, seed)[1] if len(self) > max_rows else self

    def load(self) -> Source:
        """Return the rows as an array in memory, or this source if they do not fit."""
        if self.table_schema is not None or not self.fits_in_memory():
            return self
        rows = self.take(np.arange(len(self)))
        return ArraySource(
            rows, feature_names=self.feature_names, labels=self.labels, name=self.name
        )

    def fits_in_memory(self) -> bool:
        """Return whether all rows need at most 512 MiB and fit into the available memory."""
        n_available_bytes, max_bytes = (
            memory.available_bytes(),
            memory.BUDGET.loaded_rows.max_bytes(),
        )
        return self.nbytes <= (
            max_bytes if n_available_bytes is None else min(max_bytes, n_available_bytes)
        )

    def _without(self, excluded_indices: np.ndarray) -> Source:
        """Return all rows except those at the ascending ``excluded_indices``."""
        from latentmap.data.subsets import RowsWithout

        return RowsWithout(self, excluded_indices)

    def _as_indices(self, index: ArrayLike) -> np.ndarray:
        indices = np.asarray(index)
        if indices.dtype == bool:
            if indices.shape != (len(self),):
                raise IndexError(f"expected a mask of {len(self)} rows, found {indices.shape}")
            return np.flatnonzero(indices)
        indices = indices.astype(np.intp, casting="same_kind" if indices.size else "unsafe")
        if np.any((indices < -len(self)) | (indices >= len(self))):
            raise IndexError(f"{self.name}: expected row indices below {len(self)}")
        return np.where(indices < 0, indices + len(self), indices)

    def _held_out_rows(self, fraction_or_rows: float) -> int:
        if isinstance(fraction_or_rows, int | np.integer):
            count = int(fraction_or_rows)
        elif isinstance(fraction_or_rows, Real) and 0 < fraction_or_rows < 1:
            # Each side has at least one row, even if the fraction is small.
            count = min(max(round(fraction_or_rows * len(self)), 1), len(self) - 1)
        else:
            count = 0
        if not 0 < count < len(self):
            raise SettingError(
                "held-out rows: expected a fraction between 0 and 1 or a number below the "
                f"{len(self)} rows of {self.name}, found {format_value(fraction_or_rows)}"
            )
        return count


class ArraySource(Source):
    """An array in memory, or a memory-mapped file.

    Parameters
    ----------
    array : ndarray of shape (n, ...)
        Real numbers. The array is not copied, and a memory-mapped file is read when rows are taken.
    feature_names : list of str, optional
    labels : array-like of shape (n,), optional
    name : str
        Used in messages.

    Raises
    ------
    DataError
        If these are not rows of numbers, or the number of labels is not the number of rows.

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
        labels: ArrayLike | None = None,
        name: str = "the array",
    ) -> None:
        self.dtype = check_rows(name, array.shape, array.dtype)
        self.array, self.row_shape, self.name = np.asarray(array), array.shape[1:], name
        self._mapped = array
        self.feature_names = feature_names
        self.labels = check_labels(name, labels, len(array))
        if isinstance(array, np.memmap):
            rows = max(1, MAPPED_BLOCK_BYTES // self._row_bytes)
            self.block_starts = np.arange(0, len(array), rows)

    def __len__(self) -> int:
        return len(self.array)

    def take(self, indices: ArrayLike) -> np.ndarray:  # noqa: D102
        indices = np.asarray(indices, dtype=np.intp)
        if self.block_starts is None:
            return self.array[indices].astype(self.dtype, copy=False)
        rows = np.empty((len(indices), *self.row_shape), self.dtype)
        for part in page_sized_slices(indices):
            check_not_truncated(self.name, self._mapped)
            rows[part] = self.array[indices[part]]
            release_pages(self._mapped)
        return rows

    def load(self) -> Source:  # noqa: D102
        return self if self.block_starts is None else super().load()
