"""Which rows a verb works on: those of a file or a name, one of them, fitted or held out.

``DATA#NUMBER`` is one row of DATA, counted from 0, and an image file is one row, too.

A named data set comes with unseen rows. From any other data a tenth is held out when a model is
fitted; the model file keeps how, and a fingerprint of the data, so that `evaluate` finds the same
rows again. All of numpy stays behind functions: see `latentmap.cli`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentmap.cli.console import working
from latentmap.cli.model_arguments import start_engine
from latentmap.errors import DataError, SettingError

if TYPE_CHECKING:
    from latentmap.data import Source

__all__ = [
    "Judged",
    "Parts",
    "chosen_row",
    "fingerprint",
    "input_paths",
    "judged_rows",
    "layout_of",
    "one_row",
    "open_row",
    "open_rows",
    "parted",
    "split_rows",
]

_FEWEST = 20  # a tenth of fewer rows tells nothing
_SHARE, _MOST = 0.1, 10_000
_PROBES = 4096
_ROW = re.compile(r"(.+)#([^#/]*)", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True)
class Parts:
    """The rows to fit, the rows to judge by, and how they were parted."""

    fitted: Source
    unseen: Source | None
    held_out: dict[str, Any]
    words: str


@dataclass(frozen=True)
class Judged:
    """The rows that a model is judged by, and the fitted rows where they are known."""

    rows: Source
    fitted: Source | None
    words: str


def open_rows(data: str, label: str | None = None, remembered: str | None = None) -> Source:
    """Open data, with its label column if it has one.

    Parameters
    ----------
    data : str
        A path, or the name of a data set; with ``#NUMBER`` after it, that row alone.
    label : str, optional
        The label column that the user named.
    remembered : str, optional
        The column that held labels before: taken if it is there, and no error if it is not.
    """
    whole, number = parted(data)
    with working(f"Reading {data}…"):
        rows = _open_whole(whole, label, remembered)
        return rows if number is None else chosen_row(rows, number, data)


def open_row(text: str, label: str | None = None, remembered: str | None = None) -> Source:
    """Open one row: ``DATA#NUMBER``, an image file, or data that has no other row.

    Parameters
    ----------
    text : str
        As ``mnist:unseen#17``, ``photos/#3``, ``rows.csv#0`` or ``photos/me.png``.
    label, remembered : str, optional
        As for `open_rows`.

    Returns
    -------
    Source
        Of one row.

    Raises
    ------
    SettingError
        If there are several rows and none is chosen.
    DataError
        If there is no row of this number.
    """
    return one_row(open_rows(text, label, remembered), text)


def one_row(rows: Source, text: str) -> Source:
    """Refuse more rows than one."""
    if len(rows) > 1:
        raise SettingError(
            f"{text}: expected one row, such as {text}#0, found {len(rows):,} of them"
        )
    return rows


def input_paths(*texts: str | Path | None) -> list[str]:
    """Return the paths of the inputs that were given, without their row numbers."""
    return [parted(str(text))[0] for text in texts if text is not None]


def parted(text: str) -> tuple[str, int | None]:
    """Part ``DATA#NUMBER`` into data and number; what exists as a path has none.

    Examples
    --------
    >>> parted("mnist:unseen#17"), parted("mnist")
    (('mnist:unseen', 17), ('mnist', None))
    """
    found = _ROW.fullmatch(text)
    if found is None or Path(text).exists():
        return text, None
    data, number = found.groups()
    if _NUMBER.fullmatch(number):
        return data, int(number)
    if Path(data).exists() or _is_named(data.partition(":")[0]):
        raise SettingError(f"{text}: expected a row's number after #, from 0, found {number!r}")
    return text, None


def _open_whole(data: str, label: str | None, remembered: str | None) -> Source:
    from latentmap.data import open_data
    from latentmap.data.images import IMAGE_SUFFIXES, ImageFolderSource

    path = Path(data)
    if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
        image = ImageFolderSource(path.parent, [path.name])
        image.name = path.name
        return image
    if label is None and remembered is not None:
        try:
            return open_data(data, label=remembered, verbose=True)
        except SettingError:
            pass
    return open_data(data, label=label, verbose=True)


def chosen_row(rows: Source, number: int, text: str) -> Source:
    """Give one of the rows; ``text`` is how the user called it."""
    if number >= len(rows):
        raise DataError(f"{text}: expected a row's number below {len(rows):,}, found {number}")
    row = rows.subset([number])
    row.name = f"{rows.name}#{number}"
    return row


def split_rows(
    data: str,
    label: str | None,
    seed: int,
    remembered: str | None = None,
    near: bool = True,
    started: bool = False,
) -> Parts:
    """Open data to fit a model to, and hold some out to judge it by.

    Rows are brought ``near`` where this process is to read them several times. That, and fitting,
    needs the engine: it is started, unless it has ``started`` already.
    """
    from latentmap.data.memory import check_memory, fit_memory_bytes

    rows = open_rows(data, label, remembered)
    if not _is_named(data):
        needed = fit_memory_bytes(len(rows), rows.nbytes // max(1, len(rows)))
        check_memory("memory", needed, engine=True)
    if not started:
        start_engine()
    if _is_named(data):
        return _named_parts(data, rows)
    from latentmap.data.caching import load_or_cache

    rows = load_or_cache(rows, verbose=True) if near else rows
    count = _held_out_count(len(rows))
    held_out = {
        "rows": count,
        "rows_total": len(rows),
        "seed": seed,
        "fingerprint": fingerprint(rows),
    }
    if count == 0:
        return Parts(rows, None, held_out, "")
    fitted, unseen = rows.split(count, seed)
    # The few rows are looked at several times; far away, each time would pass through all.
    unseen = unseen if unseen.is_decoded else load_or_cache(unseen)
    return Parts(fitted, unseen, held_out, _words_held_out(unseen, rows))


def layout_of(path: Path, parts: Parts) -> Any:
    """Read the user's own layout, and give the positions of the rows to fit."""
    spots, held_out = open_rows(str(path)), parts.held_out
    total = held_out.get("rows_total", len(parts.fitted))
    if len(spots) != total:
        raise DataError(f"{path}: expected a position for each of {total} rows, found {len(spots)}")
    if parts.unseen is not None and "rows_total" in held_out:
        spots = spots.split(held_out["rows"], held_out["seed"])[0]
    return spots[:]


def judged_rows(data: str, label: str | None, figures: dict[str, Any]) -> Judged:
    """Choose the rows of ``data`` to judge a model by, given what its file says.

    Of a named data set these are its unseen rows; of data that the model was fitted to, or has
    taken in later, those held out then; of any other data, all.
    """
    rows = open_rows(data, label, figures.get("label"))
    if _is_named(data):
        parts = _named_parts(data, rows)
        return Judged(parts.unseen or rows, parts.fitted, parts.words)
    everything, print_found = f"all {len(rows):,} rows of {rows.name}", fingerprint(rows)
    for held_out in (figures.get("held_out") or {}, *(figures.get("held_out_before") or ())):
        if held_out.get("fingerprint") != print_found:
            continue
        if not held_out.get("rows"):
            return Judged(rows, None, f"{everything}, which were fitted")
        fitted, unseen = rows.split(int(held_out["rows"]), int(held_out["seed"]))
        return Judged(unseen, fitted, _words_held_out(unseen, rows))
    return Judged(rows, None, everything)


def fingerprint(rows: Source) -> str:
    """Give a SHA-256 that tells data apart: number, shape, type, at most 4,096 rows."""
    import numpy as np

    about = f"{len(rows)} {tuple(rows.row_shape)} {rows.dtype}"
    probes = np.unique(np.linspace(0, len(rows) - 1, _PROBES).astype(int))
    return hashlib.sha256(about.encode() + rows.take(probes).tobytes()).hexdigest()


def _is_named(data: str) -> bool:
    from latentmap.data import list_datasets

    return data in list_datasets() and not Path(data).exists()


def _named_parts(name: str, fitted: Source) -> Parts:
    from latentmap.data import load_dataset

    unseen = load_dataset(name, "unseen")
    held_out = {"data_set": name, "rows": len(unseen)}
    return Parts(fitted, unseen, held_out, f"the {len(unseen):,} unseen rows of {name}")


def _held_out_count(count: int) -> int:
    return 0 if count < _FEWEST else min(round(_SHARE * count), _MOST)


def _words_held_out(unseen: Source, rows: Source) -> str:
    return f"{len(unseen):,} rows of {rows.name} that were held out, of {len(rows):,}"
