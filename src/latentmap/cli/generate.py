"""``latentmap generate``: rows that no data had, drawn, walked to, or varied from one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentmap.cli.console import say, working
from latentmap.cli.generation_requests import Made, Wanted, made
from latentmap.cli.model_arguments import check_columns, columns_of, open_model
from latentmap.cli.options import Label, Model
from latentmap.cli.table_output import ROW_SUFFIXES
from latentmap.errors import SettingError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["EXAMPLES", "generate"]

EXAMPLES = {
    "generate": (
        "latentmap generate mnist.safetensors -n 100 -o digits.png",
        "latentmap generate mnist.safetensors --like mnist -o new.png --against mnist:unseen",
        "latentmap generate mnist.safetensors --between mnist:unseen#0 mnist:unseen#1 -o walk/",
        "latentmap generate flowers.safetensors --near rows.csv#3 --spread 0.5 -o variations.csv",
    ),
}

_PICTURES = (".png", ".pdf", ".svg")
_MOST_SHOWN, _MOST_JUDGED = 400, 10_000


def generate(
    model: Model,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="ROWS",
            help="Where the rows go: .npy, .csv, .parquet, or, without a suffix, a new folder of "
            "images, with a picture beside it; or the picture alone: .png, .pdf, .svg.",
            show_default=False,
        ),
    ],
    rows: Annotated[
        int, typer.Option("-n", "--rows", min=1, help="How many; of a walk with both its ends.")
    ] = 16,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Rows whose codes tell how likely a code is, for what is drawn and for ways and "
            "variations.",
            show_default="what the model itself knows, else the data of the rows given",
        ),
    ] = None,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="ROW ROW",
            help="Walk in even steps from one row to another, such as mnist:unseen#17.",
            show_default=False,
        ),
    ] = None,
    near: Annotated[
        str | None,
        typer.Option(metavar="ROW", help="Vary one row, more and more.", show_default=False),
    ] = None,
    spread: Annotated[
        float,
        typer.Option(
            help="How far the last variation goes, relative to how rows there differ.",
        ),
    ] = 1.0,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Real rows, best unseen ones, to tell how like them the drawn rows are (density) "
            "and how much of their variety is there (coverage).",
            show_default=False,
        ),
    ] = None,
    label: Label = None,
    seed: Annotated[int, typer.Option(min=0, help="Makes what is drawn repeatable.")] = 0,
) -> None:
    """Make new rows: drawn, walked to from one to another, or varied from one."""
    inputs = [str(model), *(data for data in (like, near, against, *(between or ())) if data)]
    _check(output, rows, between, near, spread, inputs)
    if against and (between or near):
        raise SettingError("--against: expected drawn rows, found --between or --near")
    fitted = open_model(model)
    real = None if against is None else _Real(fitted, against, label)
    wanted = Wanted(fitted, rows, like, between, near, spread, label, seed)
    new = made(wanted)
    if real is None:
        _write(output, fitted, rows, new)
        return
    some = _Some(rows, _MOST_JUDGED)
    _write(output, fitted, rows, replace(new, batches=some.watching(new.batches)))
    real.judge(some)


def _check(
    output: Path,
    rows: int,
    between: tuple[str, str] | None,
    near: str | None,
    spread: float,
    inputs: list[str],
) -> None:
    """Refuse, before any work, what cannot be."""
    from latentmap.cli.row_selection import input_paths
    from latentmap.files import check_output_path

    read = input_paths(*inputs)
    check_output_path(output, (*_PICTURES, *ROW_SUFFIXES), read, folder=not output.suffix)
    check_output_path(output.with_suffix(".png"), inputs=read)  # drawn beside images
    if between and near:
        raise SettingError("generate: expected --between or --near, found both")
    if between and rows < 2:
        raise SettingError(f"--rows: expected at least 2, both ends of the walk, found {rows}")
    if not 0 < spread < float("inf"):
        raise SettingError(f"--spread: expected a number above 0, found {spread}")


def _write(output: Path, fitted: Any, count: int, new: Made) -> None:
    from latentmap.data import write_rows

    names = columns_of(fitted)
    shown = _Some(count, _MOST_SHOWN)
    batches = shown.watching(new.batches)
    if output.suffix.lower() in _PICTURES:
        for _ in batches:
            pass
        _draw(output, shown, new, names)
        return
    write_rows(output, batches, length=count, feature_names=names)
    say(f"Wrote {output}: {count:,} rows, {new.words}")
    if len(fitted.row_shape_) > 1:
        _draw(output.with_suffix(".png"), shown, new, None)


class _Some:
    """Some of many rows, evenly taken, kept as they pass."""

    def __init__(self, count: int, room: int) -> None:
        import numpy as np

        self.count = count
        self.wanted = np.linspace(0, count - 1, min(count, room)).round().astype(int)
        self.kept: list[np.ndarray] = []

    @property
    def rows(self) -> np.ndarray:
        """Those that have passed."""
        import numpy as np

        return np.concatenate(self.kept)

    def watching(self, batches: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        start = 0
        for batch in batches:
            inside = (self.wanted >= start) & (self.wanted < start + len(batch))
            self.kept.append(batch[self.wanted[inside] - start])
            start += len(batch)
            yield batch


class _Real:
    """Real rows, to judge made ones by."""

    def __init__(self, model: Any, data: str, label: str | None) -> None:
        from latentmap.cli.row_selection import open_rows
        from latentmap.data.memory import check_memory

        source = open_rows(data, label, (model.figures_ or {}).get("label"))
        check_columns(model, source)
        some = source.sample(_MOST_JUDGED, 0)
        check_memory("--against", 4 * 8 * len(some) * model.n_features_in_)
        self.model, self.data, self.rows = model, data, some[:]

    def judge(self, made: _Some) -> None:
        """Tell density and coverage."""
        with working(f"Comparing with {len(self.rows):,} rows of {self.data}…"):
            from latentmap.analysis import likeness

            found = likeness(self.model, self.rows, made.rows)
        say(
            f"Against {len(self.rows):,} rows of {self.data}: density {found.density:.2f} (1 is as "
            f"like as real rows are), coverage {found.coverage:.2f} (at most 1)"
        )


def _draw(path: Path, shown: _Some, new: Made, names: list[str] | None) -> None:
    rows = shown.rows
    with working(f"Drawing {path}…"):
        from latentmap import plots

        with plots.figure(path, *plots.rows_size(rows.shape)) as ax:
            plots.rows(rows, ax, new.title, names)
    some = "" if len(rows) == shown.count else f" of {shown.count:,}"
    say(f"Wrote {path}: {len(rows):,}{some} rows, {new.words}")
