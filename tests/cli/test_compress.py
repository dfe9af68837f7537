from __future__ import annotations

import json

import numpy as np
import pytest
from pyarrow import parquet

from latentmap import load_model
from latentmap.data import load_dataset, open_data


@pytest.fixture(scope="module")
def digits_codes(run, digits_model, tmp_path_factory):
    """Compress the unseen digits; return the file and the result."""
    path = tmp_path_factory.mktemp("codes") / "digits.codes"
    return path, run("compress", digits_model, "digits:unseen", "-o", path, "--json")


def test_ratio_and_error_are_reported(digits_codes, digits_model):
    path, result = digits_codes
    output = json.loads(result.stdout)
    unseen, model = load_dataset("digits", "unseen"), load_model(digits_model)
    assert output["rows"] == 359
    assert output["file_bytes"] == path.stat().st_size
    assert output["ratio"] == pytest.approx(unseen.nbytes / path.stat().st_size)
    assert output["model_mse"] == pytest.approx(model.reconstruction_error(unseen).mean(), rel=1e-4)
    assert output["model_mse"] < output["mse"] <= 1.05 * output["model_mse"]
    assert f"digits.codes: 359 rows in {path.stat().st_size:,} bytes" in result.stderr
    assert "times smaller than the original" in result.stderr
    assert f"Mean squared error of scaled rows: {output['mse']:.4g}" in result.stderr


def test_restored_rows_have_the_reported_error(run, digits_codes, digits_model, tmp_path):
    path, result = digits_codes
    message = run("decompress", digits_model, path, "-o", tmp_path / "rows.npy").stderr
    assert "rows.npy: 359 rows" in message
    restored, unseen = np.load(tmp_path / "rows.npy"), load_dataset("digits", "unseen")[:]
    assert restored.shape == unseen.shape
    scale = load_model(digits_model).scale_
    error = np.mean(((restored - unseen) / scale) ** 2)
    assert error == pytest.approx(json.loads(result.stdout)["mse"], rel=1e-4)


def test_rows_are_restored_as_images(run, digits_codes, digits_model, tmp_path):
    run("decompress", digits_model, digits_codes[0], "-o", tmp_path / "rows.npy")
    run("decompress", digits_model, digits_codes[0], "-o", tmp_path / "images")
    images = open_data(tmp_path / "images")
    assert images.dtype == np.uint8
    expected = np.clip(np.load(tmp_path / "rows.npy"), 0, 255)
    assert np.abs(images[:] - expected).max() <= 0.5001


def test_a_table_is_restored_with_names_and_labels(run, wine_model, wine_csv, tmp_path):
    run("compress", wine_model, wine_csv, "-o", tmp_path / "wine.codes")
    run("decompress", wine_model, tmp_path / "wine.codes", "-o", tmp_path / "wine.parquet")
    original = open_data(wine_csv, label="kind").numbers()
    table = parquet.read_table(tmp_path / "wine.parquet")
    assert table.column_names == [*original.feature_names, "label"]
    assert table["label"].to_pylist() == original.labels.tolist()
    proline = original.feature_names.index("proline")
    assert np.corrcoef(table["proline"], original[:][:, proline])[0, 1] > 0.8


def test_labels_can_be_omitted(run, wine_model, wine_csv, tmp_path):
    run("compress", wine_model, wine_csv, "-o", tmp_path / "wine.codes", "--no-labels")
    run("decompress", wine_model, tmp_path / "wine.codes", "-o", tmp_path / "wine.csv")
    assert "label" not in (tmp_path / "wine.csv").read_text().splitlines()[0]


def test_one_row_is_compressed(run, digits_model, tmp_path):
    np.save(tmp_path / "one.npy", load_dataset("digits")[:1])
    message = run(
        "compress", digits_model, tmp_path / "one.npy", "-o", tmp_path / "one.codes"
    ).stderr
    assert "one.codes: 1 row in" in message
    run("decompress", digits_model, tmp_path / "one.codes", "-o", tmp_path / "back.npy")
    assert np.load(tmp_path / "back.npy").shape == (1, 8, 8)


@pytest.mark.parametrize("limit", [("--bytes-per-row", 2), ("--error", 0.25)])
def test_limits_are_respected(run, digits_model, tmp_path, limit):
    path = tmp_path / "digits.codes"
    output = run("compress", digits_model, "digits", "-o", path, *limit, "--json", "--no-labels")
    output = json.loads(output.stdout)
    assert output["bytes_per_row"] <= 2 if limit[0] == "--bytes-per-row" else output["mse"] <= 0.25


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        ("digits", ["--error", 0.1, "--bytes-per-row", 3], "expected one of them, found both"),
        ("digits", ["--error", -1], "error: expected a number above 0"),
        ("digits", ["--error", 1e-6], "the error of the model on these rows"),
        ("digits", ["--bytes-per-row", 0.001], "bytes per row: expected at least"),
        ("digits", ["-o", "no/folder/digits.codes"], "does not exist"),
        ("digits", ["-o", "."], "found a folder"),
        ("{n}/narrow.npy", [], "X has 5 features"),
        ("{n}/nan.npy", [], "nan.npy"),
        ("missing.npy", [], "no such file"),
    ],
)
def test_invalid_arguments_are_reported(
    run, digits_model, nonsense, tmp_path, monkeypatch, data, options, words
):
    monkeypatch.chdir(tmp_path)
    options = options if "-o" in options else [*options, "-o", "digits.codes"]
    result = run("compress", digits_model, data.format(n=nonsense), *options, code=2)
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert words in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_invalid_files_are_reported(
    run, digits_codes, digits_model, plain_model, nonsense, tmp_path
):
    complete, truncated = digits_codes[0], tmp_path / "cut.codes"
    truncated.write_bytes(complete.read_bytes()[:-3])
    for model, path, words in (
        (plain_model, complete, "expected codes of this model"),
        (digits_model, truncated, "truncated"),
        (digits_model, nonsense / "text.csv", "expected a file that compress wrote"),
        (digits_model, nonsense, "expected a compressed file, found a folder"),
        (digits_model, tmp_path / "none.codes", "no such file"),
    ):
        result = run("decompress", model, path, "-o", tmp_path / "rows.npy", code=2)
        assert words in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == [truncated]
