"""Fit, save and load models on each Keras engine that is installed."""

import importlib.util
import os
import subprocess
import sys

import pytest

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
    assert np.array_equal(load_model("model.safetensors").transform(X[:7]), ae.transform(X)[:7])
    return ae.history_["val_loss"]
for network in (DenseNetwork((64,), principal=False), ConvNetwork((8, 16), principal=False)):
    losses = fit_losses(network)
    assert losses[-1] < losses[0], losses
vae = VariationalAutoEncoder(2, network=DenseNetwork((32,)), epochs=3, random_state=0).fit(X)
assert vae.sample(3).shape == (3, 8, 8)
assert vae.history_["val_loss"][-1] < vae.history_["val_loss"][0]
print(keras.backend.backend())
"""


@pytest.mark.engine
@pytest.mark.parametrize("engine", ["jax", "torch", "tensorflow"])
def test_models_work_on_each_engine(engine, tmp_path):
    if importlib.util.find_spec(engine) is None:
        pytest.skip(f"{engine} is not installed")
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "KERAS_BACKEND": engine},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    assert process.stdout.split()[-1] == engine
