"""Tests of the statistics, the tables and the time limit of the benchmark of maps."""

import argparse
import importlib
import json
import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def test_sentences_of_a_docstring_without_code(module):
    text = """Compute the mean of all the values in each column.

    The values may be missing in some of the rows. They are then left out of the mean of a column.

    >>> mean([1, 2])  # This is an example and not a sentence of text.
    """
    assert list(module("map_data").sentences(text)) == [
        "Compute the mean of all the values in each column.",
        "The values may be missing in some of the rows.",
        "They are then left out of the mean of a column.",
    ]


def test_split_holds_out_each_row_once(module):
    rows = np.arange(20.0)[:, None]
    data = module("map_data").split_rows(rows, np.arange(20) % 2, 5)
    assert sorted(np.concatenate([data.fitted, data.unseen]).ravel()) == list(range(20))
    assert len(data.unseen) == 5
    assert np.array_equal(data.unseen_labels, data.unseen.ravel() % 2)


def test_standard_errors_of_accuracy_and_recall(module):
    rng = np.random.default_rng(0)
    fitted, unseen = rng.normal(size=(500, 4)), rng.normal(size=(400, 4))
    data = module("map_data").MapData(fitted, unseen, fitted[:, 0] > 0, unseen[:, 0] > 0)
    codes = fitted[:, :2], unseen[:, :2]
    metrics = module("map_metrics").measure_codes(data, *codes)
    errors = module("map_metrics").standard_errors(data, *codes)
    p = metrics["accuracy_10"]
    assert errors["accuracy_10"] == pytest.approx(np.sqrt(p * (1 - p) / 400))
    recall = importlib.import_module("latentmap.metrics").neighbor_recall_per_row(
        unseen, codes[1], fitted, codes[0]
    )
    assert np.isnan(metrics["centroids"])  # There are two classes.
    assert errors["recall_10"] == pytest.approx(recall.std() / 20, rel=0.5)


def run(**metrics):
    return {"recall_10": 0.5, "errors": {"recall_10": 0.03, "mse": 0.1}, **metrics}


def test_standard_error_over_rows_and_seeds(module):
    runs = [run(recall_10=0.4), run(recall_10=0.6)]
    # The variance over the seeds is 0.02, that of the mean of two seeds 0.01.
    expected = np.sqrt(0.03**2 + 0.01)
    assert module("map_tables").standard_error(runs, "recall_10") == pytest.approx(expected)


def test_comparison_with_the_best_peer_that_places_new_rows(module):
    tables = module("map_tables")
    runs = {
        "PCA": {"iris": [run(recall_10=0.52, mse=1.0)]},
        "UMAP": {"iris": [run(recall_10=0.54, mse=float("nan"))]},
        "TriMap": {"iris": [run(recall_10=0.9)]},
        "latentmap": {"iris": [run(mse=1.05)]},
    }
    recall, mse = tables.compare_sets(runs, ["iris"])
    assert (recall.peer, recall.peer_value) == ("UMAP", 0.54)
    assert recall.difference > recall.error
    assert (mse.peer, mse.difference) == ("PCA", pytest.approx(0.05))
    assert mse.difference < mse.error
    assert tables.peers_ahead([recall, mse]).endswith("in recall 10 (UMAP) on iris.")


def test_table_says_that_a_method_exceeded_the_limit(module):
    runs = {"UMAP": {"mnist": [{"over_limit": 300}]}, "PCA": {"mnist": [run(fit_seconds=1.0)]}}
    lines = module("map_tables").large_table(runs, "mnist")
    assert lines[2].startswith("| UMAP | over 300 | –")
    assert lines[3].startswith("| PCA | 1.00 | – | – | – | – | 0.500 |")
    assert len({line.count("|") for line in lines}) == 1


def test_sets_after_the_one_that_exceeds_the_limit_are_measured(module, monkeypatch):
    maps = module("maps")
    commands = []

    def end_at_wine(command, **_):
        names = command[command.index("--data") + 1 :]
        commands.append(names)
        done = names[: names.index("wine")] if "wine" in names else names
        lines = [json.dumps({"set": name, "recall_10": 1.0}) for name in done]
        code = -signal.SIGALRM if "wine" in names else 0
        return SimpleNamespace(stdout="\n".join(["text", *lines]), returncode=code)

    monkeypatch.setattr(maps.subprocess, "run", end_at_wine)
    options = argparse.Namespace(limit=5, cache=Path(), rows=None)
    runs = maps.run_process("UMAP", 0, ["iris", "wine", "faces"], options)
    assert [(r["set"], r.get("over_limit")) for r in runs] == [
        ("iris", None),
        ("wine", 5),
        ("faces", None),
    ]
    assert commands == [["iris", "wine", "faces"], ["faces"]]


def test_recorded_runs_are_not_repeated(module, monkeypatch, tmp_path):
    maps = module("maps")
    calls = []

    def measure(name, seed, sets, options):
        calls.append((name, seed, sets))
        return [{"set": s, "seed": seed, "fit_seconds": 1.0} for s in sets]

    monkeypatch.setattr(maps, "run_process", measure)
    options = argparse.Namespace(only=["PCA"], record=tmp_path / "runs.jsonl")
    maps.run_in_turns(["iris"], [0], options)
    calls.clear()
    runs = maps.run_in_turns(["iris", "wine"], [0, 1], options)
    assert calls == [("PCA", 0, ["wine"]), ("PCA", 1, ["iris", "wine"])]
    assert [run["seed"] for run in runs["PCA"]["iris"]] == [0, 1]
