"""Tests of the schema of the description in a model file."""

from typing import get_type_hints

import pytest

from latentmap import AutoEncoder
from latentmap.autoencoders.state import AutoEncoderState, VariationalState
from latentmap.maps.map_state import MapState
from latentmap.model_file import read_model
from latentmap.model_metadata import StateDescription, check_metadata


@pytest.fixture(scope="module")
def description(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    AutoEncoder(1, network="linear", epochs=1).fit([[0.0, 1.0], [2.0, 3.0], [4.0, 9.0]]).save(path)
    return read_model(path)[0]


@pytest.mark.parametrize("state", [AutoEncoderState, VariationalState, MapState])
def test_schema_contains_all_values_of_the_fitted_states(state):
    names = {state.file_keys.get(name, name) for name in state._names(arrays=False)}
    assert names <= set(get_type_hints(StateDescription))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dtype": 3}, "dtype: expected str, found '3'"),
        ({"row_shape": []}, "row_shape: expected integers above 0"),
        ({"row_shape": [-2]}, "row_shape: expected numbers from 0"),
        ({"row_shape": [True]}, "row_shape: expected int, found 'True'"),
        ({"feature_names": ["a"]}, "feature_names: expected 2 names"),
        ({"feature_names": [1, 2]}, "feature_names: expected str"),
        ({"history": {}}, "history: expected epoch, found none"),
        ({"history": {"epoch": [0], "loss": [], "val_loss": [], "val_mse": []}}, "equal length"),
        ({"parameters": {"a": [[[1]]]}}, "parameters"),
        ({"figures": {"mse": "small"}}, "metrics: expected float"),
        ({"figures": {"held_out": {"seed": -1}}}, "seed: expected numbers from 0"),
        ({"figures": {"columns": [{"name": "a"}]}}, "columns: expected baseline, found none"),
        ({"figures": {"held_out": 3}}, "held_out: expected named values"),
        ({"versions": "new"}, "versions: expected dict"),
        ({"table": []}, "table: expected dict"),
    ],
)
def test_other_types_raise(description, change, message):
    check_metadata(description)
    with pytest.raises((TypeError, ValueError), match=message):
        check_metadata({**description, **change})


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_components", -1), ("seed", 1.5), ("network", {}), ("loss", None), ("usual_error", "x")],
)
def test_invalid_values_of_the_state_raise(description, name, value):
    learned = {**description["learned"], name: value}
    with pytest.raises((TypeError, ValueError), match=name):
        check_metadata({**description, "learned": learned})
