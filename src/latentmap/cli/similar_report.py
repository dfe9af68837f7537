"""The results of `similar`: printed, written to a table, or drawn as a contact sheet."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latentmap import plots
from latentmap.analysis.encoding import numeric_rows
from latentmap.analysis.model_info import ModelInfo
from latentmap.analysis.search import Neighbors
from latentmap.analysis.table_rows import TableRows
from latentmap.cli.console import format_count, print_message, print_table
from latentmap.cli.model_arguments import Estimator
from latentmap.cli.pictures import open_plot
from latentmap.cli.similar_query import Query, Reference
from latentmap.cli.table_output import write_columns

# Maximum number of image queries, of table queries, and of neighbours on a contact sheet.
_MAX_IMAGE_QUERIES, _MAX_TABLE_QUERIES, _MAX_NEIGHBORS = 8, 4, 10
_MAX_PRINTED = 10


@dataclass(frozen=True)
class SearchResult:
    """A query, the rows that were searched, and the nearest rows."""

    model: Estimator
    query: Query
    reference: Reference
    nearest: Neighbors

    def query_label(self, query: int) -> object:
        """Return the label of one of the query's rows; None if it has no label."""
        labels = self.query.rows.labels
        return None if labels is None else labels.item(query)

    def same_label(self, queries: np.ndarray | slice, k: int) -> np.ndarray | None:
        """Return which of the k nearest rows have the label of their query; None without labels."""
        own_labels, labels = self.query.rows.labels, self.reference.index.labels
        if labels is None or own_labels is None:
            return None
        neighbor_labels = labels[self.nearest.indices[queries, :k]]
        return neighbor_labels.astype(str) == own_labels[queries].astype(str)[:, None]

    def neighbors(self, query: int) -> list[dict[str, Any]]:
        """Return the number, name, label and distance of each neighbour of a row."""
        names, labels = self.reference.index.names, self.reference.index.labels
        pairs = zip(*(part[query].tolist() for part in self.nearest), strict=True)
        return [
            {
                "row": row,
                "name": None if names is None else names[row],
                "label": None if labels is None else labels.item(row),
                "distance": round(distance, 6),
            }
            for row, distance in pairs
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain values for JSON."""
        queries = [
            {"row": number, "label": self.query_label(i), "neighbors": self.neighbors(i)}
            for i, number in enumerate(self.query.numbers)
        ]
        rows = len(self.reference.index)
        return {"reference": self.reference.name, "rows": rows, "queries": queries}


def write_result(path: Path, result: SearchResult) -> None:
    """Write a table with one line for each neighbour."""
    rows, distances = result.nearest
    n_queries, k = rows.shape
    index, flat = result.reference.index, rows.ravel()
    numbers = {
        "query": np.repeat(result.query.numbers, k),
        "rank": np.tile(np.arange(1, k + 1), n_queries),
        "row": flat,
        "distance": distances.ravel().astype(np.float64).round(7),
    }
    strings = {}
    if index.labels is not None:
        strings["label"] = index.labels[flat]
    if index.names is not None:
        strings["name"] = np.array([index.names[row] for row in flat.tolist()])
    write_columns(path, numbers, strings)
    neighbors_text = format_count(k, "neighbour")
    print_message(f"Wrote {path}: {neighbors_text} of {format_count(n_queries, 'row')}")


def draw_result(path: Path, result: SearchResult) -> None:
    """Draw evenly spaced queries and their nearest rows."""
    model, query, n_queries = result.model, result.query, len(result.query.rows)
    shape = model.row_shape_
    images = ModelInfo.from_estimator(model).has_image_rows
    max_queries = _MAX_IMAGE_QUERIES if images else _MAX_TABLE_QUERIES
    sample = np.unique(np.linspace(0, n_queries - 1, min(n_queries, max_queries)).astype(int))
    neighbors, distances = (part[sample, :_MAX_NEIGHBORS] for part in result.nearest)
    if model.table_ is not None:
        queries, rows, options = _table_cells(result, sample, neighbors)
    else:
        queries = numeric_rows(model, query.rows)[sample].reshape(-1, *shape)
        rows = result.reference.select(model, neighbors.ravel()).reshape(*neighbors.shape, *shape)
        std = result.reference.column_spread(model)
        options = {"column_names": query.rows.feature_names, "column_std": std}
    with open_plot(path) as ax:
        plots.neighbors(
            queries,
            rows,
            distances,
            [_captions(result, i, neighbors[k]) for k, i in enumerate(sample)],
            ax,
            same_label=result.same_label(sample, _MAX_NEIGHBORS),
            title=_title(result, len(sample)),
            **options,
        )


def _table_cells(
    result: SearchResult, sample: np.ndarray, neighbors: np.ndarray
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Return queries and neighbours as differences from the queries, and the text of all cells."""
    model, k = result.model, neighbors.shape[1]
    queries = TableRows.read(model, result.query.rows.subset(sample))
    rows = result.reference.select_table_rows(model, neighbors.ravel())
    repeated_queries = queries.select(np.repeat(np.arange(len(sample)), k))
    width = len(queries.names)
    differences = rows.differences(repeated_queries).reshape(len(sample), k, width)
    cell_text = [queries.cell_text[:, None], rows.cell_text.reshape(len(sample), k, width)]
    options = {
        "column_names": queries.names,
        "column_std": np.ones(width),
        "cell_text": np.concatenate(cell_text, axis=1),
    }
    return np.zeros((len(sample), width)), differences, options


def _title(result: SearchResult, n_drawn: int) -> str:
    n_queries = len(result.query.rows)
    part = f"{n_drawn} of {n_queries:,} rows of " if n_queries > n_drawn else ""
    note = "decoded, with distances" if result.reference.rows is None else "with distances"
    return f"{part}{result.query.rows.name}: nearest rows in {result.reference.name}, {note}"


def _captions(result: SearchResult, query: int, neighbors: np.ndarray) -> list[str]:
    names, labels = result.reference.index.names, result.reference.index.labels
    row_names = names if labels is None else labels
    has_single_query = len(result.query.data) == 1
    query_caption = _caption(result.query.numbers[query], result.query_label(query))
    return [
        result.query.rows.name if has_single_query else query_caption,
        *(
            _caption(row, None if row_names is None else row_names[row])
            for row in neighbors.tolist()
        ),
    ]


def _caption(number: int, text: object) -> str:
    return f"#{number}" if text is None else f"#{number} {text}"


def print_result(result: SearchResult) -> None:
    """Print all neighbours of one row, or the nearest row of each of several."""
    n_queries, name = len(result.query.rows), result.reference.name
    if n_queries == 1:
        print_message(f"Rows of {name} most similar to {result.query.rows.name}:")
        lines = [("", neighbor) for neighbor in result.neighbors(0)]
    else:
        part = f"first {_MAX_PRINTED} of " if n_queries > _MAX_PRINTED else ""
        queries = f"{part}{n_queries:,} rows of {result.query.rows.name}"
        print_message(f"Most similar row of {name} for the {queries}:")
        numbers = range(min(n_queries, _MAX_PRINTED))
        lines = [(str(result.query.numbers[i]), result.neighbors(i)[0]) for i in numbers]
    keys = [key for key in ("row", "name", "label") if lines[0][1][key] is not None]
    table = [
        [query, *(str(neighbor[key]) for key in keys), f"{neighbor['distance']:#.4g}"]
        for query, neighbor in lines
    ]
    columns = ["query", *keys, "distance"]
    if n_queries == 1:
        columns, table = columns[1:], [line[1:] for line in table]
    print_table(columns, table, ("query", "row", "distance"))
    _print_label_agreement(result)


def _print_label_agreement(result: SearchResult) -> None:
    labels, same_label = result.reference.index.labels, result.same_label(slice(None), 1)
    if labels is None or same_label is None or len(same_label) == 1:
        return
    # If more labels are distinct, they are measured values and not classes.
    if 2 * len(np.unique(labels)) <= len(labels):
        share = f"{same_label.mean():.1%}"
        print_message(f"The most similar row has the same label for {share} of the rows")
