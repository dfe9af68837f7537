"""Among which rows `similar` searches and `compare` compares, and the index of their codes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentmap.cli.console import say
from latentmap.cli.model_arguments import check_columns
from latentmap.cli.row_selection import chosen_row, fingerprint, open_rows, parted
from latentmap.errors import FileError, SettingError

if TYPE_CHECKING:
    import numpy as np

    from latentmap.analysis import SearchIndex
    from latentmap.data import Source

__all__ = ["Among", "AmongOption", "IndexOption", "Query", "open_query", "surroundings"]

AmongOption = Annotated[
    str | None,
    typer.Option(
        "--among",
        metavar="DATA",
        help="The rows to look among, as in latentmap fit; by default the data that the row is of.",
        show_default=False,
    ),
]
IndexOption = Annotated[
    Path | None,
    typer.Option(
        "--index",
        metavar="FILE",
        help="Look among the rows of an index that latentmap similar --save-index wrote, without "
        "reading them again.",
        show_default=False,
    ),
]
_SPREAD_ROWS, _SPREAD_NUMBERS = 2000, 2**22


@dataclass(frozen=True)
class Query:
    """The rows that the user asked about, and the data that they are of."""

    text: str
    rows: Source
    whole: Source

    @property
    def numbers(self) -> list[int]:
        """Where each row stands in its data."""
        return [self.rows.original_index(i) for i in range(len(self.rows))]

    @property
    def name(self) -> str:
        """What to call them where room is short."""
        return self.rows.name


@dataclass(frozen=True)
class Among:
    """The rows to look among: their codes, and the rows themselves where they are at hand."""

    index: SearchIndex
    rows: Source | None
    name: str

    def taken(self, model: Any, numbers: np.ndarray) -> np.ndarray:
        """Give the rows of these numbers, or what the model makes of their codes."""
        import numpy as np

        chosen, places = np.unique(numbers, return_inverse=True)
        if self.rows is None:
            rows = np.asarray(model.inverse_transform(self.index.codes[chosen]))
        else:
            rows = self.rows[chosen].reshape(len(chosen), *model.row_shape_)
        return rows[places.ravel()]

    def spread(self, model: Any) -> np.ndarray | None:
        """Give the deviation of each column of a table, of some rows; None for images."""
        import numpy as np

        if len(model.row_shape_) > 1:
            return None
        most = max(2, min(_SPREAD_ROWS, _SPREAD_NUMBERS // model.row_shape_[0]))
        chosen = np.unique(np.linspace(0, len(self.index) - 1, most).astype(int))
        return np.std(self.taken(model, chosen), axis=0, dtype=np.float64)

    def own_numbers(self, query: Query) -> np.ndarray | None:
        """Give the numbers that the query's rows have here, or None where they are others."""
        import numpy as np

        if self.index.rows == fingerprint(query.whole):
            return np.array(query.numbers)
        return self._own_image(query.rows)

    def _own_image(self, image: Source) -> np.ndarray | None:
        """Find an image file among those of a folder."""
        import numpy as np

        from latentmap.data.images import ImageFolderSource

        here = self.rows
        if not (isinstance(image, ImageFolderSource) and isinstance(here, ImageFolderSource)):
            return None
        place, folder = (image.folder / image.paths[0]).resolve(), here.folder.resolve()
        inside = place.relative_to(folder).as_posix() if place.is_relative_to(folder) else None
        own = len(image) == 1 and inside in here.paths
        return np.array([here.paths.index(str(inside))]) if own else None


def open_query(
    model: Any,
    text: str,
    label: str | None = None,
    strict: bool = False,
    beside: Query | None = None,
) -> Query:
    """Open the rows that the user asked about.

    The label's column may be missing, unless ``strict``: new rows often have none yet. What was
    opened for ``beside`` is not read again.
    """
    data, number = parted(text)
    named = strict and label is not None  # and so refused where it is not there
    if beside is not None and parted(beside.text)[0] == data and not named:
        whole = beside.whole
    else:
        whole = _open(model, data, label, strict)
    rows = whole if number is None else chosen_row(whole, number, text)
    check_columns(model, rows)
    return Query(text, rows, whole)


def surroundings(
    model: Any,
    query: Query,
    among: str | None,
    index: Path | None,
    label: str | None = None,
    most: int | None = None,
) -> Among:
    """Open what rows are looked for among: an index, data, or the data that they are of.

    Parameters
    ----------
    model : fitted estimator
    query : Query
    among, index : optional
        As the user gave them: both, if the index is of these rows.
    label : str, optional
    most : int, optional
        Of more rows than this, a sample is enough.
    """
    from latentmap.analysis import SearchIndex

    held = None if index is None else SearchIndex.load(index, model)
    if among is None and held is not None:
        return Among(held, None, Path(str(index)).name)
    if among is None:
        rows = _default(model, query)
    else:
        rows = open_query(model, among, label, strict=True, beside=query).rows
    if held is None:
        rows = rows if most is None else rows.sample(most)
        return Among(_encode(model, rows), rows, rows.name)
    if held.rows != fingerprint(rows):
        raise FileError(f"{index}: expected an index of {rows.name}, found one of other rows")
    return Among(held, rows, rows.name)


def _open(model: Any, data: str, label: str | None, strict: bool) -> Source:
    remembered = (model.figures_ or {}).get("label")
    if label is not None and not strict:
        try:
            return open_rows(data, label)
        except SettingError:
            label = None
    return open_rows(data, label, remembered)


def _default(model: Any, query: Query) -> Source:
    """Choose what to look among where the user has not: the row's own data, or what was fitted."""
    if len(query.whole) > 1:
        return query.whole
    named = ((model.figures_ or {}).get("held_out") or {}).get("data_set")
    if named is None:
        raise SettingError(f"{query.text}: expected --among DATA or --index FILE, found neither")
    say(f"Looking among {named}, which the model was fitted to")
    return open_query(model, named).rows


def _encode(model: Any, rows: Source) -> SearchIndex:
    from latentmap.analysis import SearchIndex
    from latentmap.cli.streaming import codes_of
    from latentmap.data.images import ImageFolderSource

    names = None
    if isinstance(rows, ImageFolderSource):  # a file's name may hold bytes that are no text
        names = (name.encode("utf-8", "replace").decode() for name in rows.paths)
    codes = codes_of(model, rows)
    known = {"model": model.fingerprint(), "rows": fingerprint(rows)}
    return SearchIndex(codes, rows.labels, names, **known)
