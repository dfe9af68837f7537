from __future__ import annotations

import numpy as np

from latentmap.explorer.color_scales import (
    MAX_CATEGORIES,
    encode_classes,
    encode_labels,
    encode_numbers,
)


def test_classes_keep_their_names():
    labels = np.array(["b", "<b>", "b", "ä"])
    colour = encode_labels(labels)
    assert [colour.categories[i] for i in colour.numbers] == labels.tolist()


def test_numbers_that_are_classes_are_in_their_order():
    colour = encode_labels(np.array([10, 9, 2, 10]))
    assert colour.categories == ["2", "9", "10"]
    assert colour.numbers.tolist() == [2, 1, 0, 2]


def test_many_different_numbers_are_measured():
    labels = np.arange(500) * 3
    colour = encode_labels(labels)
    assert colour.categories is None
    assert (colour.low, colour.high) == (0, 1497)
    assert np.abs(colour.numbers / 65_534 * 1497 - labels).max() < 0.03


def test_the_rarest_of_too_many_classes_are_others():
    labels = np.array([f"name {i:04}" for i in range(1500) for _ in range(1 + (i % 3 == 0))])
    colour = encode_classes(labels)
    assert len(colour.categories) == MAX_CATEGORIES
    assert colour.categories[-1] == "(others)"
    named = np.array(colour.categories)[colour.numbers]
    kept = named != "(others)"
    assert (named[kept] == labels[kept]).all()
    common = {f"name {i:04}" for i in range(0, 1500, 3)}
    assert common <= set(named)


def test_what_is_not_finite_is_missing():
    colour = encode_numbers(np.array([1.0, np.nan, 3.0, np.inf]))
    assert (colour.low, colour.high) == (1, 3)
    assert colour.numbers.tolist() == [0, 65_535, 65_534, 65_535]
    assert encode_numbers(np.array([np.nan])).numbers.tolist() == [65_535]


def test_everything_that_can_colour_is_listed(map_scene, wide_scene):
    names = [scale.name for scale in map_scene.color_scales]
    assert names == ["label", "cluster", "confidence", "error", "outlier score"]
    names = [scale.name for scale in wide_scene.color_scales]
    assert names[:4] == ["label", "cluster", "error", "outlier score"]
    assert names[4:] == wide_scene.table.names


def test_a_column_colours_by_its_values(wide_scene):
    scale = wide_scene.color_scales[4 + 2]
    told, colour = scale.describe(), scale.compute()
    assert (told["of"], told["column"], told["ready"]) == ("column", 2, True)
    values = wide_scene.table.values[:, 2]
    back = told["low"] + colour.numbers / 65_534 * (told["high"] - told["low"])
    np.testing.assert_allclose(back, values, atol=np.ptp(values) / 60_000)


def test_what_takes_a_pass_is_not_ready_before(wide_scene):
    told = {scale.name: scale.describe() for scale in wide_scene.color_scales}
    assert told["label"]["ready"]
    if not wide_scene.scores.is_computed("cluster"):
        assert told["cluster"] == {
            "name": "cluster",
            "kind": "category",
            "ready": False,
            "values": None,
            "of": "row",
        }
