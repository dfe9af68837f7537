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


KINDS = {
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


def plan(kind, precision):
    rate, held_out = (1e-2, 0) if kind == "map" else (3e-3, 0.1)
    return Training(learning_rate=rate, held_out=held_out, patience=None, precision=precision)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_unseen_rows_fare_as_well(kind, tmp_path):
    whole, short = (
        KINDS[kind](plan(kind, precision)).fit(ROWS) for precision in ("float32", "bfloat16")
    )
    errors = [-model.score(UNSEEN) for model in (whole, short)]
    assert errors[1] == pytest.approx(errors[0], rel=0.05)
    assert short.fingerprint() != whole.fingerprint()  # it was trained in another precision
    assert {w.dtype for w in short._objective.weights} <= {"float32", "uint32"}
    assert short.transform(UNSEEN).dtype == np.float32
    short.save(tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors")
    assert np.array_equal(again.transform(UNSEEN), short.transform(UNSEEN))
    assert again.training.precision == "bfloat16"


def test_only_what_learns_and_multiplies_changes_and_only_for_a_while():
    model = KINDS["map"](plan("map", "float32")).fit(ROWS[:100])._objective
    inside = {}

    def policies(part, found):
        for layer in part.layers:
            found[layer.name] = layer.dtype_policy.compute_dtype
            if hasattr(layer, "layers"):
                policies(layer, found)
        return found

    before = policies(model, {})
    with pytest.raises(ZeroDivisionError), matrix_precision("bfloat16", model):
        inside = policies(model, {})
        raise ZeroDivisionError
    changed = {name for name in before if inside[name] != before[name]}
    assert {inside[name] for name in changed} == {"bfloat16"}
    assert len(changed) == 6  # three hidden layers to the landmarks, one and the row back
    assert all(name.startswith("dense") for name in changed)
    assert inside["components"] == "float32"
    assert policies(model, {}) == before


def test_raw_numbers_keep_their_digits_under_a_policy_of_keras():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = Scaling(offset=1_700_000_000.0, scale=1024.0)
    finally:
        keras.config.set_dtype_policy("float32")
    found = layer(np.array([[1_700_002_048.0]], "float32"))
    assert np.asarray(found).tolist() == [[2.0]]


def test_unknown_precisions_are_refused():
    for wrong in ("float16", None, 16, ["bfloat16"]):
        with pytest.raises(SettingError, match="precision: expected 'float32' or 'bfloat16'"):
            Training(precision=wrong).validate()
