import datetime

import numpy as np
import pyarrow as pa
import pytest

from latentmap.data.tables import Table
from latentmap.errors import SettingError
from latentmap.export.column_nodes import decode_table, encode_table, tensor_names
from latentmap.export.onnx_graph import OnnxGraph
from latentmap.preprocessing.table_encoder import TableEncoder

EPOCH = datetime.datetime(1970, 1, 1)


@pytest.fixture(scope="module")
def table():
    """Return a table with one column of each column type."""
    rng = np.random.default_rng(0)
    x, n = rng.normal(size=60), 60
    days = [EPOCH.date() + datetime.timedelta(days=int(d)) for d in rng.integers(0, 20_000, n)]
    moments = [EPOCH + datetime.timedelta(seconds=int(s)) for s in rng.integers(0, 10**9, n)]
    return pa.table(
        {
            "length": pa.array(x, mask=x > 1.5),
            "price": np.exp(2 * x),
            "rooms": pa.array(rng.integers(-100, 100, n), pa.int8()),
            "day": pa.array(days),
            "time": pa.array(moments, pa.timestamp("ms")),
            "new": pa.array(x > 0, mask=x < -1.5),
            "sold": np.where(x > 0.3, "yes", "no"),
            "kind of house": np.where(x > 1, " large ", np.where(x > -1, "small", "tiny")),
            "level": pa.array(rng.integers(1, 4, n)),
            "place": [f"place {i // 2 if i < 40 else i}" for i in range(n)],
            "vector": pa.array(list(rng.normal(size=(n, 3)).astype(np.float32))),
            "country": ["Norway"] * n,
            "planet": pa.array(["Earth"] * n, pa.large_string()),
            "year": [2007] * n,
            "nothing": pa.nulls(n, pa.float64()),
        }
    )


@pytest.fixture(scope="module")
def encoder(table):
    roles = {"vector": "vector", "level": "category", "sold": "boolean", "nothing": "number"}
    rows = Table(table, columns=table.column_names, roles=roles)
    rows.table_schema.boolean_strings["sold"] = ("no", "yes")
    return TableEncoder.fit(rows)


def to_input(column):
    """Return the values of a column as docs/export.md describes them."""
    if pa.types.is_list(column.type):
        return np.array(column.to_pylist(), np.float64)
    if pa.types.is_string(column.type):
        return np.array([v or "" for v in column.to_pylist()], object)[:, None]
    if pa.types.is_temporal(column.type):
        milliseconds = column.cast(pa.timestamp("ms")).cast(pa.int64())
        return milliseconds.to_numpy()[:, None] / 1000.0
    values = [np.nan if v is None else float(v) for v in column.to_pylist()]
    return np.array(values)[:, None]


def inputs_of(table, names):
    inputs = {name: to_input(table.column(name)) for name in names}
    inputs["level"] = inputs["level"].astype(int).astype(str).astype(object)
    return inputs


def test_columns_are_encoded_as_by_the_table_encoder(table, encoder, evaluate):
    graph = OnnxGraph(["encoded", *tensor_names(encoder, "encoder")])
    graph.add_output("encoded", encode_table(graph, encoder), np.float32, (encoder.width,))
    assert {"country", "planet", "year", "nothing"}.isdisjoint(tensor_names(encoder, "encoder"))
    encoded = evaluate(graph, inputs_of(table, tensor_names(encoder, "encoder")))["encoded"]
    expected = encoder.encode(table)
    assert np.isnan(expected).any()
    np.testing.assert_allclose(encoded, expected, rtol=1e-6, atol=1e-6)


def test_unknown_strings_and_spaces_are_treated_as_by_the_table_encoder(table, encoder, evaluate):
    graph = OnnxGraph(["encoded", *tensor_names(encoder, "encoder")])
    graph.add_output("encoded", encode_table(graph, encoder), np.float32, (encoder.width,))
    inputs = {name: x[:3] for name, x in inputs_of(table, tensor_names(encoder, "encoder")).items()}
    inputs["kind of house"] = np.array([["large"], ["huge"], [""]], object)
    start = encoder.slices[encoder.names.index("kind of house")].start
    encoded = evaluate(graph, inputs)["encoded"][:, start : start + 3]
    assert np.isnan(encoded).tolist() == [[False] * 3, [True] * 3, [True] * 3]
    column = encoder.columns[encoder.names.index("kind of house")]
    assert column.levels[encoded[0].argmax()] == " large "


def test_columns_are_decoded_as_by_the_table_encoder(table, encoder, evaluate):
    rng = np.random.default_rng(1)
    encoded = np.nan_to_num(encoder.encode(table)) + 0.2 * rng.normal(size=(60, encoder.width))
    encoded = np.concatenate([encoded, 30 * encoded]).astype(np.float32)
    graph = OnnxGraph(["encoded", *tensor_names(encoder, "decoder")])
    decode_table(graph, encoder, graph.add_input("encoded", np.float32, (encoder.width,)))
    outputs = evaluate(graph, {"encoded": encoded})
    expected = encoder.decode_arrow(encoded)
    assert list(outputs) == expected.column_names
    for name, values in outputs.items():
        column = expected.column(name)
        if values.dtype == object:
            assert values[:, 0].tolist() == column.cast(pa.string()).to_pylist(), name
        else:
            np.testing.assert_allclose(values, to_input(column), rtol=1e-6, atol=1e-6)


def test_a_table_of_numbers_is_one_tensor(evaluate):
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "codes": pa.array(rng.normal(size=40), mask=rng.random(40) < 0.2),
            "same": [3] * 40,
            "flag": rng.integers(0, 2, 40),
            "count": rng.integers(0, 99, 40),
        }
    )
    encoder = TableEncoder.fit(Table(table))
    assert tensor_names(encoder, "encoder") == tensor_names(encoder, "decoder") == ["rows"]
    graph = OnnxGraph(["rows", "encoded"])
    graph.add_output("encoded", encode_table(graph, encoder), np.float32, (encoder.width,))
    rows = np.concatenate([to_input(column) for column in table.columns], axis=1)
    encoded = evaluate(graph, {"rows": rows})["encoded"]
    np.testing.assert_allclose(encoded, encoder.encode(table), rtol=1e-6, atol=1e-6)

    graph = OnnxGraph(["rows", "encoded"])
    decode_table(graph, encoder, graph.add_input("encoded", np.float32, (encoder.width,)))
    known_rows = np.where(np.isnan(encoded), 0.0, encoded)
    decoded = evaluate(graph, {"encoded": known_rows})["rows"]
    expected = encoder.decode_arrow(known_rows)
    columns = [to_input(column) for column in expected.columns]
    np.testing.assert_allclose(decoded, np.concatenate(columns, axis=1), rtol=1e-6, atol=1e-6)


def test_columns_of_texts_are_refused():
    words = ["wind", "boat", "sail", "mast", "tide", "bread", "oven", "salt", "flour", "yeast"]
    rng = np.random.default_rng(0)
    texts = [f"{' '.join(rng.permutation(words)[:6])} {i}" for i in range(40)]
    encoder = TableEncoder.fit(Table(pa.table({"title": texts, "size": np.arange(40.0)})))
    graph = OnnxGraph(["codes", *tensor_names(encoder, "encoder")])
    with pytest.raises(SettingError, match="column title: expected numbers, dates"):
        encode_table(graph, encoder)
