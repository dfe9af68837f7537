"""Tables and text of the benchmark of maps."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Any

from common import describe_machine
from map_data import LARGE_SETS, SMALL_SETS
from map_methods import METHODS
from map_metrics import HEADINGS, LOWER_IS_BETTER

# The runs of each method on each set.
Runs = dict[str, dict[str, list[dict[str, Any]]]]
OWN = "latentmap"
TIMES = {"fit_seconds": "fit, s", "transform_seconds": "place, s"}


@dataclass(frozen=True)
class Comparison:
    """A metric of latentmap on a set beside that of the best peer that places new rows.

    Attributes
    ----------
    value, error : float
        Mean and standard error of latentmap.
    peer : str
        Name of the best peer.
    peer_value : float
        Its mean.
    """

    set: str
    metric: str
    value: float
    error: float
    peer: str
    peer_value: float

    @property
    def difference(self) -> float:
        """By how much the peer is better; negative if latentmap is."""
        difference = self.peer_value - self.value
        return -difference if self.metric in LOWER_IS_BETTER else difference


def median(runs: list[dict[str, Any]], key: str) -> float:
    """Return the median of a number over the runs; NaN if a run has none."""
    return center(runs, key, statistics.median)


def mean(runs: list[dict[str, Any]], key: str) -> float:
    """Return the mean of a number over the runs; NaN if a run has none."""
    return center(runs, key, statistics.fmean)


def center(runs: list[dict[str, Any]], key: str, average: Any) -> float:
    """Return an average of a number over the runs; NaN if a run has none."""
    values = [run.get(key) for run in runs]
    is_known = [value is not None and not math.isnan(value) for value in values]
    return float(average(values)) if values and all(is_known) else math.nan


def standard_error(runs: list[dict[str, Any]], key: str) -> float:
    """Return the standard error of the mean, over rows and over seeds."""
    rows = statistics.fmean(run["errors"][key] ** 2 for run in runs)
    values = [run[key] for run in runs]
    seeds = statistics.variance(values) / len(values) if len(values) > 1 else 0.0
    return math.sqrt(rows + seeds)


def compare(runs: Runs, set_name: str, average: Any) -> list[Comparison]:
    """Compare each metric of latentmap on a set with the best peer."""
    own = runs.get(OWN, {}).get(set_name, [])
    comparisons = []
    for metric in HEADINGS:
        peers = {
            name: average(sets[set_name], metric)
            for name, sets in runs.items()
            if name != OWN and METHODS[name].places_new_rows
        }
        known = {name: value for name, value in peers.items() if not math.isnan(value)}
        value = average(own, metric)
        if known and not math.isnan(value):
            peer = (min if metric in LOWER_IS_BETTER else max)(known, key=known.__getitem__)
            error = standard_error(own, metric) if set_name in SMALL_SETS else 0.0
            comparisons.append(Comparison(set_name, metric, value, error, peer, known[peer]))
    return comparisons


def compare_sets(runs: Runs, sets: list[str]) -> list[Comparison]:
    """Compare latentmap with the best peer on all sets."""
    return [
        comparison
        for name in sets
        for comparison in compare(runs, name, mean if name in SMALL_SETS else median)
    ]


def large_table(runs: Runs, set_name: str) -> list[str]:
    """Return the table of all methods on a large set."""
    headings = [describe_set(runs, set_name), *TIMES.values(), *HEADINGS.values()]
    lines = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    for name, sets in runs.items():
        lines.append(f"| {name} | {' | '.join(large_cells(sets[set_name]))} |")
    return lines


def describe_set(runs: Runs, set_name: str) -> str:
    """Return the name of a set and its numbers of rows."""
    sizes = {
        (r["fitted"], r["unseen"]) for s in runs.values() for r in s[set_name] if "fitted" in r
    }
    return ", ".join([set_name, *(f"{n:,} fitted, {m:,} unseen" for n, m in sizes)])


def large_cells(runs: list[dict[str, Any]]) -> list[str]:
    """Return the cells of a method; the first says why there are no metrics."""
    n_empty = len(TIMES) + len(HEADINGS) - 1
    for key, text in (("over_limit", "over {}"), ("failed", "failed"), ("missing", "missing")):
        for run in runs:
            if key in run:
                return [text.format(run[key]), *["–"] * n_empty]
    times = [format_number(median(runs, key), ".2f") for key in TIMES]
    return times + [format_metric(key, median(runs, key)) for key in HEADINGS]


def small_table(comparisons: list[Comparison]) -> list[str]:
    """Return the table of small sets: latentmap and its standard error, and the best peer."""
    cells = {(c.set, c.metric): format_comparison(c) for c in comparisons}
    names = list(dict.fromkeys(c.set for c in comparisons))
    lines = [f"| latentmap, best peer | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for metric, heading in HEADINGS.items():
        row = [cells.get((name, metric), "–") for name in names]
        lines.append(f"| {heading} | {' | '.join(row)} |")
    return lines


def format_comparison(comparison: Comparison) -> str:
    """Return latentmap's value and error, and the peer's value."""
    value, error, peer = (
        format_metric(comparison.metric, number)
        for number in (comparison.value, comparison.error, comparison.peer_value)
    )
    return f"{value} ± {error}, {peer} {comparison.peer}"


def format_metric(metric: str, value: float) -> str:
    """Return a metric as text."""
    return format_number(value, ".4f" if metric == "mse" else ".3f")


def format_number(value: float, form: str) -> str:
    """Return a number as text; a dash for NaN."""
    return "–" if math.isnan(value) else format(value, form)


def peers_ahead(comparisons: list[Comparison]) -> str:
    """Return the sentence on the metrics in which a peer is ahead."""
    large = [c for c in comparisons if c.set in LARGE_SETS and c.difference > 0]
    small = [c for c in comparisons if c.set in SMALL_SETS and c.difference > c.error]
    sentences = []
    if any(c.set in LARGE_SETS for c in comparisons):
        sentences.append(f"On large sets, a peer is ahead of latentmap in {describe(large)}.")
    if any(c.set in SMALL_SETS for c in comparisons):
        sentences.append(
            "On small sets, latentmap is more than one standard error below the best peer in "
            f"{describe(small)}."
        )
    return " ".join(sentences)


def describe(comparisons: list[Comparison]) -> str:
    """Return the metrics of each set, and the peers, as text, or "no metric"."""
    parts: dict[str, list[str]] = {}
    for c in comparisons:
        parts.setdefault(c.set, []).append(f"{HEADINGS[c.metric]} ({c.peer})")
    return "; ".join(f"{', '.join(p)} on {name}" for name, p in parts.items()) or "no metric"


def caption(settings: str) -> str:
    """Return the text that explains the tables."""
    machine = describe_machine()
    return (
        "All metrics are of unseen rows. Local: accuracy of the 10 nearest fitted rows on the map, "
        "trustworthiness, continuity, and the share of the 10 and 50 nearest fitted rows that are "
        "also nearest on the map (recall). Global: accuracy of the order of distances in random "
        "triplets, and Spearman's correlation of distances and of distances of class centroids "
        "(from four classes). MSE: of the reconstruction in scaled units, where a method can "
        "invert; UMAP's `inverse_transform`, which optimises each row, is not measured. PaCMAP and "
        "LocalMAP keep their index (`save_tree=True`); earlier versions of this table measured "
        "PaCMAP with an index that is built again on each call. TriMap cannot place new rows, so "
        "its map is one of fitted and unseen rows together and is not compared with latentmap. "
        f"{settings} on {machine['cores']} cores ({machine['processor']}); "
        "`python benchmarks/maps.py`."
    )


def report_text(runs: Runs, sets: list[str], settings: str) -> str:
    """Return all tables and their captions as Markdown."""
    comparisons = compare_sets(runs, sets)
    blocks = [large_table(runs, name) for name in sets if name in LARGE_SETS]
    small = [c for c in comparisons if c.set in SMALL_SETS]
    blocks += [small_table(small)] if small else []
    texts = [peers_ahead(comparisons), caption(settings)]
    return "\n\n".join(["\n".join(block) for block in blocks] + [t for t in texts if t])
