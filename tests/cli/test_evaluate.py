from __future__ import annotations

import json

import numpy as np
import pytest

from latentmap import load_model
from latentmap.data import load_dataset, open_data
from latentmap.metrics import neighbor_accuracy, neighbor_recall


def read_metrics(result):
    return json.loads(result.stdout)


def test_a_named_data_set_is_evaluated_on_its_unseen_rows(run, digits_model):
    metrics = read_metrics(run("evaluate", digits_model, "digits", "--json"))
    model = load_model(digits_model)
    unseen, fitted = load_dataset("digits", "unseen"), load_dataset("digits")
    assert metrics["measured_on"] == "the 359 unseen rows of digits"
    assert metrics["mse"] == pytest.approx(model.reconstruction_error(unseen).mean())
    codes = model.transform(unseen), unseen.labels, model.transform(fitted), fitted.labels
    assert metrics["accuracy_5"] == pytest.approx(neighbor_accuracy(*codes, k=5))
    for k in (10, 50):
        expected = neighbor_recall(unseen, codes[0], fitted, codes[2], k=k)
        assert metrics[f"recall_{k}"] == pytest.approx(expected, abs=0.003)


def test_fitted_data_is_evaluated_on_its_held_out_rows(run, wine_model, wine_csv):
    metrics = read_metrics(run("evaluate", wine_model, wine_csv, "--json"))
    fit_report = load_model(wine_model).fit_report_
    held_out = open_data(wine_csv, label="kind").split(18, 0)[1]
    assert metrics["rows"] == 18
    assert metrics["mse"] == pytest.approx(fit_report["mse"])
    # `fit` takes the codes of the fitted rows from the map, and `evaluate` computes them.
    assert metrics["recall_10"] == pytest.approx(fit_report["recall_10"])
    expected = load_model(wine_model).reconstruction_error(held_out).mean()
    assert metrics["mse"] == pytest.approx(expected)
    assert "held out" in metrics["measured_on"]
    assert "recall_50" in metrics  # among the 160 fitted rows


def test_other_data_is_evaluated_on_all_rows(run, wine_model, wine_csv, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("".join(wine_csv.read_text().splitlines(keepends=True)[:101]))
    metrics = read_metrics(run("evaluate", wine_model, other, "--json"))
    assert metrics["rows"] == 100
    assert metrics["measured_on"] == "all 100 rows of other.csv"
    assert 0 <= metrics["accuracy_5"] <= 1  # one row left out at a time
    assert 0 < metrics["recall_10"] < 1


def test_rows_without_labels_have_no_accuracy(run, wine_model, wine_csv, tmp_path):
    lines = wine_csv.read_text().splitlines()[:51]
    (tmp_path / "bare.csv").write_text("\n".join(line.rpartition(",")[0] for line in lines))
    metrics = read_metrics(run("evaluate", wine_model, tmp_path / "bare.csv", "--json"))
    assert metrics["rows"] == 50
    assert not {"accuracy_5", "centroid_rank_correlation"} & set(metrics)


def test_unlabelled_fitted_data_has_a_recall_among_the_fitted_rows(run, tmp_path):
    rows = np.random.default_rng(0).normal(size=(100, 4))
    np.save(tmp_path / "a.npy", rows)
    path = tmp_path / "m.safetensors"
    run("fit", tmp_path / "a.npy", "-o", path, "--epochs", 1)
    metrics = read_metrics(run("evaluate", path, tmp_path / "a.npy", "--json"))
    fitted, unseen = open_data(tmp_path / "a.npy").split(10, 0)
    model = load_model(path)
    expected = neighbor_recall(unseen, model.transform(unseen), fitted, model.transform(fitted))
    assert metrics["recall_10"] == pytest.approx(expected)
    assert load_model(path).fit_report_["recall_10"] == pytest.approx(expected)


def test_local_global_and_reconstruction_metrics_are_printed_in_this_order(run, digits_model):
    output = run("evaluate", digits_model, "digits").stdout
    names = (
        *("the 359 unseen rows of digits", "10-NN accuracy", "neighbour recall at 10"),
        *("trustworthiness", "continuity", "triplet accuracy", "distance correlation"),
        *("centroid correlation", "mean squared error", "speed of encoding"),
    )
    positions = [output.find(name) for name in names]
    assert -1 not in positions
    assert positions == sorted(positions)


@pytest.mark.parametrize(
    ("data", "words"),
    [("wine", "X has 13 features"), ("nope", "unknown data set"), ("{n}/nan.npy", "nan.npy")],
)
def test_invalid_data_is_reported(run, digits_model, nonsense, data, words):
    result = run("evaluate", digits_model, data.format(n=nonsense), code=2)
    assert words in result.stderr.splitlines()[-1]


def test_data_with_a_changed_row_is_other_data(run, tmp_path):
    rows = np.random.default_rng(0).normal(size=(100, 4))
    np.save(tmp_path / "a.npy", rows)
    model = tmp_path / "m.safetensors"
    run("fit", tmp_path / "a.npy", "-o", model, "--epochs", 1)
    assert read_metrics(run("evaluate", model, tmp_path / "a.npy", "--json"))["rows"] == 10
    rows[0] += 1
    np.save(tmp_path / "a.npy", rows)
    assert read_metrics(run("evaluate", model, tmp_path / "a.npy", "--json"))["rows"] == 100
