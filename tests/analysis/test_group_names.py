from __future__ import annotations

import numpy as np
import pytest

from latentmap.analysis import explain_groups, name_groups
from latentmap.errors import DataError


def test_effect_of_numbers_is_cohens_d():
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1, 2], [40, 70, 90])
    values = rng.normal(groups, 2.0) + 1e9
    values[5] = np.nan
    differences = explain_groups(groups, {"x": values})
    for group in range(3):
        inside = values[(groups == group) & ~np.isnan(values)]
        outside = values[(groups != group) & ~np.isnan(values)]
        pooled = np.sqrt(
            (inside.var() * len(inside) + outside.var() * len(outside))
            / (len(inside) + len(outside) - 2)
        )
        expected = (inside.mean() - outside.mean()) / pooled
        assert differences[group][0].effect == pytest.approx(expected, rel=1e-6)


def test_effect_of_categories_and_words_is_cohens_h():
    groups = np.repeat([0, 1], [10, 20])
    colors = np.array(["red"] * 8 + [None, "blue"] + ["red"] * 5 + ["blue"] * 15, object)
    texts = ["green fields"] * 9 + ["the sea"] + ["the sea"] * 19 + ["green sea"]
    (red, *_), (blue, *_) = explain_groups(groups, {"color": colors})
    h = lambda p, q: 2 * np.arcsin(np.sqrt(p)) - 2 * np.arcsin(np.sqrt(q))  # noqa: E731
    assert (red.text, blue.text) == ("color red", "color blue")
    assert red.effect == pytest.approx(h(8 / 9, 5 / 20))
    assert blue.effect == pytest.approx(h(15 / 20, 1 / 9))
    words = explain_groups(groups, {}, [texts])[0]
    assert {word.text for word in words[:2]} == {"green", "fields"}
    assert next(w for w in words if w.value == "green").effect == pytest.approx(h(0.9, 1 / 20))
    assert "the" not in {
        word.value for group in explain_groups(groups, {}, [texts]) for word in group
    }


def test_names_use_labels_then_differences_then_numbers():
    groups = np.repeat([0, 1, 2], 20)
    columns = {"age": np.repeat([20.0, 50.0, 50.0], 20) + np.tile([0, 1], 30)}
    labels = ["a"] * 19 + ["b"] + ["b"] * 12 + ["c"] * 8 + [None] * 20
    names = name_groups(groups, columns, labels=labels)
    assert names == ["a", "mostly b", "age high"]
    assert name_groups(groups, {"x": np.zeros(60)}) == ["0", "1", "2"]
    assert name_groups(groups, columns) == ["age low", "age high (1)", "age high (2)"]


def test_a_group_of_several_labels_is_not_named_by_a_number_that_looks_like_a_label():
    labels = ["3", "8", "9", "9", "8"] * 8 + ["0"] * 20 + [""] * 20
    names = name_groups(np.repeat([0, 1, 2], [40, 20, 20]), {}, labels=labels)
    assert names == ["8, 9, 3", "0", "group 2"]


def test_a_single_group_and_missing_values_have_no_differences():
    columns = {"x": [np.nan] * 4, "y": [1.0, 2.0, 3.0, 4.0], "z": np.array([None] * 4, object)}
    assert explain_groups([0, 0, 0, 0], columns, [["", None, "the", "of"]]) == [[]]


def test_columns_of_another_length_are_refused():
    with pytest.raises(DataError, match=r"column x: expected 3 values, found shape \(2,\)"):
        explain_groups([0, 0, 1], {"x": [1, 2]})


def test_groups_of_chinese_texts_are_named_by_their_words():
    sports = ["昨天的足球比赛", "球队赢得足球冠军", "他喜欢看足球"] * 10
    food = ["这家餐厅的面条", "餐厅提供晚饭", "我们去餐厅吃鱼"] * 10
    names = name_groups([0] * 30 + [1] * 30, {}, [sports + food], n_parts=1)
    assert names == ["足球", "餐厅"]


def test_overlapping_pairs_of_the_same_texts_are_one_word():
    texts = ["人工智能的未来", "研究人工智能"] * 10 + ["今天吃面条", "面条很好吃"] * 10
    names = name_groups([0] * 20 + [1] * 20, {}, [texts], n_parts=1)
    assert names == ["人工智能", "面条"]


def test_truth_values_are_named_yes_and_no():
    member = np.array([True, False] * 20)
    assert name_groups([0, 1] * 20, {"member": member}) == ["member yes", "member no"]
