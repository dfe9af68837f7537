"""The encoder for the page, and the models whose encoder the page cannot compute."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from latentmap import VariationalAutoEncoder
from latentmap.data import Table
from latentmap.explorer import page_encoder
from latentmap.explorer.page_data import describe_scene, read_buffer
from latentmap.explorer.page_encoder import (
    describe_columns,
    describe_unsupported,
    describe_unsupported_column,
    make_page_encoder,
)
from latentmap.networks.dense import DenseNetwork
from latentmap.preprocessing.table_encoder import TableEncoder

GELU = DenseNetwork((16,), activation="gelu")


def read(encoder, reference):
    return np.frombuffer(
        encoder.content, reference["type"], reference["length"], reference["start"]
    )


@pytest.mark.parametrize(
    ("settings", "unsupported"),
    [({}, None), ({"n_components": 3}, "components"), ({"network": GELU}, "layers")],
)
def test_unsupported_models_are_described(digits, settings, unsupported):
    model = VariationalAutoEncoder(**{"n_components": 2, "epochs": 1, "random_state": 0} | settings)
    result = describe_unsupported(model.fit(digits))
    assert result is None if unsupported is None else unsupported in result


def test_a_column_of_texts_needs_the_server(mixed_scene):
    assert "the column note, which contains texts" in describe_unsupported(mixed_scene.estimator)
    assert read_buffer(mixed_scene, "encoder") is None
    assert describe_scene(mixed_scene)["encoder"] is None


def test_stored_rows_are_in_the_order_of_their_cells(map_scene):
    encoder, fitted = map_scene.page_encoder, map_scene.estimator._state.placement.fitted
    placement = encoder.graph["placement"]
    points = read(encoder, placement["points"]).reshape(len(fitted), -1)
    positions = read(encoder, placement["positions"]).reshape(len(fitted), -1)
    assert np.array_equal(positions, fitted.positions[fitted.find(points)])
    assert read(encoder, placement["starts"]).tolist() == [0, len(fitted)]


def test_kernels_are_float16_only_if_codes_stay_the_same(map_scene, digits, monkeypatch):
    def kernel_types():
        encoder = make_page_encoder(map_scene.estimator, digits[:50])
        nodes = [n for n in encoder.graph["nodes"] if n["operation"] == "dense"]
        return {node["weights"][0]["type"] for node in nodes}

    monkeypatch.setattr(page_encoder, "MAX_CODE_CHANGE", 1e-9)
    assert kernel_types() == {"float32"}
    monkeypatch.setattr(page_encoder, "MAX_CODE_CHANGE", 1e9)
    assert kernel_types() == {"float16"}


def test_columns_are_described_in_the_order_of_their_encoded_numbers():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "kind": rng.permutation(["a"] * 50 + ["b"] * 40 + ["c", "d"] * 5),
            "same": 1.0,
            "size": rng.normal(size=100),
            "paid": rng.permutation(["yes", "no"] * 50),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, 100), "D"),
        }
    )
    table = TableEncoder.fit(Table(frame))
    columns = describe_columns(table)
    assert describe_unsupported_column(table) is None
    assert [column["name"] for column in columns] == ["kind", "size", "paid", "day"]
    widths = [len(column.get("shares", [0.0])) for column in columns]
    assert sum(widths) == table.width
    assert columns[3]["kind"] == "date"
    assert columns[0]["levels"] == [["a"], ["b"], ["c"], ["d"]]
    assert columns[2]["levels"] == [["yes"], ["no"]]


def test_the_page_cannot_encode_a_column_of_texts(mixed_scene):
    unsupported = describe_unsupported_column(mixed_scene.estimator.table_)
    assert unsupported == "the page cannot encode the column note, which contains texts"


def test_durations_are_not_dates():
    hours = np.random.default_rng(0).integers(0, 99, 100)
    stay = pd.to_timedelta(hours, "h")
    start = pd.Timestamp("2024-01-01", tz="Europe/Berlin") + stay
    table = TableEncoder.fit(Table(pd.DataFrame({"stay": stay, "start": start})))
    assert [column["kind"] for column in describe_columns(table)] == ["duration", "date"]
