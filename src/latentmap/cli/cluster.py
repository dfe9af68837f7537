"""``latentmap cluster``."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import typer

from latentmap.analysis.clustering import Clusters
from latentmap.analysis.clustering import cluster as cluster_codes
from latentmap.analysis.group_columns import name_row_groups
from latentmap.cli.cluster_pictures import draw_clusters, exemplars_path
from latentmap.cli.console import format_count, print_json, print_message, print_table, show_status
from latentmap.cli.model_arguments import Estimator, open_model
from latentmap.cli.options import DATA, JSON, LABEL, MODEL, SEED, option, output_path
from latentmap.cli.row_selection import check_output, open_model_rows
from latentmap.cli.streaming import encode_rows
from latentmap.cli.table_arguments import with_table_options
from latentmap.cli.table_output import TABLE_SUFFIXES, write_columns
from latentmap.data import Source
from latentmap.data.array_checks import missing_labels
from latentmap.data.table_parsing import is_string_type
from latentmap.errors import SettingError
from latentmap.files import PICTURE_SUFFIXES

EXAMPLES = (
    "latentmap cluster mnist.safetensors mnist --picture clusters.png",
    "latentmap cluster mnist.safetensors mnist -k 10 -o clusters.csv",
    "latentmap cluster flowers.safetensors rows.csv --label species --json",
)
_MAX_PRINTED_ROWS = 3
# Candidates for each exemplar; those with the smallest reconstruction error are selected.
_CANDIDATES_PER_EXEMPLAR = 2
_METHODS = {
    "density": "",
    "mixture": ", from a Gaussian mixture because the density has fewer peaks",
    "kmeans": ", from k-means because the density has fewer peaks",
}


@dataclass(frozen=True)
class _Result:
    """Rows, their codes and their clusters."""

    rows: Source
    codes: np.ndarray
    clusters: Clusters
    identifier: str | None = None  # Column of a table that names its rows.

    @cached_property
    def v_measure(self) -> float | None:
        """The V-measure of clusters and labels; None without labels."""
        if self.rows.labels is None:
            return None
        from sklearn.metrics import v_measure_score

        is_known = ~missing_labels(self.rows.labels)
        labels = self.rows.labels[is_known].astype(str)
        return float(v_measure_score(labels, self.clusters.labels[is_known]))

    @cached_property
    def names(self) -> list[str]:
        """A name for each cluster: its label, or the columns and words that distinguish it."""
        return name_row_groups(self.rows, self.clusters.labels, self.clusters.n_clusters)

    def describe(self) -> Iterator[dict[str, Any]]:
        """Yield the statistics of each cluster as plain values for JSON."""
        clusters, labels = self.clusters, self.rows.labels
        confidence = np.bincount(clusters.labels, clusters.confidence) / clusters.sizes
        for number, size in enumerate(clusters.sizes.tolist()):
            statistics = {
                "cluster": number,
                "name": self.names[number],
                "rows": size,
                "confidence": round(float(confidence[number]), 4),
                "exemplars": clusters.exemplars[number].tolist(),
            }
            if self.identifier is not None:
                table: Any = self.rows.take(clusters.exemplars[number])
                cells = table.column(self.identifier).to_pylist()
                statistics["exemplar_names"] = ["" if c is None else str(c) for c in cells]
            if labels is not None:
                members = labels[(clusters.labels == number) & ~missing_labels(labels)].astype(str)
                names, counts = np.unique(members, return_counts=True)
                statistics["label"] = str(names[counts.argmax()]) if len(names) else ""
                statistics["label_share"] = round(float(counts.max(initial=0) / size), 4)
            yield statistics

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain values for JSON."""
        values: dict[str, Any] = {
            "rows": len(self.rows),
            "n_clusters": self.clusters.n_clusters,
            "estimated": self.clusters.is_count_estimated,
            "method": self.clusters.method,
            "clusters": list(self.describe()),
        }
        return values if self.v_measure is None else {**values, "v_measure": self.v_measure}


@with_table_options
def cluster(
    model: Path = MODEL,
    data: str = DATA,
    k: int | None = typer.Option(
        None,
        "-k",
        "--clusters",
        min=1,
        help="Number of clusters. By default it is estimated from the codes.",
        show_default=False,
    ),
    output: Path | None = output_path(
        "FILE",
        "Table to write (.csv, .parquet or .npy): the cluster of each row and its confidence. "
        ".csv and .parquet include the labels.",
    ),
    picture: Path | None = option(
        "FILE",
        "Scatter plot of the clusters to write (.png, .pdf or .svg). For images, the "
        "exemplars of each cluster, its most typical rows, are drawn next to it.",
    ),
    exemplars: int = typer.Option(
        10, min=1, max=1000, help="Number of exemplars to report for each cluster."
    ),
    seed: int = SEED,
    label: str | None = LABEL,
    as_json: bool = JSON,
) -> None:
    """Cluster rows by their codes.

    Each cluster is a peak of the density of the codes, separated from the others by sparse
    regions. The confidence of a row is the share of its nearest neighbours that are in the same
    cluster. Labels are not used, but if there are labels, the clusters are compared with them.
    """
    inputs = (model, data)
    use_picture = dict.fromkeys(PICTURE_SUFFIXES, "use --picture for a picture")
    check_output(output, TABLE_SUFFIXES, inputs, hints=use_picture)
    use_output = dict.fromkeys(TABLE_SUFFIXES, "use --output for a table")
    check_output(picture, PICTURE_SUFFIXES, inputs, hints=use_output)
    check_output(picture and exemplars_path(picture), (), inputs)
    estimator = open_model(model)
    rows = open_model_rows(estimator, data, label)
    result = _find_clusters(estimator, rows, k, exemplars, seed)
    if as_json:
        print_json({"model": str(model), "data": data, **result.as_dict()})
    else:
        _print(result)
    if output is not None:
        _write(output, result)
    if picture is not None:
        draw_clusters(picture, rows, result.codes, result.clusters)


def _find_clusters(
    model: Estimator, rows: Source, k: int | None, n_exemplars: int, seed: int
) -> _Result:
    if k is not None and k > len(rows):
        raise SettingError(f"-k: expected at most the {len(rows):,} rows of {rows.name}, found {k}")
    codes = encode_rows(model, rows)
    clusters = cluster_codes(
        codes, k, n_exemplars=_CANDIDATES_PER_EXEMPLAR * n_exemplars, seed=seed, verbose=True
    )
    exemplars = _select_exemplars(model, rows, clusters, n_exemplars)
    clusters = replace(clusters, exemplars=exemplars)
    return _Result(rows, codes, clusters, _find_identifier(model, rows))


def _find_identifier(model: Estimator, rows: Source) -> str | None:
    """Return the first column of strings that the model was not fitted to, if there is one."""
    if model.table_ is None or rows.table_schema is None:
        return None
    schema = rows.table_schema.schema
    names = (name for name in model.table_.ignored if name in schema.names)
    return next((name for name in names if is_string_type(schema.field(name).type)), None)


def _select_exemplars(
    model: Estimator, rows: Source, clusters: Clusters, count: int
) -> tuple[np.ndarray, ...]:
    """Select the exemplars with the smallest reconstruction errors.

    The code of an unusual row can be typical by mistake, but its reconstruction error is large.
    """
    with show_status("Selecting exemplars…"):
        errors = model.reconstruction_error(rows.subset(np.concatenate(clusters.exemplars)))
    bounds = np.cumsum([len(numbers) for numbers in clusters.exemplars])[:-1]
    return tuple(
        numbers[np.sort(np.argsort(error, kind="stable")[:count])]
        for numbers, error in zip(clusters.exemplars, np.split(errors, bounds), strict=True)
    )


def _write(path: Path, result: _Result) -> None:
    clusters, labels = result.clusters, result.rows.labels
    numbers = {"cluster": clusters.labels, "confidence": clusters.confidence.astype("float32")}
    write_columns(path, numbers, {} if labels is None else {"label": labels})
    print_message(f"Wrote {path}: {_summarize(result)}")


def _summarize(result: _Result) -> str:
    n_clusters = format_count(result.clusters.n_clusters, "cluster")
    return f"{n_clusters} of {format_count(len(result.rows), 'row')}"


def _print(result: _Result) -> None:
    columns = ["rows", "share", "confidence"]
    label = [] if result.rows.labels is None else ["label"]
    table = [_format_line(statistics, len(result.rows)) for statistics in result.describe()]
    header = ["cluster", "name", *columns, *label, "exemplars"]
    print_table(header, table, ["cluster", *columns])
    print_message(_summarize(result) + _METHODS[result.clusters.method])
    if result.v_measure is not None and result.clusters.n_clusters > 1:
        print_message(f"V-measure of clusters and labels: {result.v_measure:.3f}")


def _format_line(statistics: dict[str, Any], n_rows: int) -> list[str]:
    line = [
        str(statistics["cluster"]),
        statistics["name"],
        f"{statistics['rows']:,}",
        f"{statistics['rows'] / n_rows:.1%}",
        f"{statistics['confidence']:.1%}",
    ]
    if "label" in statistics:
        line.append(f"{statistics['label']} ({statistics['label_share']:.1%})")
    exemplars = [str(row) for row in statistics["exemplars"][:_MAX_PRINTED_ROWS]]
    if "exemplar_names" in statistics:
        pairs = zip(exemplars, statistics["exemplar_names"], strict=False)
        exemplars = [f"{row} ({name})" for row, name in pairs]
    return [*line, ", ".join(exemplars)]
