from __future__ import annotations

import numpy as np

from latentmap.data import ArraySource
from latentmap.explorer.table_columns import MAX_COLUMNS, MAX_QUANTIZED, TableColumns, quantize


def test_the_most_important_columns_are_kept_in_order():
    rng = np.random.default_rng(0)
    rows, importance = rng.normal(size=(50, 400)), rng.random(400)
    table = TableColumns.read(ArraySource(rows), [f"c{i}" for i in range(400)], importance, False)
    assert len(table.names) == MAX_COLUMNS
    assert table.n_total == 400
    assert (np.diff(table.indices) > 0).all()
    left = np.setdiff1d(np.arange(400), table.indices)
    assert importance[left].max() <= importance[table.indices].min()
    np.testing.assert_allclose(table.values, rows[:, table.indices], rtol=1e-6)
    assert table.to_display(rows[:3]).tolist() == table.values[:3].tolist()


def test_column_statistics_are_in_the_units_of_the_data(wide_scene, wine):
    rows, description = wine[:], wide_scene.table.describe()["columns"]
    assert [column["name"] for column in description] == wine.feature_names
    np.testing.assert_allclose([c["mean"] for c in description], rows.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose([c["std"] for c in description], rows.std(axis=0), rtol=1e-4)
    np.testing.assert_allclose([c["low"] for c in description], rows.min(axis=0), rtol=1e-6)
    np.testing.assert_allclose([c["high"] for c in description], rows.max(axis=0), rtol=1e-6)


def test_keep_most_important_selects_by_importance(wide_scene):
    table = wide_scene.table
    selected = table.keep_most_important(3)
    assert selected.values.shape == (len(wide_scene), 3)
    assert selected.importance.min() >= np.sort(table.importance)[-3]
    assert selected.names == [table.names[i] for i in selected.indices]
    assert selected.n_total == table.n_total


def test_integer_columns_are_described_as_integer():
    source = ArraySource(np.arange(6).reshape(3, 2))
    table = TableColumns.read(source, ["a", "b"], np.ones(2))
    assert all(column["is_integer"] for column in table.describe()["columns"])


def test_quantization_error_is_at_most_one_step():
    values = np.random.default_rng(0).normal(size=(300, 2)) * [1, 1e6]
    low, high = values.min(axis=0), values.max(axis=0)
    restored = low + quantize(values, low, high) / MAX_QUANTIZED * (high - low)
    assert (np.abs(restored - values) <= (high - low) / MAX_QUANTIZED).all()


def test_constant_columns_are_quantized_to_zero():
    assert quantize(np.full(3, 7.0), 7.0, 7.0).tolist() == [0, 0, 0]
