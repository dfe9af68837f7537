"""``latentmap similar``: the rows most like others, by their codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from latentmap.cli.console import say, show_json
from latentmap.cli.model_arguments import open_model
from latentmap.cli.options import Json, Label, Model
from latentmap.cli.similar_query import Among, AmongOption, IndexOption, Query
from latentmap.cli.similar_report import Answer, as_plain, draw, tell, write_table
from latentmap.errors import FileError, SettingError

__all__ = ["EXAMPLES", "similar"]

EXAMPLES = {
    "similar": (
        "latentmap similar faces.safetensors faces/#17 -o sheet.png",
        "latentmap similar mnist.safetensors mnist:unseen --among mnist -k 5 -o near.csv",
        "latentmap similar faces.safetensors faces/#17 --save-index faces.index",
        "latentmap similar faces.safetensors me.png --index faces.index -o sheet.png",
    ),
}
_NEIGHBORS = 10
_WRITERS: dict[str, Callable[[Path, Answer], None]] = {
    **dict.fromkeys((".png", ".pdf", ".svg"), draw),
    **dict.fromkeys((".csv", ".parquet", ".npy"), write_table),
}


def similar(
    model: Model,
    query: Annotated[
        str,
        typer.Argument(
            metavar="QUERY",
            help="Data, as in latentmap fit; DATA#NUMBER, one row of it, counted from 0; or an "
            "image file.",
            show_default=False,
        ),
    ],
    among: AmongOption = None,
    k: Annotated[
        int | None,
        typer.Option(
            "-k",
            "--neighbors",
            min=1,
            help="Rows to find for each.",
            show_default="10, or all where there are fewer",
        ),
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="A contact sheet (.png, .pdf, .svg) or all that was found (.csv, .parquet, "
            ".npy); more than one may be given.",
            show_default=False,
        ),
    ] = None,
    index: IndexOption = None,
    save_index: Annotated[
        Path | None,
        typer.Option(
            "--save-index",
            metavar="FILE",
            help="Keep codes, labels and names, to answer later queries by --index.",
            show_default=False,
        ),
    ] = None,
    label: Label = None,
    as_json: Json = False,
) -> None:
    """Find the most similar rows.

    Nearest are the rows whose codes are nearest; a row is not its own neighbour. With an index
    alone, a contact sheet shows rows as the model decodes them; with --among as well, as they are.
    """
    from latentmap.cli.similar_query import open_query, surroundings

    outputs = output or []
    _check_outputs(outputs, save_index, model, query, among, index)
    fitted = open_model(model)
    asked = open_query(fitted, query, label, strict=among is None and index is None)
    around = surroundings(fitted, asked, among, index, label)
    if save_index is not None:
        around.index.save(save_index)
        say(f"Wrote {save_index}: an index of {len(around.index):,} rows")
    answer = _search(fitted, asked, around, k)
    for path in outputs:
        _WRITERS[path.suffix.lower()](path, answer)
    if as_json:
        show_json({"model": str(model), "query": query, **as_plain(answer)})
    else:
        tell(answer)


def _check_outputs(outputs: list[Path], save_index: Path | None, *inputs: Any) -> None:
    """Refuse, before any work, what could not be written afterwards."""
    from latentmap.cli.row_selection import input_paths
    from latentmap.files import check_output_path

    read = input_paths(*inputs)
    for path in outputs:
        check_output_path(path, list(_WRITERS), read)
    if save_index is not None:
        check_output_path(save_index, inputs=read)
    written = [*outputs, *([save_index] if save_index else [])]
    for place in written:
        if written.count(place) > 1:
            raise FileError(f"{place}: expected another place for each output, found two at one")


def _search(model: Any, query: Query, around: Among, k: int | None) -> Answer:
    from latentmap.cli.streaming import codes_of

    own = around.own_numbers(query)
    most = len(around.index) - (own is not None)
    if most < 1:
        raise SettingError(f"{around.name}: expected another row to find, found none")
    k = min(_NEIGHBORS, most) if k is None else k
    if k > most:
        others = "other rows" if own is not None else "rows"
        raise SettingError(
            f"-k: expected at most the {most:,} {others} of {around.name}, found {k}"
        )
    task = f"Searching among {len(around.index):,} rows"
    known = query.rows is around.rows  # what was encoded just now
    codes = around.index.codes if known else codes_of(model, query.rows)
    found = around.index.search(codes, k, own, task)
    return Answer(model, query, query.numbers, around, found)
