"""Single cells: AnnData objects as rows of numbers, with the annotations of cells as metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from latentmap.data.array_checks import as_numbers
from latentmap.data.memory import check_memory
from latentmap.data.sources import ArraySource, Source
from latentmap.data.sparse import SparseSource, as_csr, is_sparse
from latentmap.data.tables import Table
from latentmap.data.types import csr_array
from latentmap.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

COUNTS_PER_CELL = 10_000
LOG_NORMALIZED = (
    f"counts, divided by the total of each cell, times {COUNTS_PER_CELL:,}, as log(1 + x)"
)


def is_anndata(data: object) -> TypeGuard[AnnData]:
    """Return whether an object is an AnnData, without importing the package."""
    return any(
        kind.__name__ == "AnnData" and kind.__module__.partition(".")[0] == "anndata"
        for kind in type(data).__mro__
    )


def from_anndata(
    data: AnnData,
    *,
    label: str | None = None,
    layer: str | None = None,
    obsm: str | None = None,
    name: str = "the AnnData object",
) -> Source:
    """Return the cells of an AnnData object as rows.

    Estimators accept AnnData objects directly and fit ``.X``.

    Parameters
    ----------
    data : AnnData
    label : str, optional
        The column of ``obs`` that holds labels.
    layer, obsm : str, optional
        The layer, or the entry of ``obsm``, to read instead of ``.X``.
    name : str
        Used in messages.

    Returns
    -------
    Source
        Rows of numbers, which stay sparse if the matrix is sparse; the name and the ``obs`` columns
        of each cell are the metadata. If all values of ``.X`` or of a layer are counts, the cells
        are log-normalised: log(1 + 10,000 · count / total of the cell).

    Raises
    ------
    UnknownNameError
        If there is no such layer, entry or column.
    DataError
        If there is no matrix, or it does not hold rows of numbers.

    Examples
    --------
    >>> import pytest
    >>> anndata = pytest.importorskip("anndata")
    >>> cells = from_anndata(anndata.AnnData(np.array([[1.0, 3.0], [0.0, 5.0]])))
    >>> np.expm1(cells[:]).round().tolist()
    [[2500.0, 7500.0], [0.0, 10000.0]]
    >>> cells.metadata.feature_names
    ['cell']
    """
    matrix = select_matrix(data.layers, data.obsm, data.X, layer, obsm, name)
    if not is_sparse(matrix) and not isinstance(matrix, np.ndarray) and obsm is None:
        matrix = _load(matrix, name)
    names = None if obsm is not None else [*map(str, data.var_names)]
    return make_cells(matrix, names, data.obs, label, name)


def select_matrix(
    layers: Any, obsm: Any, x: Any, layer: str | None, entry: str | None, name: str
) -> Any:
    """Return the layer or the entry of ``obsm`` with a given name, or X if neither is given."""
    if layer is not None and entry is not None:
        raise DataError(f"{name}: expected a layer or an entry of obsm, found both")
    for kind, key, group in (("layer", layer, layers), ("entry of obsm", entry, obsm)):
        if key is not None:
            if key not in group:
                raise UnknownNameError(kind, key, list(group))
            return group[key]
    if x is None:
        names = ", ".join([*layers, *obsm]) or "none"
        raise DataError(f"{name}: expected a matrix .X, found none: give a layer or obsm ({names})")
    return x


def _load(matrix: Any, name: str) -> np.ndarray | csr_array:
    """Read a matrix of a backed AnnData object from its file."""
    if hasattr(matrix, "to_memory"):
        return matrix.to_memory()
    check_memory(name, 4 * int(np.prod(matrix.shape)))
    return as_numbers(name, matrix[:])


def make_cells(
    matrix: Any, names: list[str] | None, obs: pd.DataFrame, label: str | None, name: str
) -> Source:
    """Return a matrix as cells; ``names`` are its genes, or None if the columns are not genes."""
    if names is not None and len(set(names)) < len(names):
        raise DataError(
            f"{name}: expected distinct gene names, found repeated ones: call "
            "var_names_make_unique()"
        )
    if is_sparse(matrix):
        matrix = as_csr(name, matrix)
    else:
        matrix = as_numbers(name, getattr(matrix, "to_numpy", lambda: matrix)())
    notes: tuple[str, ...] = ()
    if names is not None and are_counts(matrix):
        matrix, notes = log_normalize(matrix), (LOG_NORMALIZED,)
    source_type = SparseSource if is_sparse(matrix) else ArraySource
    rows: Source = source_type(matrix, feature_names=names, name=name)
    rows.metadata = Table(_with_cell_names(obs), label=label, name=name)
    rows.labels, rows.notes = rows.metadata.labels, notes
    return rows


def _with_cell_names(obs: pd.DataFrame) -> pd.DataFrame:
    """Return the annotations of cells with the names of the cells as the first column."""
    name = "cell"
    while name in obs.columns:
        name += "_"
    return obs.rename_axis(index=name).reset_index()


def are_counts(matrix: np.ndarray | csr_array) -> bool:
    """Return whether all values are whole numbers of at least 0, and one of them is above 1.

    Examples
    --------
    >>> are_counts(np.array([[0.0, 3.0]])), are_counts(np.array([[0.5]]))
    (True, False)
    """
    values: Any = matrix.data if is_sparse(matrix) else matrix
    if values.size == 0 or values.dtype.kind not in "uif" or values.max() <= 1 or values.min() < 0:
        return False
    is_whole = values.dtype.kind in "ui" or (np.floor(values) == values).all()
    return bool(is_whole and values.max() < np.inf)


def log_normalize(matrix: np.ndarray | csr_array) -> np.ndarray | csr_array:
    """Return log(1 + 10,000 · x / total of the row), float32; a row of zeros stays as it is."""
    totals = np.asarray(matrix.sum(axis=1, dtype=np.float64)).reshape(-1)
    factors = COUNTS_PER_CELL / np.where(totals > 0, totals, 1.0)
    if not is_sparse(matrix):
        return np.log1p(matrix * factors[:, None]).astype(np.float32)
    rows = matrix.tocsr()
    values = np.log1p(rows.data * np.repeat(factors, np.diff(rows.indptr))).astype(np.float32)
    return type(rows)((values, rows.indices, rows.indptr), shape=rows.shape)
