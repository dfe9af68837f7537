"""Tests of the networks of loaded models without an engine."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from latentmap import AutoEncoder, LatentMap, Training, VariationalAutoEncoder, load_model
from latentmap.autoencoders import fitted_networks
from latentmap.autoencoders.validation import read_new_rows
from latentmap.backend import predict
from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork, LinearNetwork

ALL_ROWS = Training(held_out=0, patience=None)
SMALL = DenseNetwork((9, 5), dropout=0.1)
FAST = {"training": ALL_ROWS, "random_state": 0}


def options(**settings):
    return {"epochs": 2, **FAST, **settings}


IMAGE_MODELS = {
    "linear": AutoEncoder(3, **options(network="linear")),
    "article": AutoEncoder(
        3, **options(network=LinearNetwork(principal=False), loss="binary_crossentropy")
    ),
    "dense": AutoEncoder(4, **options(network=SMALL)),
    "dense with squared error": AutoEncoder(4, **options(network=SMALL, loss="gaussian")),
    "dense without components": AutoEncoder(
        4, **options(network=DenseNetwork((9,), "gelu", principal=False), loss="mae")
    ),
    "normalized": AutoEncoder(
        3, **options(network=DenseNetwork((9, 6), dropout=0.2, normalize=True))
    ),
    "bounded": AutoEncoder(3, **options(network="linear", loss="bounded")),
    "scaled columns": AutoEncoder(3, **options(network=SMALL, scaling="columns")),
    "conv": AutoEncoder(3, **options(network=ConvNetwork((3, 4)))),
    "conv without components": AutoEncoder(
        3, **options(network=ConvNetwork((3, 4, 5), principal=False))
    ),
    "variational": VariationalAutoEncoder(3, **options(network=SMALL)),
    "variational by default": VariationalAutoEncoder(2, **options(epochs=1)),
    "variational conv": VariationalAutoEncoder(2, **options(network=ConvNetwork((3,)))),
    "map": LatentMap(epochs=2, random_state=0),
    "map in 3D": LatentMap(3, network=SMALL, epochs=2, random_state=0, placement="network"),
    "map conv": LatentMap(network=ConvNetwork((3,)), epochs=2, random_state=0),
}
TABLE_MODELS = {
    "dense table": AutoEncoder(2, **options(network=SMALL)),
    "table without components": AutoEncoder(
        2, **options(network=DenseNetwork((9,), principal=False, normalize=True))
    ),
    "linear table": AutoEncoder(2, **options(network="linear")),
    "table by PCA": AutoEncoder(2, epochs=1, random_state=0),
    "variational table": VariationalAutoEncoder(2, **options(network=SMALL)),
    "map table": LatentMap(epochs=2, random_state=0),
}


def make_table(n):
    rng = np.random.default_rng(0)
    size = rng.normal(size=n)
    kinds = np.where(size > 0, "large", np.where(size > -1, "small", "tiny"))
    return pd.DataFrame(
        {
            "size": np.where(rng.random(n) < 0.1, np.nan, size),
            "weight": 3 * size + rng.normal(size=n),
            "kind": np.where(rng.random(n) < 0.1, None, kinds),
            "is_new": rng.random(n) < 0.3,
        }
    )


@pytest.fixture(scope="module", params=[*IMAGE_MODELS, *TABLE_MODELS])
def fitted(request, digits, fit_without_training):
    """Return each model with random weights, and its rows."""
    X = make_table(150) if request.param in TABLE_MODELS else digits[:150]
    return fit_without_training((IMAGE_MODELS | TABLE_MODELS)[request.param], X), X


def test_numpy_computes_what_keras_computes(fitted, tmp_path):
    model, X = fitted
    model.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    for estimator in (model, loaded):  # Weights of Keras models, and those of a file.
        functions = estimator._networks.functions()
        rows = np.concatenate(list(read_new_rows(model, X)))
        codes = predict(model.encoder_, rows)
        metrics = predict(model._objective, rows)
        atol = 1e-5 * max(1.0, np.abs(codes).max())
        np.testing.assert_allclose(functions.encode(rows), codes, rtol=1e-5, atol=atol)
        expected_rows = predict(model.decoder_, codes)
        atol = 1e-5 * max(1.0, np.abs(expected_rows).max())
        np.testing.assert_allclose(functions.decode(codes), expected_rows, rtol=1e-5, atol=atol)
        np.testing.assert_allclose(functions.errors(rows), metrics[:, 1], rtol=1e-4, atol=1e-6)
        if isinstance(model, LatentMap):
            np.testing.assert_allclose(functions.masses(rows), metrics[:, 2], atol=1e-5)
    assert loaded._networks._models is None


def test_onnx_computes_transform(fitted, digits, run_onnx):
    model, _ = fitted
    if model.table_ is None:
        rows, inputs = digits[100:200], {"rows": digits[100:200]}
    else:
        rows = make_table(250)[100:]
        inputs = {name: rows[[name]].to_numpy(float) for name in ("size", "weight", "is_new")}
        inputs["kind"] = rows[["kind"]].fillna("").to_numpy(object)
    expected = model.transform(rows)
    codes = run_onnx(model, "encoder", inputs)["codes"]
    np.testing.assert_allclose(codes, expected, atol=1e-4 * max(1.0, np.abs(expected).max()))


def test_onnx_computes_inverse_transform(fitted, run_onnx):
    model, X = fitted
    codes = model.transform(X[:100])
    codes = np.concatenate([codes, 1.5 * codes, 1e6 * codes[:1]])
    expected, outputs = model.inverse_transform(codes), run_onnx(model, "decoder", {"codes": codes})
    if model.table_ is None:
        atol = 1e-4 * max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(outputs["rows"], expected, atol=atol)
        return
    assert list(outputs) == list(expected)
    assert (outputs["kind"][:, 0] == expected["kind"]).all()
    for name in ("size", "weight", "is_new"):
        values = expected[name].to_numpy(float)
        np.testing.assert_allclose(outputs[name][:, 0], values, rtol=1e-4, atol=1e-4)


def test_an_activation_of_keras_alone_is_computed_by_keras(digits, tmp_path):
    network = DenseNetwork((5,), "hard_sigmoid", principal=False)
    model = AutoEncoder(2, epochs=1, network=network, **FAST).fit(digits[:100])
    model.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert loaded._networks.functions() is None
    assert np.array_equal(loaded.transform(digits[:5]), model.transform(digits[:5]))


def test_the_functions_follow_the_weights_of_the_keras_models(digits):
    model = AutoEncoder(2, epochs=1, network="linear", **FAST).fit(digits[:100])
    row, codes = digits[:1], model.transform(digits[:1])
    bias = model.encoder_.get_layer("components").bias
    bias.assign(bias.value + 1.0)
    np.testing.assert_allclose(model.transform(row), codes + 1.0, rtol=1e-5)


def test_many_rows_of_a_loaded_model_are_computed_by_the_engine(digits, tmp_path, monkeypatch):
    AutoEncoder(2, epochs=1, random_state=0).fit(digits[:100]).save(tmp_path / "a.safetensors")
    loaded = load_model(tmp_path / "a.safetensors")
    n_operations = loaded._networks.functions().n_operations
    monkeypatch.setattr(fitted_networks, "NUMPY_SPEED", 1000.0 * n_operations)
    assert loaded._networks.functions_for(10) is not None  # 10 ms
    assert loaded._networks.functions_for(600) is not None  # 0.6 s
    assert loaded._networks.functions_for(600) is None  # 1.2 s in total
    assert loaded._networks.functions_for(10) is not None


WITHOUT_ENGINE = """
import sys
import numpy as np
from latentmap import load_model

model = load_model(sys.argv[1])
rows = np.load(sys.argv[2])
codes = model.transform(rows)
decoded = model.inverse_transform(codes)
errors = model.reconstruction_error(rows)
model.save(sys.argv[1] + ".copy")
assert load_model(sys.argv[1] + ".copy").fingerprint() == model.fingerprint()
confidence = model.confidence(rows) if hasattr(model, "confidence") else errors
slow = {"keras", "jax", "pandas", "matplotlib", "scipy.linalg", "scipy.spatial",
        "scipy.stats"} & set(sys.modules)
assert not slow, f"a loaded model imports {sorted(slow)}"
np.savez(sys.argv[3], codes=codes, decoded=decoded, errors=errors, confidence=confidence)
"""

READ_TABLE = """
import sys
from latentmap import load_model
from latentmap.data import open_data
model = load_model(sys.argv[1])
decoded = model.inverse_transform(model.transform(open_data(sys.argv[2])))
assert len(decoded) == 40
slow = {"keras", "jax", "matplotlib", "narwhals", "joblib", "numpy.polynomial", "scipy.special",
        "scipy.stats", "scipy.sparse.linalg", "scipy.spatial.distance", "scipy.spatial.transform",
        "sklearn.utils.extmath", "sklearn.utils.parallel"} & set(sys.modules)
assert not slow, f"a loaded model of a table imports {sorted(slow)}"
"""


@pytest.mark.parametrize("estimator", [AutoEncoder, LatentMap])
def test_a_loaded_model_of_a_table_imports_few_packages(estimator, tmp_path):
    frame = pd.DataFrame({"size": np.arange(40) / 7, "kind": ["small", "large"] * 20})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    estimator(2, epochs=1, random_state=0).fit(frame).save(tmp_path / "rows.safetensors")
    paths = [tmp_path / "rows.safetensors", tmp_path / "rows.csv"]
    result = subprocess.run(
        [sys.executable, "-c", READ_TABLE, *paths], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.usefixtures("random_weights")
@pytest.mark.parametrize("kind", ["dense", "conv", "variational", "map"])
def test_a_loaded_model_needs_no_engine(kind, digits, tmp_path):
    model = IMAGE_MODELS[kind].fit(digits[:150])
    paths = [str(tmp_path / name) for name in ("a.safetensors", "x.npy", "y.npz")]
    model.save(paths[0])
    np.save(paths[1], digits[150:170])
    subprocess.run([sys.executable, "-c", WITHOUT_ENGINE, *paths], check=True)
    with np.load(paths[2]) as results:
        codes = model.transform(digits[150:170])
        np.testing.assert_allclose(results["codes"], codes, rtol=1e-5, atol=1e-5)
        rows = model.inverse_transform(codes)
        np.testing.assert_allclose(results["decoded"], rows, rtol=1e-4, atol=1e-4)
        errors = model.reconstruction_error(digits[150:170])
        np.testing.assert_allclose(results["errors"], errors, rtol=1e-4)
