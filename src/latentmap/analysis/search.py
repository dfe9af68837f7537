"""The nearest rows by code, and an index file that answers without reading the rows again.

What is kept is what faiss builds its index from, not faiss's own file: rebuilding takes less than a
second for a million codes, and a file of plain arrays can be checked and executes nothing.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple, Self

import numpy as np

from latentmap.analysis.distance import CodeDistance, check_code_matrix, code_blocks
from latentmap.analysis.index_files import Contents, read_index, write_index
from latentmap.analysis.model_info import ModelInfo
from latentmap.data.string_store import StringStore
from latentmap.errors import DataError, FileError, SettingError
from latentmap.preprocessing.neighbors import CELL_ROWS, NeighborIndex, drop_self
from latentmap.progress import progress

__all__ = ["Found", "SearchIndex"]

EXACT_PAIRS = 2**31
"""Up to so many distances are all computed, in seconds; more are searched cell by cell."""
CELLS = 64
_BLOCK = 4096
_READ = 2**20
"""Codes that are placed at a time, where all are compared and they are more."""


class Found(NamedTuple):
    """What `SearchIndex.search` gives, nearest first.

    Attributes
    ----------
    rows : ndarray of shape (n, k)
        Row numbers, int64.
    distances : ndarray of shape (n, k)
        float32; see `CodeDistance`.
    """

    rows: np.ndarray
    distances: np.ndarray


class SearchIndex:
    """The codes of rows, to be searched for those nearest to others.

    Parameters
    ----------
    codes : array-like of shape (n, n_components)
        Of the rows to search among: ``model.transform(rows)``, of any model.
    labels : array-like of shape (n,), optional
    names : sequence of str, optional
        One a row, such as the images' file names.
    distance : {"auto", "plain", "angle"}
        See `CodeDistance`.
    model : str, optional
        The fingerprint of the model that made the codes, ``model.fingerprint()``: kept in the file,
        so that it is never searched with the codes of another.
    rows : str, optional
        What tells these rows from others, kept in the file.

    Attributes
    ----------
    codes, labels, names, distance, model, rows
        As given; ``distance`` as a `CodeDistance`.

    Raises
    ------
    DataError
        If these are no finite codes, or labels or names are not one a row.

    Examples
    --------
    >>> index = SearchIndex([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]], labels=["a", "b", "c"])
    >>> rows, distances = index.search([[0.9, 0.0]], k=2)
    >>> rows.tolist(), index.labels[rows].tolist(), distances.round(2).tolist()
    ([[1, 0]], [['b', 'a']], [[0.10..., 0.89...]])
    """

    def __init__(
        self,
        codes: Any,
        labels: Any = None,
        names: Any = None,
        *,
        distance: str = "auto",
        model: str | None = None,
        rows: str | None = None,
    ) -> None:
        self.codes = check_code_matrix("codes", codes)
        self.labels = None if labels is None else np.asarray(labels)
        self.names = None if names is None else StringStore(map(str, names))
        self.distance = CodeDistance(self.codes, distance)
        self.model, self.rows = model, rows
        for what, values in (("labels", self.labels), ("names", self.names)):
            if values is not None and (found := _shape(values)) != (len(self.codes),):
                raise DataError(f"{what}: expected one for each of {len(self)} rows, found {found}")
        self._built: dict[int, NeighborIndex] = {}

    def __len__(self) -> int:
        return len(self.codes)

    def search(self, codes: Any, k: int = 10, own: Any = None, task: str = "") -> Found:
        """Find the k nearest rows of each code.

        Parameters
        ----------
        codes : array-like of shape (n, n_components)
            Of the same model.
        k : int
            At most as many as there are rows.
        own : array-like of shape (n,), optional
            Where the codes are of rows of the index: their numbers there. Nobody is its own
            neighbour then, but a row exactly like it is. −1 for a code that is none of these.
        task : str
            With one, a bar of this name shows how far it has come.

        Returns
        -------
        Found
            ``rows`` and ``distances``, each (n, k), nearest first. Exact up to 2 thousand million
            pairs of codes; of more, about 99 in 100 are the true ones, the same ones every time.

        Raises
        ------
        DataError
            If codes have another width.
        SettingError
            If ``k`` is below 1 or too large.

        Notes
        -----
        Exact search and cells (k-means, of which the nearest 64 are looked into) by faiss (M. Douze
        et al., "The Faiss library", 2024).
        """
        codes = check_code_matrix("codes", codes, self.codes.shape[1])
        own = None if own is None else _own(own, len(codes), len(self))
        self._check_k(k, len(self) - (own is not None))
        points = self.distance.points(codes)
        near = self._nearest(points, k + (own is not None), task)
        if own is not None:
            near = drop_self(near, own)
        return self._in_order(points, near)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to one .safetensors file: codes, labels and names.

        Parameters
        ----------
        path : path-like

        Raises
        ------
        FileError
            If the place cannot be written.
        """
        told = {"distance": self.distance.kind, "model": self.model, "rows": self.rows}
        write_index(path, Contents(self.codes, self.labels, self.names, told))

    @classmethod
    def load(cls, path: str | os.PathLike[str], model: Any = None) -> Self:
        """Read an index from a file. Nothing in it is executed.

        Parameters
        ----------
        path : path-like
        model : fitted estimator, optional
            The one whose codes will be looked for: an index of another model's is refused.

        Returns
        -------
        SearchIndex

        Raises
        ------
        FileError
            If the file is missing, cut short, no index, or of another model.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "index.safetensors"
        >>> SearchIndex([[0.0, 0.0], [3.0, 4.0]], names=["a.png", "b.png"]).save(path)
        >>> SearchIndex.load(path).search([[3.0, 3.0]], k=1).rows.tolist()
        [[1]]
        """
        contents = read_index(path)
        try:
            index = cls(contents.codes, contents.labels, contents.names, **contents.told)
        except (DataError, SettingError, TypeError) as error:
            raise FileError(f"{path}: the index is damaged ({error})") from None
        if model is not None:
            index.check_model(model, str(path))
        return index

    def check_model(self, model: Any, name: str = "the index") -> None:
        """Refuse another model than the one that made the codes."""
        width, found = self.codes.shape[1], ModelInfo.from_estimator(model).n_components
        if found != width:
            raise FileError(
                f"{name}: expected codes of {found} numbers, as the model makes, found {width}"
            )
        if self.model is not None and self.model != model.fingerprint():
            raise FileError(
                f"{name}: expected an index of this model, found one that another model made"
            )

    def _check_k(self, k: int, most: int) -> None:
        if not isinstance(k, int | np.integer) or not 1 <= k <= most:
            raise SettingError(f"k: expected an integer from 1 to {most:,} rows, found {k}")

    def _nearest(self, points: np.ndarray, k: int, task: str) -> np.ndarray:
        """Choose whether all pairs are compared, and search."""
        all_pairs = len(self) * len(points) <= EXACT_PAIRS or 4 * k > CELLS * CELL_ROWS
        if all_pairs and len(self) > _READ:
            return self._nearest_of_blocks(points, k, task)
        return self._neighbors(0 if all_pairs else CELLS, task).search(points, k, task)

    def _neighbors(self, cells: int, task: str) -> NeighborIndex:
        """Build once what a search needs."""
        if cells not in self._built:
            with progress("Sorting the codes into cells", 1, bool(task and cells)) as advance:
                self._built[cells] = NeighborIndex(self.distance.points(self.codes), 0, cells)
                advance(1)
        return self._built[cells]

    def _nearest_of_blocks(self, points: np.ndarray, k: int, task: str) -> np.ndarray:
        """Compare with all codes, block by block: very many are not placed all at once."""
        near = np.empty((len(points), 0), np.int64)
        with progress(task, len(self), bool(task)) as advance:
            for start, block in code_blocks(self.codes, _READ):
                some = NeighborIndex(self.distance.points(block), 0, 0)
                found = start + some.search(points, min(k, len(block)))
                near = self._in_order(points, np.hstack([near, found])).rows[:, :k]
                advance(len(block))
        return near

    def _in_order(self, points: np.ndarray, near: np.ndarray) -> Found:
        """Measure what was found anew: faiss subtracts large squares, which loses digits."""
        distances = np.empty(near.shape, np.float32)
        for start in range(0, len(near), _BLOCK):
            part = slice(start, start + _BLOCK)
            there = self.distance.points(self.codes[near[part].ravel()])
            apart = points[part, None] - there.reshape(*near[part].shape, -1)
            distances[part] = np.sqrt(np.einsum("ijk,ijk->ij", apart, apart))
        order = np.argsort(distances, axis=1, kind="stable")
        return Found(*(np.take_along_axis(array, order, axis=1) for array in (near, distances)))


def _shape(values: np.ndarray | StringStore) -> tuple[int, ...]:
    return (len(values),) if isinstance(values, StringStore) else values.shape


def _own(own: Any, count: int, most: int) -> np.ndarray:
    numbers = np.asarray(own)
    if numbers.shape != (count,) or numbers.dtype.kind not in "iu":
        found = f"{numbers.dtype} of shape {numbers.shape}"
        raise DataError(f"own: expected a row's number for each of {count} codes, found {found}")
    if numbers.max() >= most or numbers.min() < -1:
        raise DataError(f"own: expected row numbers below {most}, found {numbers.max()}")
    return numbers
