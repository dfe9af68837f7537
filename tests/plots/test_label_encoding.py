from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from latentmap.errors import DataError
from latentmap.plots.label_encoding import MAX_CLASS_NAMES, LabelEncoding
from latentmap.plots.style import LIGHT_GREY, PALETTE


def test_classes_are_sorted_and_numbered():
    encoding = LabelEncoding(["b", "a", "c", "b"], 4)
    assert encoding.names == ["a", "b", "c"]
    assert encoding.indices.tolist() == [1, 0, 2, 1]
    assert np.allclose(encoding.colors(), [to_rgb(PALETTE[i]) for i in encoding.indices])


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.array(["b", "", "a"]), ["a", "b"]),
        (np.array(["b", None, "a"], object), ["a", "b"]),
        (np.array([2.0, np.nan, 1.0]), ["1", "2"]),
    ],
)
def test_missing_labels_are_grey_and_have_no_name(labels, names):
    encoding = LabelEncoding(labels, 3)
    assert encoding.names == names
    assert encoding.indices.tolist() == [1, -1, 0]
    assert np.allclose(encoding.colors()[1], to_rgb(LIGHT_GREY))


def test_missing_values_of_a_measurement_are_grey():
    encoding = LabelEncoding(np.append(np.arange(30.0), np.nan), 31)
    assert np.allclose(encoding.colors()[30], to_rgb(LIGHT_GREY))
    assert encoding.color_scale.get_clim() == (0, 29)


@pytest.mark.parametrize(("count", "names"), [(20, 20), (21, 0)])
def test_many_distinct_numbers_are_a_measured_value(count, names):
    encoding = LabelEncoding(np.arange(count), count)
    assert len(encoding.names) == names
    assert (encoding.values is None) == (names > 0)


@pytest.mark.parametrize(("count", "has_names"), [(21, True), (MAX_CLASS_NAMES, True), (61, False)])
def test_many_texts_share_colours_and_are_not_named(count, has_names):
    encoding = LabelEncoding([f"kind {i:02}" for i in range(count)], count)
    assert encoding.values is None
    assert (len(encoding.names) == count) == has_names
    assert encoding.has_unnamed_classes != has_names
    assert np.array_equal(encoding.colors()[0], encoding.colors()[20])


def test_without_labels_all_rows_have_one_color():
    encoding = LabelEncoding(None, 3)
    assert encoding.names == []
    assert np.allclose(encoding.colors(), [to_rgb(PALETTE[0])] * 3)


def test_labels_of_another_length_are_refused():
    with pytest.raises(DataError, match=r"expected labels of shape \(3,\), found \(2,\)"):
        LabelEncoding(["a", "b"], 3)
