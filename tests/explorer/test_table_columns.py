from __future__ import annotations

import numpy as np

from latentmap.data import ArraySource
from latentmap.explorer.table_columns import MAX_COLUMNS, MAX_QUANTIZED, TableColumns, quantize


def test_of_many_columns_the_most_telling_are_shown_in_their_order():
    rng = np.random.default_rng(0)
    rows, telling = rng.normal(size=(50, 400)), rng.random(400)
    table = TableColumns.read(ArraySource(rows), [f"c{i}" for i in range(400)], telling, False)
    assert len(table.names) == MAX_COLUMNS
    assert table.n_total == 400
    assert (np.diff(table.indices) > 0).all()
    left = np.setdiff1d(np.arange(400), table.indices)
    assert telling[left].max() <= telling[table.indices].min()
    np.testing.assert_allclose(table.values, rows[:, table.indices], rtol=1e-6)
    assert table.to_display(rows[:3]).tolist() == table.values[:3].tolist()


def test_columns_are_described_in_their_own_units(wide_scene, wine):
    rows, told = wine[:], wide_scene.table.describe()["columns"]
    assert [column["name"] for column in told] == wine.feature_names
    np.testing.assert_allclose([c["mean"] for c in told], rows.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose([c["deviation"] for c in told], rows.std(axis=0), rtol=1e-4)
    np.testing.assert_allclose([c["low"] for c in told], rows.min(axis=0), rtol=1e-6)
    np.testing.assert_allclose([c["high"] for c in told], rows.max(axis=0), rtol=1e-6)


def test_fewer_columns_are_those_that_tell_most(wide_scene):
    table = wide_scene.table
    few = table.keep_most_important(3)
    assert few.values.shape == (len(wide_scene), 3)
    assert few.importance.min() >= np.sort(table.importance)[-3]
    assert few.names == [table.names[i] for i in few.indices]
    assert few.n_total == table.n_total


def test_whole_numbers_are_told():
    source = ArraySource(np.arange(6).reshape(3, 2))
    table = TableColumns.read(source, ["a", "b"], np.ones(2))
    assert all(column["whole"] for column in table.describe()["columns"])


def test_numbers_come_back_to_within_a_step():
    values = np.random.default_rng(0).normal(size=(300, 2)) * [1, 1e6]
    low, high = values.min(axis=0), values.max(axis=0)
    back = low + quantize(values, low, high) / MAX_QUANTIZED * (high - low)
    assert (np.abs(back - values) <= (high - low) / MAX_QUANTIZED).all()


def test_a_column_of_one_number_is_at_its_low_end():
    assert quantize(np.full(3, 7.0), 7.0, 7.0).tolist() == [0, 0, 0]
