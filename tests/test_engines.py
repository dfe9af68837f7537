"""Fit, save and load models on each Keras engine that is installed."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
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
import numpy as np
from latentmap import load_model

for name in ("ae", "vae", "map", "network map"):
    X, codes, rows = (np.load(f"{name}.npz")[key] for key in ("X", "codes", "rows"))
    model = load_model(f"{name}.safetensors")
    model.encoder_  # From now on, the engine computes what NumPy computes for a loaded model.
    assert model._networks.functions() is None
    np.testing.assert_allclose(model.transform(X), codes, atol=1e-4 * np.abs(codes).max())
    np.testing.assert_allclose(model.inverse_transform(codes), rows, atol=1e-4 * np.abs(rows).max())
"""


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["torch", "tensorflow"])
def test_engines_give_equal_codes_for_equal_weights(engine, tmp_path):
    skip_if_missing(engine)
    X = load_digits().data[:300]
    options = {"epochs": 2, "random_state": 0}
    models = {
        "ae": AutoEncoder(2, **options),
        "vae": VariationalAutoEncoder(2, **options),
        "map": LatentMap(**options),
        "network map": LatentMap(placement="network", **options),
    }
    for name, model in models.items():
        model.fit(X)
        model.save(tmp_path / f"{name}.safetensors")
        codes = model.transform(X)
        np.savez(tmp_path / f"{name}.npz", X=X, codes=codes, rows=model.inverse_transform(codes))
    run_script(COMPARISON, engine, tmp_path)
