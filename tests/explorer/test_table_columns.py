from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from latentmap.data import ArraySource, Table
from latentmap.explorer.display_columns import DisplayColumn
from latentmap.explorer.table_columns import (
    MAX_CATEGORIES,
    MAX_COLUMNS,
    MAX_QUANTIZED,
    MISSING,
    TableColumns,
    numeric_columns,
    quantize,
)


def read(rows, importance):
    source = ArraySource(rows)
    names = [f"c{i}" for i in range(rows.shape[1])]
    return TableColumns.read(source, numeric_columns(names, source.dtype), importance)


def test_the_most_important_columns_are_kept_in_order():
    rng = np.random.default_rng(0)
    rows, importance = rng.normal(size=(50, 400)), rng.random(400)
    table = read(rows, importance)
    indices = np.array([column.encoded_slice.start for column in table.columns])
    assert len(table.names) == MAX_COLUMNS
    assert table.n_total == 400
    assert (np.diff(indices) > 0).all()
    left = np.setdiff1d(np.arange(400), indices)
    assert importance[left].max() <= importance[indices].min()
    values = np.column_stack([table.column_values(j) for j in range(MAX_COLUMNS)])
    np.testing.assert_allclose(values, rows[:, indices], rtol=1e-6)
    assert np.column_stack(table.to_display(rows[:3])).tolist() == values[:3].tolist()


def test_column_statistics_are_in_the_units_of_the_data(wide_scene, wine):
    rows, description = wine[:], wide_scene.table.describe()["columns"]
    assert [column["name"] for column in description] == wine.feature_names
    assert {column["kind"] for column in description} == {"number"}
    np.testing.assert_allclose([c["mean"] for c in description], rows.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose([c["std"] for c in description], rows.std(axis=0), rtol=1e-4)
    np.testing.assert_allclose([c["low"] for c in description], rows.min(axis=0), rtol=1e-6)
    np.testing.assert_allclose([c["high"] for c in description], rows.max(axis=0), rtol=1e-6)


def test_keep_most_important_selects_by_importance(wide_scene):
    table = wide_scene.table
    selected = table.keep_most_important(3)
    assert selected.values.shape == (len(wide_scene), 3)
    assert selected.importance.min() >= np.sort(table.importance)[-3]
    assert selected.names == [c.name for c in table.columns if c in selected.columns]
    assert selected.n_total == table.n_total


def test_columns_of_whole_numbers_are_described_as_integer():
    rows = np.array([[0.0, 0.5], [2.0, 3.0], [4.0, 5.0]])
    described = read(rows, np.ones(2)).describe()["columns"]
    assert [column["is_integer"] for column in described] == [True, False]


def describe(mixed_scene):
    return {column["name"]: column for column in mixed_scene.table.describe()["columns"]}


def test_columns_of_a_mixed_table_have_kinds_and_units(mixed_scene):
    columns = describe(mixed_scene)
    kinds = {name: column["kind"] for name, column in columns.items()}
    assert kinds == {
        "name": "text",
        "age": "number",
        "country": "category",
        "member": "category",
        "joined": "date",
        "visits": "number",
        "spend": "number",
        "note": "text",
    }
    assert columns["name"]["is_fitted"] is False
    assert columns["spend"]["unit"] == "€"
    assert columns["joined"]["format"] == "date"
    assert columns["visits"]["is_decoded_whole"]


def test_statistics_leave_out_missing_numbers(mixed_scene, people):
    age = describe(mixed_scene)["age"]
    assert age["mean"] == pytest.approx(people["age"].mean())
    assert (age["low"], age["high"]) == (people["age"].min(), people["age"].max())


def test_categories_are_in_order_with_their_shares(mixed_scene, people):
    columns = describe(mixed_scene)
    known = people["country"].dropna()
    assert columns["country"]["categories"] == sorted(known.unique())
    shares = known.value_counts(normalize=True).sort_index()
    assert columns["country"]["shares"] == pytest.approx(shares.tolist(), abs=1e-4)
    assert columns["member"]["categories"] == ["false", "true"]


def test_missing_categories_have_no_index(mixed_scene, people):
    table = mixed_scene.table
    j = table.names.index("country")
    codes = table.encode_categories(j, table.values.column(j))
    assert (codes == MISSING).tolist() == people["country"].isna().tolist()
    named = [table.categories[j][code] for code in codes if code != MISSING]
    assert named == people["country"].dropna().tolist()


def test_categories_of_numbers_are_in_numerical_order():
    column = DisplayColumn("n", "category", "int64")
    source = Table(pa.table({"n": [10, 9, 2, 10, None]}))
    table = TableColumns.read(source, [column], np.ones(1))
    assert table.categories == [["2", "9", "10"]]


def test_rare_categories_beyond_the_limit_are_merged():
    names = [f"name {i:04}" for i in range(1500) for _ in range(1 + (i % 3 == 0))]
    column = DisplayColumn("n", "category", "string")
    table = TableColumns.read(Table(pa.table({"n": names})), [column], np.ones(1))
    (categories,) = table.categories
    assert len(categories) == MAX_CATEGORIES
    assert categories[-1] == "(others)"
    codes = table.encode_categories(0, table.values.column(0))
    assert codes.max() == MAX_CATEGORIES - 1
    assert {f"name {i:04}" for i in range(0, 1500, 3)} <= set(categories)


def test_long_vectors_are_shortened():
    column = DisplayColumn.from_unfitted("v", pa.list_(pa.float64()))
    texts = column.convert(pa.array([[0.5, 1.25, 2.0], [0.0] * 300, None]))
    assert texts.tolist() == ["0.5, 1.25, 2", "0, 0, 0, 0, … (296 more)", None]


def test_lists_of_strings_are_complete():
    column = DisplayColumn.from_unfitted("tags", pa.list_(pa.string()))
    texts = column.convert(pa.array([list("abcdefg"), ["a", None], [], None]))
    assert texts.tolist() == ["a, b, c, d, e, f, g", "a", "", None]


def test_quantization_error_is_at_most_one_step():
    values = np.random.default_rng(0).normal(size=(300, 2)) * [1, 1e6]
    low, high = values.min(axis=0), values.max(axis=0)
    restored = low + quantize(values, low, high) / MAX_QUANTIZED * (high - low)
    assert (np.abs(restored - values) <= (high - low) / MAX_QUANTIZED).all()


def test_constant_columns_are_quantized_to_zero():
    assert quantize(np.full(3, 7.0), 7.0, 7.0).tolist() == [0, 0, 0]
