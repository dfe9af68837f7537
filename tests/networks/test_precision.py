import keras
import numpy as np
import pytest

from latentmap import AutoEncoder, LatentMap, Training, VariationalAutoEncoder, load_model
from latentmap.data import load_dataset
from latentmap.errors import SettingError
from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork
from latentmap.networks.precision import matrix_precision
from latentmap.networks.scaling_layers import Scaling

ROWS = load_dataset("digits", "fit")[:].reshape(-1, 8, 8)[:400]
UNSEEN = load_dataset("digits", "unseen")[:].reshape(-1, 8, 8)[:300]


ESTIMATORS = {
    "dense": lambda t: AutoEncoder(
        6, network=DenseNetwork((64,), principal=False), epochs=8, training=t, random_state=0
    ),
    "conv": lambda t: AutoEncoder(
        6, network=ConvNetwork((8, 16), principal=False), epochs=3, training=t, random_state=0
    ),
    "variational": lambda t: VariationalAutoEncoder(
        2, network=DenseNetwork((64,)), epochs=8, training=t, random_state=0
    ),
    "map": lambda t: LatentMap(epochs=4, training=t, random_state=0),
}


def make_training(kind, precision):
    learning_rate, held_out = (1e-2, 0) if kind == "map" else (3e-3, 0.1)
    return Training(
        learning_rate=learning_rate, held_out=held_out, patience=None, precision=precision
    )


@pytest.mark.parametrize("kind", sorted(ESTIMATORS))
def test_bfloat16_training_reaches_the_score_of_float32(kind, tmp_path):
    float32_model, bfloat16_model = (
        ESTIMATORS[kind](make_training(kind, precision)).fit(ROWS)
        for precision in ("float32", "bfloat16")
    )
    errors = [-model.score(UNSEEN) for model in (float32_model, bfloat16_model)]
    assert errors[1] == pytest.approx(errors[0], rel=0.05)
    # The precision of training changes the weights.
    assert bfloat16_model.fingerprint() != float32_model.fingerprint()
    assert {w.dtype for w in bfloat16_model._objective.weights} <= {"float32", "uint32"}
    assert bfloat16_model.transform(UNSEEN).dtype == np.float32
    bfloat16_model.save(tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    codes = bfloat16_model.transform(UNSEEN)
    np.testing.assert_allclose(loaded.transform(UNSEEN), codes, atol=1e-5)
    assert loaded.training.precision == "bfloat16"


def test_matrix_precision_changes_only_dense_layers_and_restores_them():
    model = ESTIMATORS["map"](make_training("map", "float32")).fit(ROWS[:100])._objective
    policies_inside = {}

    def get_policies(model, policies):
        for layer in model.layers:
            policies[layer.name] = layer.dtype_policy.compute_dtype
            if hasattr(layer, "layers"):
                get_policies(layer, policies)
        return policies

    before = get_policies(model, {})
    with pytest.raises(ZeroDivisionError), matrix_precision("bfloat16", model):
        policies_inside = get_policies(model, {})
        raise ZeroDivisionError
    changed = {name for name in before if policies_inside[name] != before[name]}
    assert {policies_inside[name] for name in changed} == {"bfloat16"}
    assert len(changed) == 6  # The encoder has four dense layers, the decoder two.
    assert all(name.startswith("dense") for name in changed)
    assert policies_inside["components"] == "float32"
    assert get_policies(model, {}) == before


def test_scaling_uses_float32_under_a_mixed_policy_of_keras():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = Scaling(offset=1_700_000_000.0, scale=1024.0)
    finally:
        keras.config.set_dtype_policy("float32")
    scaled = layer(np.array([[1_700_002_048.0]], "float32"))
    assert np.asarray(scaled).tolist() == [[2.0]]


def test_unknown_precision_is_refused():
    for precision in ("float16", None, 16, ["bfloat16"]):
        with pytest.raises(SettingError, match="precision: expected 'float32' or 'bfloat16'"):
            Training(precision=precision).validate()
