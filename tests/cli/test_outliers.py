from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet

from latentmap import load_model
from latentmap.analysis import score_outliers
from latentmap.data import load_dataset, open_data
from latentmap.errors import TooLargeError


@pytest.fixture(scope="module")
def odd_csv(wine_csv, tmp_path_factory):
    """Write the wines, one of them with 30 % of alcohol."""
    target = tmp_path_factory.mktemp("odd") / "odd.csv"
    lines = list(csv.reader(wine_csv.read_text().splitlines()))
    lines[8][0] = "30.0"
    with target.open("w", newline="") as stream:
        csv.writer(stream).writerows(lines)
    return target


@pytest.fixture(scope="module")
def fitted_wine(run, wine_csv, tmp_path_factory):
    """Fit a model with columns of equal weight."""
    model = tmp_path_factory.mktemp("model") / "wine.safetensors"
    run("fit", wine_csv, "--label", "kind", "-n", 4, "-o", model, "--scaling", "columns")
    return model


def test_the_outlier_comes_first_with_its_column(run, fitted_wine, odd_csv, wine_csv):
    options = ["--reference", wine_csv, "-n", 3, "--json"]
    report = json.loads(run("outliers", fitted_wine, odd_csv, *options).stdout)
    assert report["rows"] == 178
    assert len(report["outliers"]) == 3
    worst = report["outliers"][0]
    assert worst["row"] == 7
    assert worst["label"] == "class_0"
    assert worst["differences"][0]["column"] == "alcohol"
    assert worst["differences"][0]["value"] == 30
    assert 10 < worst["differences"][0]["expected"] < 25
    assert worst["differences"][0]["share"] > 0.5
    scores = [row["score"] for row in report["outliers"]]
    assert scores == sorted(scores, reverse=True)


def test_a_table_is_printed(run, fitted_wine, odd_csv):
    output = run("outliers", fitted_wine, odd_csv, "-n", 2).stdout
    for words in ("score", "error", "distance", "largest differences", "alcohol: 30, expected"):
        assert words in " ".join(output.split())


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_of_all_scores(run, fitted_wine, odd_csv, tmp_path, suffix):
    target = tmp_path / f"scores{suffix}"
    output = run("outliers", fitted_wine, odd_csv, "-o", target).stderr
    assert "the scores of 178 rows" in output
    assert target.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    if suffix == ".parquet":
        rows = parquet.read_table(target).to_pylist()
    else:
        rows = list(csv.DictReader(target.read_text().splitlines()))
    names = [
        "row",
        "score",
        "error_score",
        "distance_score",
        "error",
        "distance",
        "largest_difference",
    ]
    assert list(rows[0]) == names
    assert [int(row["row"]) for row in rows] == list(range(178))
    worst = max(rows, key=lambda row: float(row["score"]))
    assert (int(worst["row"]), worst["largest_difference"]) == (7, "alcohol")


def test_an_array_of_all_scores_equals_score_outliers(run, digits_model, tmp_path):
    target = tmp_path / "scores.npy"
    run("outliers", digits_model, "digits:unseen", "--reference", "digits", "-o", target)
    scores = np.load(target, allow_pickle=False)
    model = load_model(digits_model)
    expected = score_outliers(model, open_data("digits:unseen"), reference=open_data("digits"))
    assert scores[:, 0].tolist() == list(range(359))
    assert scores[:, 1] == pytest.approx(expected.scores)
    assert scores[:, 6].tolist() == expected.top_features.tolist()


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_only_the_plot_is_written(run, plain_model, tmp_path, suffix):
    target = tmp_path / f"odd{suffix}"
    result = run("outliers", plain_model, "digits:unseen", "-n", 12, "-o", target)
    assert f"Wrote {target}: the 12 rows with the highest scores" in result.stderr
    assert "pixel " in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_a_single_row_has_score_0(run, digits_model):
    report = json.loads(run("outliers", digits_model, "digits:unseen#3", "--json").stdout)
    assert [row["score"] for row in report["outliers"]] == [0]


def test_sparse_rows_are_scored(run, words_npz, tmp_path):
    model = tmp_path / "words.safetensors"
    run("fit", words_npz, "-n", 4, "-o", model, "--epochs", 1)
    report = json.loads(run("outliers", model, words_npz, "-n", 1, "--json").stdout)
    assert report["outliers"][0]["differences"][0]["column"].startswith("c")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["wine"], "X has 13 features"),
        (["digits", "--reference", "wine"], "X has 13 features"),
        (["nope"], "unknown data set"),
        (["digits", "--reference", "nope"], "unknown data set"),
        (["{n}/nan.npy"], "X has 5 features"),
        (["digits", "-o", "a.gif"], "expected one of the suffixes .npy, .csv, .parquet, .png"),
        (["digits", "-o", "scores"], "expected one of the suffixes"),
        (["digits", "-o", "no/folder/a.csv"], "does not exist"),
        (["digits", "-n", "0"], "greater than or equal to 1"),
    ],
)
def test_invalid_arguments_are_reported(
    run, digits_model, nonsense, tmp_path, monkeypatch, arguments, words
):
    monkeypatch.chdir(tmp_path)
    texts = [text.format(n=nonsense) for text in arguments]
    result = run("outliers", digits_model, *texts, code=2)
    assert words in " ".join(result.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_rows_may_have_missing_values(run, fitted_wine, wine_csv, tmp_path):
    text = wine_csv.read_text().splitlines()
    text[5] = "," + text[5].partition(",")[2]
    (tmp_path / "gaps.csv").write_text("\n".join(text))
    result = run("outliers", fitted_wine, tmp_path / "gaps.csv", "--json")
    assert len(json.loads(result.stdout)["outliers"]) == 20


def test_rows_too_large_for_memory_are_reported(run, plain_model, monkeypatch):
    def refuse(name, needed):
        raise TooLargeError(f"{name}: needs {needed} bytes")

    monkeypatch.setattr("latentmap.cli.outlier_report.check_memory", refuse)
    result = run("outliers", plain_model, "digits:unseen", "-n", 5, code=2)
    assert "-n 5: needs" in result.stderr


def test_images_that_are_read_are_not_overwritten(run, digits_model, tmp_path):
    folder = tmp_path / "digits"
    folder.mkdir()
    for i, image in enumerate(load_dataset("digits", "unseen")[:3]):
        Image.fromarray((image * 15).astype(np.uint8)).save(folder / f"{i}.png")
    before = [path.read_bytes() for path in sorted(folder.iterdir())]
    for data, target in ((folder, folder / "1.png"), (folder / "1.png", folder / "1.csv")):
        result = run("outliers", digits_model, data, "-o", target, code=2)
        assert "expected a path for the output" in result.stderr
    assert [path.read_bytes() for path in sorted(folder.iterdir())] == before
