"""Memory of many fits and transforms in one process, and one estimator in many threads."""

import os
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest
from sklearn.datasets import load_iris

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder
from latentmap.backend import engine

FITS = """
import warnings
from sklearn.datasets import load_iris
from latentmap import AutoEncoder, LatentMap
from latentmap.data.memory import resident_bytes

warnings.simplefilter("ignore")
X = load_iris().data  # With fewer rows, an autoencoder would not train a network.
for i in range(1, {n_fits} + 1):
    model = {estimator}(epochs=1, random_state=i).fit(X)
    model.transform(X[:1])
    if i in (50, {n_fits}):
        print(resident_bytes())
assert len(model.history_["loss"]) == 2
"""

TRANSFORMS = """
import time
import numpy as np
from sklearn.datasets import load_iris
from latentmap import AutoEncoder, LatentMap
from latentmap.data.memory import resident_bytes

iris = load_iris(as_frame=True)
X = {X}
model = {estimator}(epochs=1, random_state=0).fit(X[np.arange(150) % 3 > 0])
rows = [X[i : i + 1] for i in range(150)]
seconds = []
for n in range(11):
    start = time.process_time()
    for i in range(1000):
        model.transform(rows[i % 150])
    seconds.append((time.process_time() - start) / 1000)
    if n in (0, 10):
        print(resident_bytes())
assert min(seconds) < {max_seconds}, seconds  # Other programs can slow down a part of the calls.
"""


def resident_growth(script):
    """Run a script that prints two sizes, and return the growth of the second one as a share."""
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ
    )
    before, after = map(int, result.stdout.split())
    return after / before - 1


def test_programs_are_released_after_a_number_of_fits(monkeypatch):
    releases = []
    monkeypatch.setattr(engine, "FITS_PER_RELEASE", 2)
    monkeypatch.setattr(engine, "release_programs", lambda: releases.append(1))
    for _ in range(5):
        AutoEncoder(1, network="linear", epochs=1).fit(np.eye(6))
    assert len(releases) in (2, 3)


@pytest.mark.parametrize("estimator", [AutoEncoder, VariationalAutoEncoder, LatentMap])
@pytest.mark.parametrize("data", ["array", "table", "images"])
def test_networks_are_built_without_traces_of_layers(estimator, data, monkeypatch):
    """Traces with symbolic dimensions stay in JAX's caches after the networks are deleted."""
    traced = []

    def record(operation, *args, **kwargs):
        traced.append(operation.name)
        return compute_output_spec(operation, *args, **kwargs)

    compute_output_spec = keras.Operation.compute_output_spec
    monkeypatch.setattr(keras.Operation, "compute_output_spec", record)
    X = load_iris(as_frame=True).data
    if data == "table":
        X = X.assign(kind=np.where(X.iloc[:, 0] > 5.5, "long", "short"))
        X.iloc[3, 0] = np.nan
    if data == "images":
        X = np.random.default_rng(0).random((150, 8, 8)).astype("float32")
    settings = {"network": "conv"} if data == "images" and estimator is not LatentMap else {}
    estimator(2, epochs=1, random_state=0, **settings).fit(X)
    assert traced == []


def test_a_model_works_after_programs_are_released():
    X = load_iris().data
    model = AutoEncoder(2, epochs=1, random_state=0).fit(X)
    codes = model.transform(X)
    engine.release_programs()
    assert np.array_equal(model.transform(X), codes)


@pytest.mark.slow
@pytest.mark.parametrize(("estimator", "n_fits"), [("AutoEncoder", 200), ("LatentMap", 100)])
def test_memory_does_not_grow_with_the_number_of_fits(estimator, n_fits):
    assert resident_growth(FITS.format(estimator=estimator, n_fits=n_fits)) < 0.1


ARRAY = "iris.data.to_numpy()"
TABLE = "iris.data.assign(kind=iris.target_names[iris.target])"


@pytest.mark.timing
@pytest.mark.parametrize(
    ("estimator", "X", "max_seconds"),
    [("AutoEncoder", ARRAY, 0.001), ("LatentMap", ARRAY, 0.001), ("LatentMap", TABLE, 0.004)],
)
def test_single_rows_take_no_memory_and_little_time(estimator, X, max_seconds, slowdown):
    script = TRANSFORMS.format(estimator=estimator, X=X, max_seconds=max_seconds * slowdown)
    assert resident_growth(script) < 0.02


@pytest.mark.parametrize("estimator", [AutoEncoder, VariationalAutoEncoder, LatentMap])
def test_threads_share_an_estimator(estimator):
    X = load_iris().data
    model = estimator(2, epochs=1, random_state=0).fit(X)
    expected_codes, results = model.transform(X), []
    expected_rows = model.inverse_transform(expected_codes)

    def use_model():
        for _ in range(5):
            codes = model.transform(X)
            results.append((codes, model.inverse_transform(codes), model.reconstruction_error(X)))

    threads = [threading.Thread(target=use_model) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 40
    for codes, rows, errors in results:
        np.testing.assert_array_equal(codes, expected_codes)
        np.testing.assert_array_equal(rows, expected_rows)
        np.testing.assert_array_equal(errors, results[0][2])
