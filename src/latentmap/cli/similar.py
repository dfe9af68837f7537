"""``latentmap similar``."""

from collections.abc import Callable
from pathlib import Path

import typer

from latentmap.cli.console import format_count, print_json, print_message
from latentmap.cli.model_arguments import Estimator, open_model
from latentmap.cli.options import INDEX, JSON, LABEL, MODEL, REFERENCE, argument, option
from latentmap.cli.row_selection import check_output
from latentmap.cli.similar_query import Query, Reference, open_query, open_reference
from latentmap.cli.similar_report import SearchResult, draw_result, print_result, write_result
from latentmap.cli.streaming import encode_rows
from latentmap.cli.table_arguments import with_table_options
from latentmap.cli.table_output import TABLE_SUFFIXES
from latentmap.errors import FileError, SettingError
from latentmap.files import PICTURE_SUFFIXES

EXAMPLES = (
    "latentmap similar faces.safetensors faces/#17 -o sheet.png",
    "latentmap similar mnist.safetensors mnist:unseen --reference mnist -k 5 -o near.csv",
    "latentmap similar faces.safetensors faces/#17 --save-index faces.index",
    "latentmap similar faces.safetensors me.png --index faces.index -o sheet.png",
)
_DEFAULT_NEIGHBORS = 10
_WRITERS: dict[str, Callable[[Path, SearchResult], None]] = {
    **dict.fromkeys(PICTURE_SUFFIXES, draw_result),
    **dict.fromkeys(TABLE_SUFFIXES, write_result),
}


@with_table_options
def similar(
    model: Path = MODEL,
    query: str = argument(
        "QUERY",
        "Rows to find similar rows for: DATA as for latentmap fit, one row of it as "
        "DATA#NUMBER, counted from 0, or an image file.",
    ),
    reference: str | None = REFERENCE,
    k: int | None = typer.Option(
        None,
        "-k",
        "--neighbors",
        min=1,
        help="Number of similar rows to find for each row.",
        show_default="10, or all if there are fewer",
    ),
    output: list[Path] | None = option(
        "FILE",
        "Output file: a contact sheet (.png, .pdf, .svg) or a table of all neighbours (.csv, "
        ".parquet, .npy). The option may be repeated.",
        "-o",
        "--output",
    ),
    index: Path | None = INDEX,
    save_index: Path | None = option(
        "FILE", "Write an index of the searched rows, for later queries with --index."
    ),
    label: str | None = LABEL,
    as_json: bool = JSON,
) -> None:
    """Find the most similar rows.

    Rows are similar if their codes are close to each other. A row is never its own neighbour. If
    only --index is given, the contact sheet shows decoded rows; with --reference as well, it shows
    the original rows.
    """
    outputs = output or []
    inputs = (model, query, reference, index)
    for path in outputs:
        check_output(path, list(_WRITERS), inputs)
    check_output(save_index, (), inputs)
    _check_distinct([*outputs, save_index])
    estimator = open_model(model)
    label_required = reference is None and index is None
    query_rows = open_query(estimator, query, label, label_required)
    reference_rows = open_reference(estimator, query_rows, reference, index, label)
    if save_index is not None:
        reference_rows.index.save(save_index)
        n_rows = format_count(len(reference_rows.index), "row")
        print_message(f"Wrote {save_index}: index of {n_rows}")
    result = _search(estimator, query_rows, reference_rows, k)
    for path in outputs:
        _WRITERS[path.suffix.lower()](path, result)
    if as_json:
        print_json({"model": str(model), "query": query, **result.as_dict()})
    else:
        print_result(result)


def _check_distinct(outputs: list[Path | None]) -> None:
    for path in outputs:
        if outputs.count(path) > 1:
            raise FileError(f"{path}: expected different output paths, found this one twice")


def _search(model: Estimator, query: Query, reference: Reference, k: int | None) -> SearchResult:
    query_numbers = reference.find_rows(query)
    max_k = len(reference.index) - (query_numbers is not None)
    if max_k < 1:
        raise SettingError(f"{reference.name}: expected a row other than the query, found none")
    k = min(_DEFAULT_NEIGHBORS, max_k) if k is None else k
    if k > max_k:
        rows = "other rows" if query_numbers is not None else "rows"
        raise SettingError(
            f"-k: expected at most the {max_k:,} {rows} of {reference.name}, found {k}"
        )
    is_encoded = query.rows is reference.rows
    codes = reference.index.codes if is_encoded else encode_rows(model, query.rows)
    text = f"Searching {format_count(len(reference.index), 'row')}"
    return SearchResult(
        model, query, reference, reference.index.search(codes, k, query_numbers, text)
    )
