from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array, save_npz
from sklearn.datasets import load_wine

SOURCES = Path(__file__).parents[2] / "src"


@pytest.fixture
def process():
    """Return a function that starts the command in a new process, which ends with the test."""
    children = []

    def process(*arguments, python=(), **options):
        child = subprocess.Popen(
            [sys.executable, *python, "-m", "latentmap", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(SOURCES)},
            **options,
        )
        children.append(child)
        return child

    yield process
    for child in children:
        child.kill()
        child.communicate()


@pytest.fixture(scope="session")
def wine_csv(tmp_path_factory):
    """Write 178 wines to a table with column names; the last column, ``kind``, is the label."""
    wine, path = load_wine(), tmp_path_factory.mktemp("wine") / "wine.csv"
    with path.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow([*wine.feature_names, "kind"])
        kinds = wine.target_names[wine.target]
        table.writerows([*row, kind] for row, kind in zip(wine.data, kinds, strict=True))
    return path


@pytest.fixture(scope="session")
def digits_fit(run, tmp_path_factory):
    """Run ``fit digits``; return the model file and the result."""
    model = tmp_path_factory.mktemp("digits") / "digits.safetensors"
    return model, run("fit", "digits", "-o", model, "--epochs", 5)


@pytest.fixture(scope="session")
def digits_model(digits_fit):
    return digits_fit[0]


@pytest.fixture(scope="session")
def plain_model(run, tmp_path_factory):
    """Fit an autoencoder of images that is not a map."""
    model = tmp_path_factory.mktemp("plain") / "plain.safetensors"
    run("fit", "digits", "-o", model, "--recipe", "article", "--epochs", 1)
    return model


@pytest.fixture(scope="session")
def wine_fit(run, wine_csv, tmp_path_factory):
    """Run ``fit wine.csv``; return the model file and the result."""
    model = tmp_path_factory.mktemp("wine-model") / "wine.safetensors"
    options = ["--label", "kind", "-n", 3, "-o", model, "--epochs", 5, "--recipe", "dense"]
    return model, run("fit", wine_csv, *options)


@pytest.fixture(scope="session")
def wine_model(wine_fit):
    return wine_fit[0]


@pytest.fixture(scope="session")
def words_npz(tmp_path_factory):
    """Write 300 rows of 400 word counts as a SciPy sparse matrix, with their topics."""
    rng, path = np.random.default_rng(0), tmp_path_factory.mktemp("words") / "words.npz"
    topic = rng.integers(0, 3, 300)
    words = rng.poisson((rng.random((3, 400)) ** 8)[topic]) > 0
    save_npz(path, csr_array(words.astype("f4")))
    with np.load(path) as parts:
        parts = dict(parts)
    np.savez(path, **parts, y=topic)
    return path


@pytest.fixture(scope="session")
def nonsense(tmp_path_factory):
    """Write files that are not valid inputs; return their folder."""
    folder = tmp_path_factory.mktemp("nonsense")
    (folder / "noise.safetensors").write_bytes(np.random.default_rng(0).bytes(1000))
    (folder / "empty.safetensors").touch()
    (folder / "text.csv").write_text("a,b\n1,2\n3,four\n")
    np.save(folder / "nan.npy", np.full((30, 5), np.nan))
    np.save(folder / "narrow.npy", np.zeros((30, 5)))
    np.save(folder / "one.npy", np.zeros((1, 5)))
    return folder
