"""Search for the rows with the nearest codes."""

import os
from collections.abc import Iterable
from numbers import Integral
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.distance import CodeDistance
from latentmap.analysis.index_files import IndexContents, read_index, write_index
from latentmap.analysis.model_info import ModelInfo, model_fingerprint
from latentmap.data.array_checks import check_labels
from latentmap.data.code_checks import check_codes, code_blocks
from latentmap.data.index_checks import check_indices
from latentmap.data.string_store import StringStore
from latentmap.errors import DataError, FileError, SettingError
from latentmap.number_checks import format_value
from latentmap.preprocessing.neighbors import CELL_ROWS, NeighborIndex, drop_self
from latentmap.progress import progress

# Up to this number of pairs, the search is exact and takes seconds.
MAX_EXACT_PAIRS = 2**31
SEARCHED_CELLS = 64
QUERY_BLOCK = 4096
CODE_BLOCK = 2**20


class Neighbors(NamedTuple):
    """Result of `SearchIndex.search`, nearest rows first.

    Attributes
    ----------
    indices : ndarray of shape (n, k)
        Row numbers, int64.
    distances : ndarray of shape (n, k)
        float32; see `CodeDistance`.
    """

    indices: np.ndarray
    distances: np.ndarray


class SearchIndex:
    """Index for searching the rows with the nearest codes.

    Parameters
    ----------
    codes : array-like of shape (n, n_components)
        Codes of the searched rows: ``model.transform(rows)`` of any model.
    labels : array-like of shape (n,), optional
    names : sequence of n str, optional
        Names of the rows, such as the file names of images.
    distance : {"auto", "euclidean", "angular"}
        See `CodeDistance`.
    model_fingerprint : str, optional
        Fingerprint of the model, ``model.fingerprint()``. It is stored in the file, so that the
        index is not searched with codes of another model.
    rows_fingerprint : str, optional
        Fingerprint of the rows, stored in the file.

    Attributes
    ----------
    codes, labels, names, distance, model_fingerprint, rows_fingerprint
        The parameters; ``distance`` is a `CodeDistance`.

    Raises
    ------
    DataError
        If the codes are not finite, or there is not one label or name for each row.

    Examples
    --------
    >>> index = SearchIndex([[0.0, 0.0], [1.0, 0.0], [5.0, 5.0]], labels=["a", "b", "c"])
    >>> rows, distances = index.search([[0.9, 0.0]], k=2)
    >>> rows.tolist(), index.labels[rows].tolist(), distances.round(2).tolist()
    ([[1, 0]], [['b', 'a']], [[0.10..., 0.89...]])
    """

    def __init__(
        self,
        codes: ArrayLike,
        labels: ArrayLike | None = None,
        names: Iterable[str] | None = None,
        *,
        distance: str = "auto",
        model_fingerprint: str | None = None,
        rows_fingerprint: str | None = None,
    ) -> None:
        self.codes = check_codes(codes, min_rows=1)
        self.labels = check_labels("labels", labels, len(self.codes))
        self.names = None if names is None else StringStore(map(str, names))
        self.distance = CodeDistance(self.codes, distance)
        self.model_fingerprint, self.rows_fingerprint = model_fingerprint, rows_fingerprint
        if self.names is not None and len(self.names) != len(self.codes):
            raise DataError(
                f"names: expected one for each of {len(self)} rows, found {len(self.names)}"
            )
        self._indexes: dict[int, NeighborIndex] = {}

    def __len__(self) -> int:
        return len(self.codes)

    def search(
        self, codes: ArrayLike, k: int = 10, exclude: ArrayLike | None = None, task: str = ""
    ) -> Neighbors:
        """Return the k nearest rows of each code.

        Parameters
        ----------
        codes : array-like of shape (n, n_components)
            Codes of the same model.
        k : int
            From 1 to the number of rows.
        exclude : array-like of shape (n,), optional
            One row number for each code, which is left out of its result, such as the row that the
            code belongs to. −1 leaves out none.
        task : str
            Title of a progress bar; by default there is none.

        Returns
        -------
        Neighbors
            ``indices`` and ``distances``, each of shape (n, k), nearest first. Exact for up to
            2³¹ pairs of codes; for more, about 99 % of the results are the exact ones, and the same
            in every run.

        Raises
        ------
        DataError
            If the codes have another number of components.
        SettingError
            If ``k`` is out of range.

        Notes
        -----
        Exact search, and search in the nearest 64 cells of a k-means partition, are done by faiss
        (M. Douze et al., "The Faiss library", 2024).
        """
        codes = check_codes(codes, self.codes.shape[1], min_rows=1)
        exclude = None if exclude is None else _check_excluded(exclude, len(codes), len(self))
        n_excluded = int(exclude is not None)
        self._check_k(k, len(self) - n_excluded)
        points = self.distance.coordinates(codes)
        indices = self._nearest(points, k + n_excluded, task)
        if exclude is not None:
            indices = drop_self(indices, exclude)
        return self._sort(points, indices)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to one .safetensors file, or raise a FileError."""
        kind = self.distance.kind
        fingerprints = self.model_fingerprint, self.rows_fingerprint
        contents = IndexContents(self.codes, self.labels, self.names, kind, *fingerprints)
        write_index(path, contents)

    @classmethod
    def load(cls, path: str | os.PathLike[str], estimator: object = None) -> Self:
        """Read an index from a file. Nothing in the file is executed.

        A missing, truncated or damaged file raises a FileError. So does an index of another model
        if ``estimator`` is given, the model whose codes will be searched for.

        Examples
        --------
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "index.safetensors"
        >>> SearchIndex([[0.0, 0.0], [3.0, 4.0]], names=["a.png", "b.png"]).save(path)
        >>> SearchIndex.load(path).search([[3.0, 3.0]], k=1).indices.tolist()
        [[1]]
        """
        try:
            index = cls(**vars(read_index(path)))
        except (DataError, SettingError, TypeError) as error:
            raise FileError(f"{path}: the index is damaged ({error})") from None
        if estimator is not None:
            index.check_model(estimator, str(path))
        return index

    def check_model(self, estimator: object, name: str = "the index") -> None:
        """Raise a FileError if the codes were computed by another model."""
        n_components = self.codes.shape[1]
        expected = ModelInfo.from_estimator(estimator).n_components
        if expected != n_components:
            raise FileError(
                f"{name}: expected codes of {expected} components, as the codes of the model, "
                f"found {n_components}"
            )
        if self.model_fingerprint not in (None, model_fingerprint(estimator)):
            raise FileError(
                f"{name}: expected an index of this model, found an index of another model"
            )

    def _check_k(self, k: int, maximum: int) -> None:
        if not isinstance(k, Integral) or isinstance(k, bool) or not 1 <= k <= maximum:
            raise SettingError(
                f"k: expected an integer from 1 to {maximum:,}, the number of rows, "
                f"found {format_value(k)}"
            )

    def _nearest(self, points: np.ndarray, k: int, task: str) -> np.ndarray:
        """Return the k nearest rows, by an exact search unless there are too many pairs."""
        has_few_pairs = len(self) * len(points) <= MAX_EXACT_PAIRS
        is_exact = has_few_pairs or 4 * k > SEARCHED_CELLS * CELL_ROWS
        if is_exact and len(self) > CODE_BLOCK:
            return self._nearest_in_blocks(points, k, task)
        return self._neighbor_index(0 if is_exact else SEARCHED_CELLS, task).search(points, k, task)

    def _neighbor_index(self, n_searched_cells: int, task: str) -> NeighborIndex:
        if n_searched_cells not in self._indexes:
            with progress(
                "Clustering the codes into cells", 1, bool(task and n_searched_cells)
            ) as advance:
                self._indexes[n_searched_cells] = NeighborIndex(
                    self.distance.coordinates(self.codes), 0, n_searched_cells
                )
                advance(1)
        return self._indexes[n_searched_cells]

    def _nearest_in_blocks(self, points: np.ndarray, k: int, task: str) -> np.ndarray:
        """Return the k nearest rows by an exact search of one block of codes after another."""
        indices = np.empty((len(points), 0), np.int64)
        with progress(task, len(self), bool(task)) as advance:
            for start, block in code_blocks(self.codes, CODE_BLOCK):
                block_index = NeighborIndex(self.distance.coordinates(block), 0, 0)
                candidates = start + block_index.search(points, min(k, len(block)))
                indices = self._sort(points, np.hstack([indices, candidates])).indices[:, :k]
                advance(len(block))
        return indices

    def _sort(self, points: np.ndarray, indices: np.ndarray) -> Neighbors:
        """Sort neighbours by recomputed distances, because those of faiss are less precise."""
        distances = np.empty(indices.shape, np.float32)
        for start in range(0, len(indices), QUERY_BLOCK):
            part = slice(start, start + QUERY_BLOCK)
            neighbors = self.distance.coordinates(self.codes[indices[part].ravel()])
            difference = points[part, None] - neighbors.reshape(*indices[part].shape, -1)
            distances[part] = np.sqrt(np.einsum("ijk,ijk->ij", difference, difference))
        order = np.argsort(distances, axis=1, kind="stable")
        return Neighbors(*(np.take_along_axis(a, order, axis=1) for a in (indices, distances)))


def _check_excluded(exclude: ArrayLike, n_codes: int, n_rows: int) -> np.ndarray:
    numbers = np.asarray(exclude)
    if numbers.shape != (n_codes,):
        raise DataError(
            f"exclude: expected a row number for each of {n_codes} codes, "
            f"found shape {numbers.shape}"
        )
    return check_indices("exclude", numbers, n_rows, low=-1)
