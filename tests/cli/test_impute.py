from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from latentmap import AutoEncoder, load_model


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Write 100 people with gaps to a Parquet file, and a model of them; return both paths."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("people")
    age = rng.uniform(1, 90, 100)
    kind = np.where(age > 18, "adult", "child").astype(object)
    frame = pd.DataFrame({"age": age, "height": 60 + age, "kind": kind})
    frame.loc[:9, "age"] = np.nan
    frame.loc[5:7, "kind"] = None
    frame.to_parquet(folder / "people.parquet")
    model = AutoEncoder(1, epochs=2, random_state=0).fit(frame)
    model.save(folder / "people.safetensors")
    return folder / "people.safetensors", folder / "people.parquet"


@pytest.mark.parametrize(("suffix", "read"), [("csv", pd.read_csv), ("parquet", pd.read_parquet)])
def test_impute_writes_the_filled_table(run, people, tmp_path, suffix, read):
    model, data = people
    output = tmp_path / f"complete.{suffix}"
    result = run("impute", model, data, "-o", output)
    expected = load_model(model).impute(pd.read_parquet(data))
    pd.testing.assert_frame_equal(read(output), expected, check_dtype=False)
    assert "100 rows, 13 values filled" in result.stderr
    age, kind = (line.split() for line in result.stdout.splitlines()[1:])
    assert age[:2] == ["age", "10"]
    assert kind[:2] == ["kind", "3"]
    assert 0 < float(age[2]) <= 1


def test_json_gives_counts_and_confidences(run, people, tmp_path):
    model, data = people
    result = run("impute", model, data, "-o", tmp_path / "complete.csv", "--json")
    report = json.loads(result.stdout)
    assert report["columns"]["age"]["filled"] == 10
    assert set(report["columns"]) == {"age", "kind"}


def test_batch_size_does_not_change_the_values(run, people, tmp_path, monkeypatch):
    model, data = people
    run("impute", model, data, "-o", tmp_path / "whole.parquet")
    monkeypatch.setattr("latentmap.data.batching.BATCH_ROWS", 30)
    run("impute", model, data, "-o", tmp_path / "parts.parquet")
    whole, parts = (pd.read_parquet(tmp_path / f"{n}.parquet") for n in ("whole", "parts"))
    pd.testing.assert_frame_equal(whole, parts)


def test_labels_are_kept(run, people, tmp_path):
    model, data = people
    frame = pd.read_parquet(data).assign(group=np.arange(100) % 2)
    frame.to_parquet(tmp_path / "labelled.parquet")
    output = tmp_path / "complete.csv"
    run("impute", model, tmp_path / "labelled.parquet", "--label", "group", "-o", output)
    complete = pd.read_csv(output)
    assert complete["group"].tolist() == frame["group"].tolist()
    assert "label" not in complete


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("missing", ["number", "name"])
def test_missing_labels_stay_missing(run, people, tmp_path, suffix, missing):
    model, data = people
    frame, labels = pd.read_parquet(data), np.arange(100)
    frame["group"] = labels / 2 if missing == "number" else np.array(["a", "b"])[labels % 2]
    frame.loc[:9, "group"] = None
    getattr(frame, f"to_{suffix}")(tmp_path / f"labelled.{suffix}", index=False)
    output = tmp_path / f"complete.{suffix}"
    result = run("impute", model, tmp_path / f"labelled.{suffix}", "--label", "group", "-o", output)
    complete = pd.read_csv(output) if suffix == "csv" else pd.read_parquet(output)
    assert complete["group"].isna().tolist() == frame["group"].isna().tolist()
    assert complete["group"][10:].tolist() == frame["group"][10:].tolist()
    assert complete[["age", "kind"]].notna().all().all()
    assert "group" not in result.stdout


def test_a_fitted_column_is_not_a_label(run, people, tmp_path):
    model, data = people
    column = pd.read_parquet(data).columns[0]
    result = run("impute", model, data, "--label", column, "-o", tmp_path / "a.csv", code=2)
    assert f"--label {column}: expected a column that the model was not fitted to" in result.stderr


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("rows.npy", "expected one of the suffixes"),
        ("rows.csv", "expected a model that was fitted"),
    ],
)
def test_invalid_arguments_are_reported(run, digits_model, tmp_path, output, words):
    result = run("impute", digits_model, "digits", "-o", tmp_path / output, code=2)
    assert words in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
