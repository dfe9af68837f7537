"""Files of single cells (.h5ad), read and written by anndata and h5py (the extra ``cells``).

Only the requested matrix and the annotations of the cells are read, after a check of their sizes.
"""

from __future__ import annotations

import contextlib
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.data.cells import from_anndata, make_cells, select_matrix
from latentmap.data.memory import check_memory
from latentmap.data.parse_errors import as_file_error
from latentmap.data.sources import Source
from latentmap.data.sparse_files import Check, read_sparse
from latentmap.data.table_options import TableOptions
from latentmap.errors import FileError, SettingError, UnknownNameError
from latentmap.files import write_atomically

if TYPE_CHECKING:
    import h5py
    from anndata import AnnData
    from scipy.sparse import csr_array

CODES_KEY = "X_latentmap"
_SPARSE_FORMATS = {"csr_matrix": "csr", "csc_matrix": "csc"}
# Assumed memory of a string of variable length. A file states how many strings it has, but not
# how long they are.
_STRING_BYTES = 64
_MAX_DEPTH = 8  # Maximum depth of nested groups, because a file can link a group to its parent.
# Parsers of damaged files raise errors of many types.
_ERRORS = (ValueError, KeyError, TypeError, AttributeError, RuntimeError, IndexError)


def open_h5ad(path: Path, label: str | None, options: TableOptions) -> Source:
    """Read the cells of an .h5ad file; see `latentmap.data.cells.from_anndata`."""
    _import_anndata(path.name)
    with _open(path) as file:
        if _has_old_format(file):
            cells = _read_old_format(file, path.name)
            return from_anndata(
                cells, label=label, layer=options.layer, obsm=options.obsm, name=path.name
            )
        matrix = select_matrix(
            file.get("layers", {}),
            file.get("obsm", {}),
            file.get("X"),
            options.layer,
            options.obsm,
            path.name,
        )
        names = None if options.obsm is not None else _names(file, path.name)
        x, obs = _read_matrix(file, matrix, path.name), _read_element(file, "obs", path.name)
        return make_cells(x, names, obs, label, path.name)


def read_neighbors(path: Path, key: str) -> csr_array:
    """Return the graph of distances ``obsp[key]``, shape (n, n)."""
    _import_anndata(path.name)
    if key.endswith("connectivities"):
        raise SettingError(
            f"obsp {key!r}: expected distances, found similarities: use "
            f"{key.replace('connectivities', 'distances')!r}"
        )
    with _open(path) as file:
        graphs = file.get("obsp", {})
        if key not in graphs:
            raise UnknownNameError("obsp", key, list(graphs))
        return _read_matrix(file, graphs[key], path.name)


def write_codes(output: Path, path: Path, codes: Iterator[np.ndarray]) -> None:
    """Copy an .h5ad file, and add codes of its cells as ``obsm["X_latentmap"]``."""
    anndata = _import_anndata(path.name)
    import h5py

    values = np.concatenate(list(codes))
    with write_atomically(output) as temporary_path:
        shutil.copyfile(path, temporary_path)
        with _open(temporary_path, "r+") as file:
            # Files of anndata before version 0.7 hold ``obsm`` as one structured array.
            if isinstance(obsm := file.get("obsm"), h5py.Dataset):
                entries = obsm[()]
                del file["obsm"]
                anndata.io.write_elem(
                    file, "obsm", {key: entries[key] for key in entries.dtype.names}
                )
            elif obsm is None:
                anndata.io.write_elem(file, "obsm", {})
            anndata.io.write_elem(file["obsm"], CODES_KEY, values)


def _import_anndata(name: str) -> ModuleType:
    try:
        import anndata.io
    except ModuleNotFoundError:
        raise FileError(
            f"{name}: expected the package anndata to read single cells, found no such package: "
            "install latentmap[cells]"
        ) from None
    return anndata


@contextlib.contextmanager
def _open(path: Path, mode: str = "r") -> Iterator[h5py.File]:
    import h5py

    with as_file_error(path.name, "an .h5ad file", *_ERRORS), h5py.File(path, mode) as file:
        yield file


def _has_old_format(file: h5py.File) -> bool:
    """Return whether anndata before version 0.7 wrote the file: ``obs`` is a structured array."""
    import h5py

    return isinstance(file.get("obs"), h5py.Dataset)


def _read_old_format(file: h5py.File, name: str) -> AnnData:
    from anndata.io import read_h5ad

    for key in file:
        _check_size(file, key, name)
    with warnings.catch_warnings(action="ignore"):  # anndata warns of the old format.
        return read_h5ad(file.filename)


def _names(file: h5py.File, name: str) -> list[str]:
    """Return the names of the genes."""
    index = file["var"].attrs.get("_index", "_index")
    _check_size(file["var"], index, name)
    return [str(value) for value in _read(file["var"][index])]


def _read(element: Any) -> Any:
    import h5py
    from anndata.io import read_elem

    is_numeric = isinstance(element, h5py.Dataset) and element.dtype.kind in "biuf"
    return element[()] if is_numeric else read_elem(element)


def _read_element(group: Any, key: str, name: str) -> Any:
    _check_size(group, key, name)
    return _read(group[key])


def _read_matrix(file: h5py.File, matrix: Any, name: str) -> np.ndarray | csr_array:
    """Return a dense or sparse matrix, or the columns of a data frame."""
    if matrix.file.filename != file.filename:
        raise FileError(f"{name}: expected a matrix, found a link to another file")
    parent, key = matrix.parent, matrix.name.rpartition("/")[2]
    encoding = matrix.attrs.get("encoding-type", "")
    if encoding not in _SPARSE_FORMATS:
        return _read_element(parent, key, name)
    _check_size(parent, key, name)
    properties = {
        "format": np.array(_SPARSE_FORMATS[encoding]),
        "shape": np.asarray(matrix.attrs["shape"]),
    }

    def read(array: str, check: Check) -> np.ndarray:
        source = properties.get(array, matrix.get(array))
        check(f"{name}, {matrix.name}, array {array}", source.shape, source.dtype)
        return np.asarray(source[()])

    return read_sparse(read, f"{name}, {matrix.name}")


def _check_size(group: Any, key: str, name: str) -> None:
    """Raise an error if an element does not fit into memory, or refers to another file."""
    check_memory(f"{name}, {group.name}/{key}", 2 * _element_bytes(group, key, name))


def _element_bytes(group: Any, key: str, name: str, depth: int = 0) -> int:
    """Return the size of all arrays of an element in memory."""
    import h5py

    link = group.get(key, getlink=True)
    if depth > _MAX_DEPTH or isinstance(link, h5py.ExternalLink):
        raise FileError(f"{name}, {group.name}/{key}: expected data, found a link to other data")
    element = group[key]
    if isinstance(element, h5py.Group):
        return sum(_element_bytes(element, child, name, depth + 1) for child in element)
    if element.external or element.is_virtual:
        raise FileError(f"{name}, {element.name}: expected data, found a reference to another file")
    item_bytes = _STRING_BYTES if element.dtype.kind == "O" else element.dtype.itemsize
    return element.size * item_bytes
