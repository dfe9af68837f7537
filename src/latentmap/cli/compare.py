"""``latentmap compare``: how alike two rows are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentmap.cli.console import say, show_json, show_pairs, show_table, working
from latentmap.cli.model_arguments import open_model
from latentmap.cli.options import Json, Label, Model
from latentmap.cli.similar_query import Among, AmongOption, IndexOption, Query

if TYPE_CHECKING:
    from latentmap.analysis import Comparison

__all__ = ["EXAMPLES", "compare"]

EXAMPLES = {
    "compare": (
        "latentmap compare faces.safetensors faces/#3 faces/#17 -o both.png",
        "latentmap compare faces.safetensors me.png you.png --index faces.index --json",
        "latentmap compare flowers.safetensors rows.csv#0 rows.csv#1 --label species",
    ),
}
_COLUMNS = 8  # of a table, told on the screen
_NUMBERS = ("a", "b", "difference")


def _row(which: str) -> Any:
    words = "DATA#NUMBER, one row of data, counted from 0, such as mnist:unseen#17; an image file; "
    words += "or data of one row."
    return typer.Argument(metavar=which, help=words, show_default=False)


def compare(
    model: Model,
    a: Annotated[str, _row("A")],
    b: Annotated[str, _row("B")],
    among: AmongOption = None,
    index: IndexOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="A picture (.png, .pdf, .svg): both rows, both reconstructions, and where they "
            "differ.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Chooses the random pairs.")] = 0,
    label: Label = None,
    as_json: Json = False,
) -> None:
    """Tell how alike two rows are.

    The distance of their codes, and the share of random pairs of rows that are farther apart.
    """
    from latentmap.cli.row_selection import input_paths, one_row
    from latentmap.cli.similar_query import open_query, surroundings
    from latentmap.files import PICTURE_SUFFIXES, check_output_path

    if output is not None:
        check_output_path(output, PICTURE_SUFFIXES, input_paths(model, a, b, among, index))
    fitted = open_model(model)
    strict = among is None and index is None
    first = open_query(fitted, a, label, strict)
    asked = [first, open_query(fitted, b, label, beside=first)]
    rows = [one_row(query.rows, query.text) for query in asked]
    from latentmap.analysis import compare as compared
    from latentmap.analysis.comparison import MOST_ROWS

    around = surroundings(fitted, first, among, index, label, MOST_ROWS)
    found = compared(fitted, *rows, among=around.index, seed=seed)
    if output is not None:
        _draw(output, fitted, found, asked, around)
    columns = _columns(fitted, found, asked[0], around)
    errors = [float(fitted.reconstruction_error(row)[0]) for row in rows]
    if as_json:
        told = {"distance": found.distance, "farther": found.farther, "pairs": found.pairs}
        places = {"model": str(model), "a": a, "b": b, "among": around.name}
        show_json({**places, **told, "reconstruction_error": errors, "columns": columns})
    else:
        _tell(found, errors, columns, around.name)


def _draw(path: Path, model: Any, found: Comparison, asked: list[Query], around: Among) -> None:
    with working(f"Drawing {path}…"):
        from latentmap import plots

        names = asked[0].rows.feature_names
        with plots.figure(path, *plots.comparison_size(model.row_shape_, names is not None)) as ax:
            plots.comparison(
                found.rows,
                found.back,
                [_caption(query) for query in asked],
                ax,
                names=names,
                spread=around.spread(model),
                title=f"Distance {found.distance:.3g}: {_closer(found)}",
            )
    say(f"Wrote {path}")


def _caption(query: Query) -> str:
    return query.name if query.rows.labels is None else f"{query.name}, {query.rows.labels[0]}"


def _columns(model: Any, found: Comparison, query: Query, around: Among) -> list[dict[str, Any]]:
    """Give the columns of a table that differ most."""
    names = query.rows.feature_names
    if names is None or len(model.row_shape_) > 1:
        return []
    from latentmap.plots.comparison_plot import telling_columns

    a, b = found.rows.tolist()
    order = telling_columns(found.rows, around.spread(model))[:_COLUMNS].tolist()
    return [{"name": names[i], "a": a[i], "b": b[i], "difference": b[i] - a[i]} for i in order]


def _closer(found: Comparison) -> str:
    """Put the share of pairs that are farther apart into words.

    Examples
    --------
    >>> from latentmap.analysis import Comparison
    >>> [_closer(Comparison(0.1, share, 1000, None, None)) for share in (0.5, 0.9993, 1.0)]
    ['closer than 50.0 % of random pairs', 'closer than 99.93 % of random pairs',
     'closer than each of 1,000 random pairs']
    """
    if found.farther == 1:
        return f"closer than each of {found.pairs:,} random pairs"
    digits = 2 if found.farther > 0.999 else 1
    return f"closer than {100 * found.farther:.{digits}f} % of random pairs"


def _tell(
    found: Comparison, errors: list[float], columns: list[dict[str, Any]], among: str
) -> None:
    pairs = [
        ("distance", f"{found.distance:#.4g}, {_closer(found)} of {among}"),
        ("reconstruction error", " and ".join(f"{error:.4g}" for error in errors)),
    ]
    show_pairs("How alike the two are", pairs)
    if columns:
        lines = [[c["name"], *(f"{c[key]:.5g}" for key in _NUMBERS)] for c in columns]
        show_table(("column", *_NUMBERS), lines, _NUMBERS)
