"""Open the query rows and the reference rows of `similar` and `compare`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from latentmap.analysis import SearchIndex
from latentmap.analysis.encoding import numeric_rows
from latentmap.analysis.model_info import ModelInfo
from latentmap.analysis.table_rows import TableRows
from latentmap.cli.console import print_message
from latentmap.cli.model_arguments import Estimator, check_columns
from latentmap.cli.row_selection import fingerprint, open_rows, select_row, split_row_number
from latentmap.cli.streaming import encode_rows
from latentmap.cli.table_arguments import options_for
from latentmap.data import Source
from latentmap.data.images import ImageFolderSource
from latentmap.errors import FileError, SettingError

_MAX_SPREAD_ROWS, _MAX_SPREAD_NUMBERS = 2000, 2**22


@dataclass(frozen=True)
class Query:
    """Query rows, and the data that they belong to."""

    text: str
    rows: Source
    data: Source

    @property
    def numbers(self) -> list[int]:
        """The number of each row in its data."""
        return [self.rows.original_index(i) for i in range(len(self.rows))]


@dataclass(frozen=True)
class Reference:
    """Rows to search: an index of their codes, and the rows if they are available."""

    index: SearchIndex
    rows: Source | None
    name: str

    def select(self, model: Estimator, numbers: np.ndarray) -> np.ndarray:
        """Return rows by their numbers, decoded from their codes if the rows are not available."""
        unique, inverse = np.unique(numbers, return_inverse=True)
        if self.rows is None:
            rows = np.asarray(model.inverse_transform(self.index.codes[unique]))
        else:
            rows = numeric_rows(model, self.rows)[unique].reshape(len(unique), *model.row_shape_)
        return rows[inverse.ravel()]

    def select_table_rows(self, model: Estimator, numbers: np.ndarray) -> TableRows:
        """Return rows of a table by their numbers, decoded if the rows are not available."""
        if self.rows is None:
            return TableRows.decode(model, self.index.codes[numbers])
        return TableRows.read(model, self.rows.subset(numbers))

    def column_spread(self, model: Estimator) -> np.ndarray | None:
        """Return the standard deviation of each column, from a sample; None for images."""
        if ModelInfo.from_estimator(model).has_image_rows:
            return None
        size = max(2, min(_MAX_SPREAD_ROWS, _MAX_SPREAD_NUMBERS // model.row_shape_[0]))
        sample = np.unique(np.linspace(0, len(self.index) - 1, size).astype(int))
        return np.std(self.select(model, sample), axis=0, dtype=np.float64)

    def find_rows(self, query: Query) -> np.ndarray | None:
        """Return the numbers of the query's rows in this data; None if it has other rows."""
        if self.index.rows_fingerprint == fingerprint(query.data):
            return np.array(query.numbers)
        return self._find_image(query.rows)

    def _find_image(self, image: Source) -> np.ndarray | None:
        """Return the number of an image file in this folder of images."""
        rows = self.rows
        if not (isinstance(image, ImageFolderSource) and isinstance(rows, ImageFolderSource)):
            return None
        path, folder = (image.folder / image.paths[0]).resolve(), rows.folder.resolve()
        name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else None
        is_member = len(image) == 1 and name in rows.paths
        return np.array([rows.paths.index(str(name))]) if is_member else None


def open_query(
    model: Estimator,
    text: str,
    label: str | None = None,
    label_required: bool = False,
    previous: Query | None = None,
) -> Query:
    """Open the query rows; data that the query ``previous`` has opened is not read again."""
    data, number = split_row_number(text)
    check_label = label_required and label is not None
    if previous is not None and split_row_number(previous.text)[0] == data and not check_label:
        data_rows = previous.data
    else:
        model_label = ModelInfo.from_estimator(model).label_column
        default_label = model_label if label_required else label or model_label
        required = label if label_required else None
        data_rows = open_rows(data, required, default_label, options_for(model))
    rows = data_rows if number is None else select_row(data_rows, number, text)
    check_columns(model, rows)
    return Query(text, rows, data_rows)


def open_reference(
    model: Estimator,
    query: Query,
    reference: str | None,
    index: Path | None,
    label: str | None = None,
    max_rows: int | None = None,
) -> Reference:
    """Open the rows to search: those of an index, of ``reference``, or of the query's data.

    If both ``reference`` and ``index`` are given, the index must contain the codes of these rows.
    Without an index, at most ``max_rows`` rows are sampled.
    """
    search_index = None if index is None else SearchIndex.load(index, model)
    if reference is None and search_index is not None:
        return Reference(search_index, None, Path(str(index)).name)
    if reference is None:
        rows = _default_rows(model, query)
    else:
        rows = open_query(model, reference, label, label_required=True, previous=query).rows
    if search_index is None:
        rows = rows if max_rows is None else rows.sample(max_rows)
        return Reference(_build_index(model, rows), rows, rows.name)
    if search_index.rows_fingerprint != fingerprint(rows):
        raise FileError(f"{index}: expected an index of {rows.name}, found an index of other rows")
    return Reference(search_index, rows, rows.name)


def _default_rows(model: Estimator, query: Query) -> Source:
    """Return the data of the query or, if that is one row, the data the model was fitted to."""
    if len(query.data) > 1:
        return query.data
    data_set = ((model.fit_report_ or {}).get("held_out") or {}).get("data_set")
    if data_set is None:
        raise SettingError(
            f"{query.text}: expected --reference DATA or --index FILE, found neither"
        )
    print_message(f"Searching {data_set}, the data that the model was fitted to")
    return open_query(model, data_set).rows


def _build_index(model: Estimator, rows: Source) -> SearchIndex:
    names = None
    if isinstance(rows, ImageFolderSource):  # File names may contain bytes that are not UTF-8.
        names = (name.encode("utf-8", "replace").decode() for name in rows.paths)
    fingerprints = {
        "model_fingerprint": model.fingerprint(),
        "rows_fingerprint": fingerprint(rows),
    }
    return SearchIndex(encode_rows(model, rows), rows.labels, names, **fingerprints)
