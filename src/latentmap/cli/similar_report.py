"""What `similar` found: written as a table, drawn as a contact sheet, and told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentmap.cli.console import say, show_table, working
from latentmap.cli.similar_query import Among, Query
from latentmap.cli.table_output import write_columns

if TYPE_CHECKING:
    import numpy as np

    from latentmap.analysis.search import Found

__all__ = ["Answer", "as_plain", "draw", "tell", "write_table"]

_SHEET, _LINES, _ACROSS = 8, 4, 10  # queries in a picture of images, of tables; neighbours of each
_TOLD = 10  # queries that are told of on the screen


@dataclass(frozen=True)
class Answer:
    """Queries and the rows found for them."""

    model: Any
    query: Query
    numbers: list[int]
    among: Among
    found: Found

    @property
    def labels(self) -> np.ndarray | None:
        """The labels of the rows that were searched."""
        return self.among.index.labels

    def own_label(self, query: int) -> Any:
        """Give the label of a query, if it has one."""
        labels = self.query.rows.labels
        return None if labels is None else _simple(labels[query])

    def alike(self, queries: Any, k: int) -> np.ndarray | None:
        """Tell which of the first k neighbours have the label of their query, if both have some."""
        own = self.query.rows.labels
        if self.labels is None or own is None:
            return None
        near = self.labels[self.found.rows[queries, :k]]
        return near.astype(str) == own[queries].astype(str)[:, None]


def write_table(path: Path, answer: Answer) -> None:
    """Write a line for each neighbour: query, rank, row, distance, and its label and name."""
    import numpy as np

    near, distances = answer.found
    count, k = near.shape
    index, found = answer.among.index, near.ravel()
    numbers = {
        "query": np.repeat(answer.numbers, k),
        "rank": np.tile(np.arange(1, k + 1), count),
        "row": found,
        "distance": distances.ravel().astype(np.float64).round(7),
    }
    others = {}
    if index.labels is not None:
        others["label"] = index.labels[found]
    if index.names is not None:
        others["name"] = np.array([index.names[row] for row in found.tolist()])
    write_columns(path, numbers, others)
    say(f"Wrote {path}: {k:,} neighbours of {count:,} rows")


def draw(path: Path, answer: Answer) -> None:
    """Draw some queries, spread over all, and their neighbours."""
    import numpy as np

    with working(f"Drawing {path}…"):
        from latentmap import plots

        shape = answer.model.row_shape_
        most = _SHEET if len(shape) > 1 else _LINES
        count = len(answer.numbers)
        some = np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))
        near, distances = (part[some, :_ACROSS] for part in answer.found)
        rows = answer.among.taken(answer.model, near.ravel()).reshape(*near.shape, *shape)
        with plots.figure(path, *plots.neighbors_size(len(some), near.shape[1], shape)) as ax:
            plots.neighbors(
                answer.query.rows[some].reshape(-1, *shape),
                rows,
                distances,
                [_captions(answer, i, near[at]) for at, i in enumerate(some)],
                ax,
                alike=answer.alike(some, _ACROSS),
                names=answer.query.rows.feature_names,
                spread=answer.among.spread(answer.model),
                title=_title(answer, len(some)),
            )
    say(f"Wrote {path}")


def _title(answer: Answer, drawn: int) -> str:
    count = len(answer.numbers)
    of = f"{drawn} of {count:,} rows of " if count > drawn else ""
    decoded = ", decoded" if answer.among.rows is None else ""
    return f"{of}{answer.query.name}: nearest among {answer.among.name}{decoded}"


def _captions(answer: Answer, query: int, near: np.ndarray) -> list[str]:
    named, labels = answer.among.index.names, answer.labels
    words = named if labels is None else labels
    alone = len(answer.query.whole) == 1
    own = answer.own_label(query)
    return [
        answer.query.name if alone else _caption(answer.numbers[query], own),
        *(_caption(row, None if words is None else words[row]) for row in near.tolist()),
    ]


def _caption(number: int, words: Any) -> str:
    return f"#{number}" if words is None else f"#{number} {words}"


def as_plain(answer: Answer) -> dict[str, Any]:
    """Give what was found in what JSON holds."""
    queries = []
    for i, number in enumerate(answer.numbers):
        own = answer.own_label(i)
        queries.append({"row": number, "label": own, "near": _near(answer, i)})
    return {"among": answer.among.name, "rows": len(answer.among.index), "found": queries}


def _near(answer: Answer, query: int) -> list[dict[str, Any]]:
    named, labels = answer.among.index.names, answer.labels
    pairs = zip(*(part[query].tolist() for part in answer.found), strict=True)
    return [
        {
            "row": row,
            "name": None if named is None else named[row],
            "label": None if labels is None else _simple(labels[row]),
            "distance": round(distance, 6),
        }
        for row, distance in pairs
    ]


def _simple(label: Any) -> Any:
    return label.item() if hasattr(label, "item") else label


def tell(answer: Answer) -> None:
    """Show all neighbours of one row, or the nearest one of some rows."""
    count, name = len(answer.numbers), answer.among.name
    if count == 1:
        say(f"The rows of {name} most like {answer.query.name}:")
        lines = [("", near) for near in _near(answer, 0)]
    else:
        say(f"The nearest row of {name} to {_some(count)} of {answer.query.name}:")
        lines = [(str(answer.numbers[i]), _near(answer, i)[0]) for i in range(min(count, _TOLD))]
    keys = [key for key in ("row", "name", "label") if lines[0][1][key] is not None]
    table = [
        [query, *(str(near[key]) for key in keys), f"{near['distance']:#.4g}"]
        for query, near in lines
    ]
    columns = ["query", *keys, "distance"]
    if count == 1:
        columns, table = columns[1:], [line[1:] for line in table]
    show_table(columns, table, ("query", "row", "distance"))
    alike = answer.alike(slice(None), 1) if count > 1 and _are_classes(answer.labels) else None
    if alike is not None:
        say(f"The nearest row has the same label for {alike.mean():.1%} of {count:,} rows")


def _are_classes(labels: np.ndarray | None) -> bool:
    """Tell classes from measured values, which mostly differ from row to row."""
    import numpy as np

    return labels is not None and 2 * len(np.unique(labels)) <= len(labels)


def _some(count: int) -> str:
    return f"each of {count} rows" if count <= _TOLD else f"the first {_TOLD} of {count:,} rows"
