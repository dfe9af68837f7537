"""``latentmap outliers``: the rows that fit worst, and what about them does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentmap.cli.console import say, show_json, show_table, working
from latentmap.cli.distributed_options import check_hiring, check_parts, hired
from latentmap.cli.model_arguments import check_columns, open_model
from latentmap.cli.options import Data, Json, Label, Model, RayAddress, WorkerCount
from latentmap.cli.table_output import SUFFIXES, write_columns, writing_columns

if TYPE_CHECKING:
    import numpy as np

    from latentmap.analysis.outlier_scores import Outliers
    from latentmap.data import Source

__all__ = ["EXAMPLES", "outliers"]

EXAMPLES = {
    "outliers": (
        "latentmap outliers mnist.safetensors mnist:unseen --among mnist -o odd.png",
        "latentmap outliers flowers.safetensors rows.csv -n 10 -o scores.csv",
    ),
}

_FIGURES = {
    "score": "scores",
    "error_part": "error_parts",
    "rarity_part": "rarity_parts",
    "error": "errors",
    "rarity": "rarities",
}
"""A row's figure, and where all rows' are."""
_BLAMED = 3  # columns of a row that are told
_TOLD = {True: 1, False: _BLAMED}  # in the table: of an image, the picture tells better
_SHOWN = {True: 40, False: 20}  # rows in a picture, of images and of tables


def outliers(
    model: Model,
    data: Data,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="All rows' scores (.csv, .parquet, .npy), with a picture of the worst rows beside "
            "them; or the picture alone: .png, .pdf, .svg.",
            show_default=False,
        ),
    ] = None,
    rows: Annotated[
        int, typer.Option("-n", "--rows", min=1, max=1000, help="How many of the worst are told.")
    ] = 20,
    among: Annotated[
        str | None,
        typer.Option(
            metavar="DATA",
            help="Rows that are as they should be, best those that were fitted: they say what is "
            "usual.",
            show_default="DATA itself",
        ),
    ] = None,
    label: Label = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Chooses 10,000 usual rows where there are more.")
    ] = 0,
    as_json: Json = False,
    workers: WorkerCount = None,
    ray: RayAddress = None,
) -> None:
    """Rank rows by how badly they fit.

    Badly fits a row that comes back changed, or whose code lies where few do. The score counts
    from 0 up: 3 says that of 1,000 usual rows one fits as badly; it adds up two parts, error and
    rarity, each told in the same way. What is to blame are the columns, or the part of an image,
    that differ most from what the model expects.

    With --workers, DATA is .parquet, a file or a folder, and the scores become a folder of .parquet
    files in the order of the rows.
    """
    check_hiring(workers, ray)
    _check(output, workers is not None, model, data, among)
    fitted = open_model(model)
    remembered = (fitted.figures_ or {}).get("label")
    source, usual_rows = _opened(fitted, data, among, label, remembered)
    from latentmap.analysis import Usual

    scores = output if output is not None and output.suffix.lower() in SUFFIXES else None
    check_parts(workers, source)
    usual = Usual(fitted, usual_rows, seed, verbose=True)
    with hired(workers, ray) as crew:
        if crew is not None:
            numbers, found = crew.score_outliers(usual, source, rows, scores, _write_part)
        else:
            numbers, found = _judged(usual, source, rows, scores)
    worst = _Worst(usual, source, numbers, found)
    if scores is not None:
        say(f"Wrote {scores}: the scores of {len(source):,} rows")
    if output is not None:
        _draw(output if scores is None else output.with_suffix(".png"), worst)
    if as_json:
        words = {"model": str(model), "data": data, "among": among or data, "rows": len(source)}
        show_json({**words, "outliers": [worst.told(i) for i in range(len(worst.numbers))]})
    else:
        _show(worst)


def _check(output: Path | None, shared: bool, *inputs: str | Path | None) -> None:
    from latentmap.cli.row_selection import input_paths
    from latentmap.files import PICTURE_SUFFIXES, check_output_path

    if output is None:
        return
    read, is_picture = input_paths(*inputs), output.suffix.lower() in PICTURE_SUFFIXES
    tables = (".parquet",) if shared else SUFFIXES
    check_output_path(output, (*tables, *PICTURE_SUFFIXES), read, folder=shared and not is_picture)
    if not is_picture:
        check_output_path(output.with_suffix(".png"), inputs=read)


def _opened(
    fitted: Any, data: str, among: str | None, label: str | None, remembered: str | None
) -> tuple[Source, Source]:
    """Open the rows to judge, and the usual ones."""
    from latentmap.cli.row_selection import open_rows

    source = open_rows(data, label, remembered)
    check_columns(fitted, source)
    if among is None:
        return source, source
    usual = open_rows(among, label, remembered)
    check_columns(fitted, usual)
    return source, usual


def _judged(
    usual: Any, source: Source, count: int, scores: Path | None
) -> tuple[np.ndarray, Outliers]:
    """Judge all rows in this process, and find the worst; write the scores on the way."""
    from latentmap.analysis.outlier_scores import worst

    parts = usual.judged(source, verbose=True)
    if scores is None:
        return worst(parts, count)
    with writing_columns(scores, len(source)) as write:
        return worst(_written(parts, source, write), count)


class _Worst:
    """The worst rows, what is expected in their place, and what is to blame."""

    def __init__(self, usual: Any, source: Source, numbers: np.ndarray, found: Outliers) -> None:
        from latentmap.analysis import blame
        from latentmap.data.memory import check_memory

        self.source, self.found, self.of_images = source, found, len(source.row_shape) > 1
        self.numbers = numbers
        some = source.subset(self.numbers)
        check_memory(f"-n {len(numbers)}", 8 * some.nbytes * 4 // some.dtype.itemsize)
        self.rows = some[:]
        self.expected = usual.expected(some)
        self.shares = blame(usual.estimator, some, self.expected)

    def told(self, i: int) -> dict[str, Any]:
        """Tell everything of one of them."""
        figures = {
            name: float(getattr(self.found, all_rows)[i]) for name, all_rows in _FIGURES.items()
        }
        return {**self._about(int(self.numbers[i])), **figures, "blamed": self._blamed(i)}

    def _about(self, number: int) -> dict[str, Any]:
        about: dict[str, Any] = {"row": number}
        if self.source.labels is not None:
            label = self.source.labels[number]
            about["label"] = label.item() if hasattr(label, "item") else label
        return about

    def _blamed(self, i: int) -> list[dict[str, Any]]:
        import numpy as np

        share, row, expected = (part[i].ravel() for part in (self.shares, self.rows, self.expected))
        most = np.argsort(-np.abs(share), kind="stable")[:_BLAMED]
        return [
            {
                "column": _column(self.source, int(j)),
                "share": float(share[j]),
                "found": float(row[j]),
                "expected": float(expected[j]),
            }
            for j in most[share[most] != 0]
        ]


def _column(source: Source, number: int) -> str:
    """Name one of the numbers of a row: its column, or its place in an image."""
    if source.feature_names is not None:
        return str(source.feature_names[number])
    if len(source.row_shape) == 1:
        return f"c{number}"
    import numpy as np

    place = np.unravel_index(number, source.row_shape)
    return "pixel " + ",".join(map(str, place))


def _show(worst: _Worst) -> None:
    labelled = worst.source.labels is not None
    lines = []
    for i in range(len(worst.numbers)):
        told = worst.told(i)
        numbers = [f"{told[name]:.2f}" for name in ("score", "error_part", "rarity_part")]
        about = [str(told["row"]), *([str(told["label"])] if labelled else [])]
        lines.append([*about, *numbers, _words(told["blamed"][: _TOLD[worst.of_images]])])
    columns = ["row", *(["label"] if labelled else []), "score", "error", "rarity", "to blame"]
    show_table(columns, lines, ["row", "score", "error", "rarity"])


def _words(blamed: list[dict[str, Any]]) -> str:
    told = (f"{b['column']}: {b['found']:.4g}, expected {b['expected']:.4g}" for b in blamed)
    return "; ".join(told) or "nothing"


def _written(parts: Iterator[Outliers], source: Source, write: Any) -> Iterator[Outliers]:
    """Write what is told of each row as it passes by."""
    done = 0
    for part in parts:
        write(*_columns(source, part, done))
        done += len(part.scores)
        yield part


def _write_part(path: Path, rows: Source, found: Outliers, first: int) -> None:
    """Write what is told of a part of the rows, of which the first has this number."""
    write_columns(path, *_columns(rows, found, first))


def _columns(source: Source, found: Outliers, first: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the figures of rows as columns, and those that are words in a table."""
    import numpy as np

    numbers = {"row": first + np.arange(len(found.scores))}
    numbers |= {name: getattr(found, all_rows) for name, all_rows in _FIGURES.items()}
    numbers |= {"blamed": found.blamed}
    return numbers, {"blamed": _blamed_names(source, found.blamed)}


def _blamed_names(source: Source, blamed: np.ndarray) -> list[str]:
    import numpy as np

    numbers, places = np.unique(blamed, return_inverse=True)
    names = [_column(source, int(number)) for number in numbers]
    return [names[place] for place in places]


def _draw(path: Path, worst: _Worst) -> None:
    shown = _SHOWN[worst.of_images]
    rows, expected, shares = (p[:shown] for p in (worst.rows, worst.expected, worst.shares))
    told = zip(worst.numbers[:shown], worst.found.scores, strict=False)
    captions = [f"row {number} ({score:.1f})" for number, score in told]
    with working(f"Drawing {path}…"):
        from latentmap import plots

        with plots.figure(path, *plots.blame_size(rows.shape)) as ax:
            plots.blame(rows, expected, shares, captions, ax, worst.source.feature_names)
    say(f"Wrote {path}: the {len(rows):,} rows that fit worst")
