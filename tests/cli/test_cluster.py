from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import v_measure_score

from latentmap import load_model
from latentmap.analysis import cluster
from latentmap.data import open_data


def test_clusters_are_written_printed_and_drawn(run, digits_model, tmp_path):
    table, picture = tmp_path / "c.csv", tmp_path / "c.png"
    result = run("cluster", digits_model, "digits", "-o", table, "--picture", picture)
    with table.open() as stream:
        lines = list(csv.DictReader(stream))
    digits = open_data("digits")
    expected = cluster(load_model(digits_model).transform(digits))
    assert [line["cluster"] for line in lines] == [str(label) for label in expected.labels]
    assert [int(line["label"]) for line in lines] == digits.labels.tolist()
    assert all(0 <= float(line["confidence"]) <= 1 for line in lines)
    assert picture.read_bytes()[1:4] == (tmp_path / "c.exemplars.png").read_bytes()[1:4] == b"PNG"
    count = expected.n_clusters
    assert f"{count} clusters of {len(digits):,} rows" in result.stderr
    assert f"Wrote {table}: {count} clusters" in result.stderr
    assert "exemplars" in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.csv", "c.exemplars.png", "c.png"]


def test_json_contains_sizes_exemplars_and_v_measure(run, digits_model, tmp_path):
    output = run("cluster", digits_model, "digits", "-k", 10, "--exemplars", 4, "--json")
    report, digits = json.loads(output.stdout), open_data("digits")
    clusters = cluster(load_model(digits_model).transform(digits), 10)
    assert report["n_clusters"] == len(report["clusters"]) == 10
    assert report["estimated"] is False
    assert [summary["rows"] for summary in report["clusters"]] == clusters.sizes.tolist()
    assert report["v_measure"] == pytest.approx(v_measure_score(digits.labels, clusters.labels))
    for number, summary in enumerate(report["clusters"]):
        assert (clusters.labels[summary["exemplars"]] == number).all()
        assert len(summary["exemplars"]) == 4
        labels = digits.labels[clusters.labels == number]
        assert summary["label_share"] == pytest.approx(
            (labels == int(summary["label"])).mean(), abs=1e-4
        )


def test_rows_of_a_table_are_clustered(run, wine_model, wine_csv, tmp_path):
    out = tmp_path / "wine.npy"
    options = ["-k", 3, "-o", out, "--picture", tmp_path / "wine.svg"]
    run("cluster", wine_model, wine_csv, *options)
    table = np.load(out)
    assert table.shape == (178, 2)
    assert np.unique(table[:, 0]).tolist() == [0, 1, 2]
    assert not (tmp_path / "wine.exemplars.svg").exists()  # rows of a table are no images


def test_rows_without_labels_have_no_v_measure(run, wine_model, wine_csv, tmp_path):
    lines = wine_csv.read_text().splitlines()
    (tmp_path / "bare.csv").write_text("\n".join(line.rpartition(",")[0] for line in lines))
    report = json.loads(run("cluster", wine_model, tmp_path / "bare.csv", "-k", 2, "--json").stdout)
    assert "v_measure" not in report
    assert "label" not in report["clusters"][0]


def test_one_row_is_one_cluster(run, wine_model, wine_csv, tmp_path):
    (tmp_path / "one.csv").write_text("\n".join(wine_csv.read_text().splitlines()[:2]))
    options = ["--picture", tmp_path / "one.png"]
    assert "1 cluster of 1 row" in run("cluster", wine_model, tmp_path / "one.csv", *options).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["digits", "-k", "9999"], "-k: expected at most the 1,438 rows of digits, found 9999"),
        (["digits", "-k", "0"], "greater than or equal to 1"),
        (["digits", "-o", "c.txt"], "c.txt: expected one of the suffixes .npy, .csv, .parquet"),
        (["digits", "--picture", "c.gif"], "c.gif: expected one of the suffixes .png, .pdf, .svg"),
        (["digits", "-o", "nowhere/c.csv"], "the folder nowhere does not exist"),
        (["wine"], "X has 13 features"),
        (["{n}/nan.npy"], "nan.npy"),
        (["nope"], "unknown data set"),
    ],
)
def test_invalid_arguments_are_reported(run, digits_model, nonsense, arguments, words):
    texts = [argument.format(n=nonsense) for argument in arguments]
    result = run("cluster", digits_model, *texts, code=2)
    assert words in result.stderr.splitlines()[-1]


def test_files_that_are_not_models_are_reported(run, nonsense):
    for name in ("noise", "empty"):
        result = run("cluster", nonsense / f"{name}.safetensors", "digits", code=2)
        assert name in result.stderr.splitlines()[-1]


def test_exemplars_of_a_table_have_the_names_of_their_rows(run, tmp_path):
    path, model = tmp_path / "people.csv", tmp_path / "m.safetensors"
    lines = [f"person {i},{i % 2 * 9 + i / 40},{i % 3}.5" for i in range(40)]
    path.write_text("\n".join(["name,size,mass", *lines]))
    run("fit", path, "-o", model, "--epochs", 1, "--recipe", "dense")
    result = json.loads(run("cluster", model, path, "-k", 2, "--json").stdout)
    for statistics in result["clusters"]:
        assert statistics["exemplar_names"] == [f"person {i}" for i in statistics["exemplars"]]
    assert "(person " in run("cluster", model, path, "-k", 2).stdout


def test_clusters_are_named_by_columns(run, tmp_path):
    rng = np.random.default_rng(0)
    member = np.arange(120) % 2
    frame = pd.DataFrame(
        {
            "age": rng.normal(20 + 40 * member, 2),
            "member": np.where(member, "true", "false"),
            "height": rng.normal(170, 5, 120),
        }
    )
    path = tmp_path / "people.csv"
    frame.to_csv(path, index=False)
    model = tmp_path / "people.safetensors"
    run("fit", path, "-o", model, "--epochs", "2")
    result = json.loads(run("cluster", model, path, "-k", "2", "--json").stdout)
    names = {cluster["name"] for cluster in result["clusters"]}
    assert len(names) == 2
    assert all("age" in name or "member" in name for name in names)
