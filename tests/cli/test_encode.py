from __future__ import annotations

import shutil

import numpy as np
import pytest
from pyarrow import csv, parquet

from latentmap import load_model
from latentmap.data import load_dataset, open_data


def test_encode_writes_the_result_of_transform(run, digits_model, tmp_path):
    result = run("encode", digits_model, "digits:unseen", "-o", tmp_path / "codes.npy")
    expected = load_model(digits_model).transform(load_dataset("digits", "unseen"))
    assert np.array_equal(np.load(tmp_path / "codes.npy"), expected)
    assert "codes.npy: 359 codes with 2 components" in result.stderr


def test_batch_size_does_not_change_the_codes(run, digits_model, tmp_path, monkeypatch):
    run("encode", digits_model, "digits", "-o", tmp_path / "whole.npy")
    monkeypatch.setattr("latentmap.data.batching.BATCH_ROWS", 100)
    run("encode", digits_model, "digits", "-o", tmp_path / "parts.npy")
    assert np.array_equal(np.load(tmp_path / "whole.npy"), np.load(tmp_path / "parts.npy"))


@pytest.mark.parametrize(
    ("suffix", "read"), [(".csv", csv.read_csv), (".parquet", parquet.read_table)]
)
def test_tables_keep_the_labels(run, wine_model, wine_csv, tmp_path, suffix, read):
    path = tmp_path / f"codes{suffix}"
    run("encode", wine_model, wine_csv, "-o", path)  # the label column is known from fitting
    table = read(path)
    names = ["autoencoder0", "autoencoder1", "autoencoder2", "label"]
    assert table.column_names == names
    assert table["label"].to_pylist() == open_data(wine_csv, label="kind").labels.tolist()


def test_decode_restores_the_table(run, wine_model, wine_csv, tmp_path):
    run("encode", wine_model, wine_csv, "-o", tmp_path / "codes.csv")
    run("decode", wine_model, tmp_path / "codes.csv", "-o", tmp_path / "rows.parquet")
    restored = open_data(tmp_path / "rows.parquet", label="label").numbers()
    original = open_data(wine_csv, label="kind").numbers()
    assert restored.feature_names == original.feature_names
    assert restored.labels.tolist() == original.labels.tolist()
    proline = original.feature_names.index("proline")
    assert np.corrcoef(restored[:][:, proline], original[:][:, proline])[0, 1] > 0.8


def test_decode_writes_images(run, digits_model, tmp_path):
    codes = load_model(digits_model).transform(load_dataset("digits")[:3])
    np.save(tmp_path / "codes.npy", codes)
    run("decode", digits_model, tmp_path / "codes.npy", "-o", tmp_path / "images")
    images = open_data(tmp_path / "images")
    expected = load_model(digits_model).inverse_transform(codes)
    assert np.abs(images[:] - np.clip(expected, 0, 255)).max() <= 0.5001


@pytest.mark.parametrize(
    ("verb", "data", "output", "words"),
    [
        ("encode", "{nonsense}/narrow.npy", "codes.npy", "X has 5 features"),
        ("encode", "{nonsense}/nan.npy", "codes.npy", "nan.npy"),
        ("encode", "missing.npy", "codes.npy", "no such file"),
        ("encode", "digits", "codes.txt", "expected one of the suffixes"),
        ("encode", "digits", "codes", "expected one of the suffixes"),
        ("encode", "digits", "no/folder/codes.npy", "does not exist"),
        ("decode", "{nonsense}/narrow.npy", "rows.npy", "expected codes with 2 components"),
        ("decode", "digits", "rows.npy", "expected codes with 2 components"),
        ("decode", "missing.npy", "rows.npy", "no such file"),
    ],
)
def test_invalid_arguments_are_reported(
    run, digits_model, nonsense, tmp_path, monkeypatch, verb, data, output, words
):
    monkeypatch.chdir(tmp_path)
    result = run(verb, digits_model, data.format(nonsense=nonsense), "-o", output, code=2)
    assert result.stderr.splitlines()[-1].startswith("error: ")
    assert words in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_columns_in_another_order_are_reported(run, wine_model, wine_csv, tmp_path):
    swapped = tmp_path / "swapped.csv"
    swapped.write_text(wine_csv.read_text().replace("alcohol,malic_acid", "malic_acid,alcohol"))
    result = run("encode", wine_model, swapped, "-o", tmp_path / "codes.csv", code=2)
    assert "in another order" in result.stderr


def test_the_input_is_not_overwritten(run, wine_model, wine_csv, tmp_path):
    rows = shutil.copy(wine_csv, tmp_path / "rows.csv")
    result = run("encode", wine_model, rows, "-o", rows, code=2)
    assert "found the input itself" in result.stderr
    assert rows.read_bytes() == wine_csv.read_bytes()
