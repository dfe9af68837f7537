"""Vectors with metadata and texts on the command line."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from latentmap import load_model
from latentmap.data import open_data

TOPICS = {"sea": "wind boat sail mast tide", "sky": "star moon comet planet dust"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return a folder with vectors.npy, articles.csv and articles.parquet of 60 rows."""
    folder, rng = tmp_path_factory.mktemp("articles"), np.random.default_rng(0)
    topics = ["sea", "sky"] * 30
    vectors = rng.normal(size=(60, 6)).astype(np.float32) + np.array([[2], [-2]] * 30)
    bodies = [" ".join(rng.choice(TOPICS[topic].split(), 8)) for topic in topics]
    titles = [f"Article {i}" for i in range(60)]
    frame = pd.DataFrame({"title": titles, "body": bodies, "topic": topics, "year": range(60)})
    np.save(folder / "vectors.npy", vectors)
    frame.to_csv(folder / "articles.csv", index=False)
    frame.assign(x=list(vectors)).to_parquet(folder / "articles.parquet")
    cells = [str(vector.tolist()) for vector in vectors]
    frame.assign(x=cells).to_csv(folder / "vectors.csv", index=False)
    return folder


def test_vectors_and_metadata_in_two_files(run, files, tmp_path):
    model, codes = tmp_path / "m.safetensors", tmp_path / "codes.csv"
    data = [files / "vectors.npy", "--metadata", files / "articles.csv"]
    result = run("fit", *data, "--label", "topic", "-n", 3, "--epochs", 1, "-o", model)
    summary = "vectors.npy: 60 rows; vectors of 6 numbers; metadata: title, body, year"
    assert summary in " ".join(result.stderr.split())
    assert load_model(model).row_shape_ == (6,)
    run("encode", model, *data, "--label", "title", "-o", codes)
    assert open_data(codes, label="label").labels.tolist() == [f"Article {i}" for i in range(60)]
    run("plot", model, *data, "--label", "year", "-o", tmp_path / "year.png")
    run("explore", model, *data, "--export", tmp_path / "page.html")
    assert '"name":"year"' in (tmp_path / "page.html").read_text()
    result = run("evaluate", model, *data, "--label", "topic", "--json")
    assert "accuracy_10" in json.loads(result.stdout)
    note = "the model was fitted with --metadata articles.csv: give this table as well"
    for command in (
        ["explore", "--export", tmp_path / "b.html"],
        ["plot", "-o", tmp_path / "b.png"],
    ):
        result = run(command[0], model, data[0], *command[1:])
        assert note in " ".join(result.stderr.split())
    result = run("explore", model, *data, "--export", tmp_path / "c.html")
    assert note not in " ".join(result.stderr.split())


def test_metadata_with_a_role_are_fitted(run, files, tmp_path):
    data = [files / "vectors.npy", "--metadata", files / "articles.csv", "--as", "year=number"]
    run("fit", *data, "-n", 4, "--epochs", 1, "-o", tmp_path / "m.safetensors")
    summary = load_model(tmp_path / "m.safetensors").table_.summary()
    assert summary.startswith("1 number, 1 vector; ignored: title (metadata)")
    model = tmp_path / "m.safetensors"
    result = run("explore", model, data[0], "--export", tmp_path / "page.html", code=2)
    assert "expected the fitted columns of articles.csv as well" in " ".join(result.stderr.split())


@pytest.mark.parametrize("name", ["articles.parquet", "vectors.csv"])
def test_columns_beside_vectors_are_metadata(run, files, tmp_path, name):
    model = tmp_path / "m.safetensors"
    result = run("fit", files / name, "-n", 4, "--epochs", 1, "-o", model)
    summary = f"{name}: 60 rows; vectors of 6 numbers; metadata: title, body, topic, year"
    assert summary in " ".join(result.stderr.split())
    assert load_model(model).row_shape_ == (6,)
    assert (tmp_path / "m.reconstructions.png").exists()
    run("explore", model, files / name, "--export", tmp_path / "page.html")
    assert '"categories":["sea","sky"]' in (tmp_path / "page.html").read_text()


def test_texts_are_fitted_and_other_verbs_read_them_in_the_same_way(run, files, tmp_path):
    model, codes = tmp_path / "m.safetensors", tmp_path / "codes.npy"
    options = ["--text", "body", "--label", "topic", "-n", 2, "--recipe", "dense", "--epochs", 1]
    result = run("fit", files / "articles.csv", *options, "-o", model)
    assert "1 text; ignored: title (metadata), year (metadata)" in " ".join(result.stderr.split())
    run("encode", model, files / "articles.csv", "-o", codes)
    x, is_sea = np.load(codes), np.array([True, False] * 30)
    between = np.linalg.norm(x[is_sea].mean(axis=0) - x[~is_sea].mean(axis=0))
    assert between > 2 * x[is_sea].std(axis=0).max()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["articles.csv", "--text", "bdy"], "--text: unknown column 'bdy', did you mean 'body'?"),
        (["vectors.npy", "--text", "body"], "expected a table with a column of texts"),
        (["articles.csv", "--text-model", "x"], "expected a column of texts as well"),
    ],
)
def test_wrong_options_of_texts_are_reported(run, files, options, message):
    result = run("fit", files / options[0], *options[1:], code=2)
    assert message in " ".join(result.stderr.split())


def test_metadata_of_another_length_are_reported(run, files, tmp_path):
    pd.DataFrame({"a": [1, 2]}).to_csv(tmp_path / "a.csv", index=False)
    arguments = [files / "vectors.npy", "--metadata", tmp_path / "a.csv"]
    assert "for each of the 60 rows" in run("fit", *arguments, code=2).stderr.replace("\n", " ")
