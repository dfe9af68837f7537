from typing import Any, Literal, TypedDict

import numpy as np
import pytest

from latentmap.value_types import Count, Positive, PositiveArray, check_value


class Point(TypedDict):
    x: float
    label: str | None


VALID = [
    (3, float),
    (None, str | None),
    ([1, None], list[int | None]),
    ({"a": [1]}, dict[str, str | list[int]]),
    ({"x": 1.5, "label": None}, Point),
    ("left", Literal["left", "right"]),
    (np.ones(3, np.float16), PositiveArray),
    (np.empty((0, 2)), PositiveArray),
    (np.arange(3), np.ndarray),
    (object(), Any),
]


@pytest.mark.parametrize(("value", "annotation"), VALID)
def test_valid_values_pass(value, annotation):
    check_value("v", value, annotation)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (True, int),
        (1.0, int),
        (-1, Count),
        (0, Positive),
        (1e39, Positive),
        (float("nan"), Positive),
        ([1, "x"], list[int]),
        ("text", list[str]),
        ({"x": 1.5}, Point),
        ({"x": 1.5, "label": None, "y": 2}, Point),
        ({"x": None, "label": None}, Point),
        ("up", Literal["left", "right"]),
        (np.array([1.0, np.nan]), np.ndarray),
        (np.array([1.0, np.inf]), np.ndarray),
        (np.array(["a"]), np.ndarray),
        (np.array([1.0, 0.0]), PositiveArray),
        ([1.0], np.ndarray),
    ],
)
def test_other_values_raise(value, annotation):
    with pytest.raises((TypeError, ValueError), match=r"^v"):
        check_value("v", value, annotation)
