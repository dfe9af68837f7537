"""``latentmap cluster``: rows in groups, by their codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentmap.cli.cluster_pictures import beside, count_of, draw_clusters, rows_of
from latentmap.cli.console import say, show_json, show_table, working
from latentmap.cli.model_arguments import check_columns, open_model
from latentmap.cli.options import Data, Json, Label, Model
from latentmap.cli.table_output import SUFFIXES, write_columns
from latentmap.errors import SettingError

if TYPE_CHECKING:
    import numpy as np

    from latentmap.analysis.clustering import Clusters
    from latentmap.data import Source

__all__ = ["EXAMPLES", "cluster"]

EXAMPLES = {
    "cluster": (
        "latentmap cluster mnist.safetensors mnist --picture clusters.png",
        "latentmap cluster mnist.safetensors mnist -k 10 -o clusters.csv",
        "latentmap cluster flowers.safetensors rows.csv --label species --json",
    ),
}
_TOLD = 3  # typical rows told of on the screen
_CANDIDATES = 2  # rows looked at for each typical one
_HOW = {
    "density": "",
    "mixture": ", parted as a mixture of Gaussians: the codes do not show so many",
    "means": ", parted by k-means: the codes do not show so many",
}


@dataclass(frozen=True)
class _Answer:
    """Rows, their codes and their clusters."""

    rows: Source
    codes: np.ndarray
    groups: Clusters

    @cached_property
    def main_labels(self) -> list[tuple[Any, float]] | None:
        """The label that most rows of each cluster have, and their share."""
        import numpy as np

        if self.rows.labels is None:
            return None
        names, numbers = np.unique(self.rows.labels.astype(str), return_inverse=True)
        found = []
        for group in range(self.groups.n_clusters):
            counts = np.bincount(numbers[self.groups.labels == group])
            found.append((str(names[counts.argmax()]), float(counts.max() / counts.sum())))
        return found

    @cached_property
    def agreement(self) -> float | None:
        """The V-measure of clusters and labels."""
        if self.rows.labels is None:
            return None
        from sklearn.metrics import v_measure_score

        return float(v_measure_score(self.rows.labels.astype(str), self.groups.labels))


def cluster(
    model: Model,
    data: Data,
    k: Annotated[
        int | None,
        typer.Option(
            "-k",
            "--clusters",
            min=1,
            help="How many clusters; by default as many as the codes show.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="The cluster of each row, and how sure it is: .csv, .parquet or .npy. Tables keep "
            "the labels.",
            show_default=False,
        ),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The clusters drawn on the codes (.png, .pdf or .svg); of images also the most "
            "typical of each, beside it.",
            show_default=False,
        ),
    ] = None,
    typical: Annotated[
        int, typer.Option(min=1, help="Typical rows to name for each cluster.")
    ] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Makes the clusters repeatable.")] = 0,
    label: Label = None,
    as_json: Json = False,
) -> None:
    """Group rows by their codes.

    Clusters are peaks of the codes' density that deep passes part. Every row goes with most of its
    nearest codes; how sure that is tells their share. Labels take no part: where rows have some,
    they are compared.
    """
    _check_outputs(output, picture, model, data)
    fitted = open_model(model)
    from latentmap.cli.row_selection import open_rows

    rows = open_rows(data, label, (fitted.figures_ or {}).get("label"))
    check_columns(fitted, rows)
    answer = _grouped(fitted, rows, k, typical, seed)
    if as_json:
        show_json({"model": str(model), "data": data, **_plain(answer)})
    else:
        _tell(answer)
    if output is not None:
        _write_table(output, answer)
    if picture is not None:
        draw_clusters(picture, rows, answer.codes, answer.groups)


def _check_outputs(output: Path | None, picture: Path | None, *inputs: str | Path) -> None:
    from latentmap.cli.row_selection import input_paths
    from latentmap.files import PICTURE_SUFFIXES, check_output_path

    read = input_paths(*inputs)
    if output is not None:
        check_output_path(output, SUFFIXES, read)
    if picture is not None:
        check_output_path(picture, PICTURE_SUFFIXES, read)
        check_output_path(beside(picture), inputs=read)


def _grouped(model: Any, rows: Source, k: int | None, typical: int, seed: int) -> _Answer:
    from latentmap.cli.streaming import codes_of

    if k is not None and k > len(rows):
        raise SettingError(f"-k: expected at most the {len(rows):,} rows of {rows.name}, found {k}")
    codes = codes_of(model, rows)
    with working("Starting to group…"):
        from latentmap.analysis.clustering import cluster
    groups = cluster(codes, k, typical=_CANDIDATES * typical, seed=seed, verbose=True)
    return _Answer(
        rows, codes, replace(groups, typical=_best_fitting(model, rows, groups, typical))
    )


def _best_fitting(model: Any, rows: Source, groups: Clusters, most: int) -> tuple[np.ndarray, ...]:
    """Keep those of each cluster's typical rows that the model reconstructs best.

    A row may have a typical code by mistake, and look like nothing else there.
    """
    import numpy as np

    with working("Looking for typical rows…"):
        errors = model.reconstruction_error(rows.subset(np.concatenate(groups.typical)))
    bounds = np.cumsum([len(numbers) for numbers in groups.typical])[:-1]
    return tuple(
        numbers[np.sort(np.argsort(error, kind="stable")[:most])]
        for numbers, error in zip(groups.typical, np.split(errors, bounds), strict=True)
    )


# -- what is written -------------------------------------------------------------------------------


def _write_table(path: Path, answer: _Answer) -> None:
    groups = answer.groups
    labels = answer.rows.labels
    numbers = {"cluster": groups.labels, "sure": groups.sure.astype("float32")}
    write_columns(path, numbers, None if labels is None else {"label": labels})
    say(f"Wrote {path}: {count_of(groups.n_clusters)} of {rows_of(len(answer.rows))}")


# -- what is told ----------------------------------------------------------------------------------


def _plain(answer: _Answer) -> dict[str, Any]:
    """Give what was found in what JSON holds."""
    groups = answer.groups
    told: dict[str, Any] = {
        "rows": len(answer.rows),
        "n_clusters": groups.n_clusters,
        "found": groups.found,
        "by": groups.by,
        "clusters": list(_figures(answer)),
    }
    if answer.agreement is not None:
        told["v_measure"] = answer.agreement
    return told


def _figures(answer: _Answer) -> Iterator[dict[str, Any]]:
    import numpy as np

    groups = answer.groups
    sure = np.bincount(groups.labels, groups.sure) / groups.sizes
    for group, size in enumerate(groups.sizes.tolist()):
        figures = {
            "cluster": group,
            "rows": size,
            "sure": round(float(sure[group]), 4),
            "typical": groups.typical[group].tolist(),
        }
        if answer.main_labels is not None:
            name, share = answer.main_labels[group]
            figures |= {"label": name, "label_share": round(share, 4)}
        yield figures


def _tell(answer: _Answer) -> None:
    groups = answer.groups
    shown = ["cluster", "rows", "share", "sure", *_SHOWN[answer.main_labels is not None]]
    table = [
        [_TEXTS[name](figures, len(answer.rows)) for name in shown] for figures in _figures(answer)
    ]
    show_table(shown, table, ("cluster", "rows", "share", "sure"))
    seen = "found in" if groups.found else "of"
    say(f"{count_of(groups.n_clusters)} {seen} {rows_of(len(answer.rows))}{_HOW[groups.by]}")
    if answer.agreement is not None and groups.n_clusters > 1:
        say(f"Clusters and labels agree by a V-measure of {answer.agreement:.3f}")


_SHOWN = {False: ("typical rows",), True: ("label", "typical rows")}
_TEXTS: dict[str, Callable[[dict[str, Any], int], str]] = {
    "cluster": lambda figures, rows: str(figures["cluster"]),
    "rows": lambda figures, rows: f"{figures['rows']:,}",
    "share": lambda figures, rows: f"{figures['rows'] / rows:.1%}",
    "sure": lambda figures, rows: f"{figures['sure']:.1%}",
    "label": lambda figures, rows: f"{figures['label']} ({figures['label_share']:.1%})",
    "typical rows": lambda figures, rows: ", ".join(map(str, figures["typical"][:_TOLD])),
}
