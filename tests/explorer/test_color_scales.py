from __future__ import annotations

import numpy as np
import pytest

from latentmap.explorer.color_scales import (
    MAX_CATEGORIES,
    encode_classes,
    encode_labels,
    encode_numbers,
)


def test_class_names_are_preserved():
    labels = np.array(["b", "<b>", "b", "ä"])
    values = encode_labels(labels)
    assert [values.categories[i] for i in values.values] == labels.tolist()


def test_few_distinct_numbers_are_classes_in_numerical_order():
    values = encode_labels(np.array([10, 9, 2, 10]))
    assert values.categories == ["2", "9", "10"]
    assert values.values.tolist() == [2, 1, 0, 2]


def test_many_distinct_numbers_are_encoded_as_numbers():
    labels = np.arange(500) * 3
    values = encode_labels(labels)
    assert values.categories is None
    assert (values.low, values.high) == (0, 1497)
    assert np.abs(values.values / 65_534 * 1497 - labels).max() < 0.03


def test_the_rarest_classes_beyond_the_limit_are_merged():
    labels = np.array([f"name {i:04}" for i in range(1500) for _ in range(1 + (i % 3 == 0))])
    values = encode_classes(labels)
    assert len(values.categories) == MAX_CATEGORIES
    assert values.categories[-1] == "(others)"
    names = np.array(values.categories)[values.values]
    has_name = names != "(others)"
    assert (names[has_name] == labels[has_name]).all()
    common = {f"name {i:04}" for i in range(0, 1500, 3)}
    assert common <= set(names)


def test_infinite_and_missing_numbers_are_encoded_as_missing():
    values = encode_numbers(np.array([1.0, np.nan, 3.0, np.inf]))
    assert (values.low, values.high) == (1, 3)
    assert values.values.tolist() == [0, 65_535, 65_534, 65_535]
    assert encode_numbers(np.array([np.nan])).values.tolist() == [65_535]


def test_labels_scores_and_columns_are_listed(map_scene, wide_scene):
    names = [scale.name for scale in map_scene.color_scales]
    assert names == ["label", "cluster", "confidence", "error", "neighbour recall", "outlier score"]
    names = [scale.name for scale in wide_scene.color_scales]
    assert names[:5] == ["label", "cluster", "error", "neighbour recall", "outlier score"]
    assert names[5:] == wide_scene.table.names


def test_a_column_scale_encodes_its_values(wide_scene):
    scale = wide_scene.color_scales[5 + 2]
    expected = {"name": wide_scene.table.names[2], "is_computed": True, "column": 2}
    assert scale.describe() == expected
    colors, values = scale.compute(), wide_scene.table.column_values(2)
    restored = colors.low + colors.values / 65_534 * (colors.high - colors.low)
    np.testing.assert_allclose(restored, values, atol=np.ptp(values) / 60_000)


def test_the_description_says_whether_a_score_is_computed(wide_scene):
    descriptions = {scale.name: scale.describe() for scale in wide_scene.color_scales}
    assert descriptions["label"] == {"name": "label", "is_computed": True}
    is_computed = wide_scene.scores.is_computed("cluster")
    assert descriptions["cluster"] == {"name": "cluster", "is_computed": is_computed}


def test_values_are_described_by_categories_or_a_range():
    assert encode_labels(np.array(["b", "a"])).describe() == {"categories": ["a", "b"]}
    assert encode_numbers(np.array([1.0, 3.0])).describe() == {"low": 1, "high": 3}


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["b", None, "a", "b"], dtype=object),
        np.array(["b", "", "a", "b"]),
        np.array(["b", float("nan"), "a", "b"], dtype=object),
    ],
)
def test_missing_labels_do_not_form_a_class(labels):
    values = encode_labels(labels)
    assert values.categories == ["a", "b"]
    assert values.values.tolist() == [1, 65_535, 0, 1]


@pytest.mark.parametrize("dtype", [float, object])
def test_numeric_labels_with_gaps_are_numbers(dtype):
    labels = np.arange(100).astype(dtype)
    labels[3] = np.nan
    values = encode_labels(labels)
    assert (values.low, values.high, values.categories) == (0, 99, None)
    assert values.values[[0, 3, 99]].tolist() == [0, 65_535, 65_534]


def test_few_numeric_labels_with_gaps_are_named_without_a_decimal_point():
    assert encode_labels(np.array([1.0, np.nan, 0.0, 2.5])).categories == ["0", "1", "2.5"]


def test_every_fitted_column_of_a_mixed_table_has_a_scale(mixed_scene, people):
    scales = {scale.name: scale for scale in mixed_scene.color_scales if scale.column is not None}
    assert list(scales) == ["age", "country", "member", "joined", "visits", "spend"]
    country = scales["country"].compute()
    assert country.categories == sorted(people["country"].dropna().unique())
    assert ((country.values == 65_535) == people["country"].isna()).all()
    joined = scales["joined"].compute()
    assert joined.categories is None
    assert joined.low == people["joined"].min().timestamp()
