"""Fit, save and load models on each Keras engine that is installed."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder

SCRIPT = """
import warnings, numpy as np, keras
from sklearn.datasets import load_digits
from latentmap import AutoEncoder, Training, VariationalAutoEncoder, load_model
from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork

X = (load_digits().images[:400] * 15).astype("uint8")
def fit_losses(network):
    training = Training(batch_size=50)
    ae = AutoEncoder(4, network=network, epochs=12, training=training, random_state=0).fit(X)
    ae.save("model.safetensors")
    codes, loaded = ae.transform(X)[:7], load_model("model.safetensors").transform(X[:7])
    assert np.allclose(loaded, codes, rtol=0, atol=1e-5 * abs(codes).max())
    return ae.history_["val_loss"]
for network in (DenseNetwork((64,), principal=False), ConvNetwork((8, 16), principal=False)):
    losses = fit_losses(network)
    assert losses[-1] < losses[0], losses
vae = VariationalAutoEncoder(2, network=DenseNetwork((32,)), epochs=3, random_state=0).fit(X)
assert vae.sample(3).shape == (3, 8, 8)
assert vae.history_["val_loss"][-1] < vae.history_["val_loss"][0]
print(keras.backend.backend())
"""


def skip_if_missing(engine):
    if importlib.util.find_spec(engine) is None:
        pytest.skip(f"{engine} is not installed")


def run_script(script, engine, folder):
    process = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "KERAS_BACKEND": engine},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    return process.stdout


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["jax", "torch", "tensorflow"])
def test_models_work_on_each_engine(engine, tmp_path):
    skip_if_missing(engine)
    assert run_script(SCRIPT, engine, tmp_path).split()[-1] == engine


COMPARISON = """
import numpy as np, pandas as pd
from latentmap import load_model
from latentmap.autoencoders.fitted_networks import FittedNetworks

def assert_equal(array, expected):
    np.testing.assert_allclose(array, expected, atol=1e-4 * np.abs(expected).max())

FittedNetworks.functions = lambda self: None  # The engine computes what NumPy could compute.
for name in ("ae", "vae", "map", "network map", "table", "map of a table"):
    X = pd.read_parquet("X.parquet") if "table" in name else np.load("X.npy")
    model = load_model(f"{name}.safetensors")
    expected = np.load(f"{name}.npz")
    assert_equal(model.transform(X), expected["codes"])
    assert_equal(model.reconstruction_error(X), expected["errors"])
    rows = model.inverse_transform(expected["codes"])
    assert_equal(rows["size"] if "table" in name else rows, expected["rows"])
"""


def make_table(n_rows):
    rng = np.random.default_rng(0)
    size, kinds = rng.normal(size=n_rows), rng.choice(["ash", "elm", "oak"], n_rows)
    gaps = np.where(rng.random(n_rows) < 0.1, np.nan, size**2)
    return pd.DataFrame({"size": size + rng.normal(size=n_rows), "square": gaps, "kind": kinds})


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["torch", "tensorflow"])
def test_engines_give_equal_codes_for_equal_weights(engine, tmp_path):
    skip_if_missing(engine)
    digits, table = load_digits().data[:300], make_table(300)
    np.save(tmp_path / "X.npy", digits)
    table.to_parquet(tmp_path / "X.parquet")
    options = {"epochs": 2, "random_state": 0}
    models = {
        "ae": AutoEncoder(2, **options),
        "vae": VariationalAutoEncoder(2, **options),
        "map": LatentMap(**options),
        "network map": LatentMap(placement="network", **options),
        "table": AutoEncoder(2, network="dense", **options),
        "map of a table": LatentMap(**options),
    }
    for name, model in models.items():
        X = table if "table" in name else digits
        model.fit(X).save(tmp_path / f"{name}.safetensors")
        codes, errors = model.transform(X), model.reconstruction_error(X)
        rows = model.inverse_transform(codes)
        rows = rows["size"] if "table" in name else rows
        np.savez(tmp_path / f"{name}.npz", codes=codes, errors=errors, rows=rows)
    run_script(COMPARISON, engine, tmp_path)
