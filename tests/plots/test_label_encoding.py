from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from latentmap.errors import DataError
from latentmap.plots.label_encoding import MOST_NAMES, Tags
from latentmap.plots.style import PALETTE


def test_classes_are_sorted_and_numbered():
    tags = Tags(["b", "a", None, "b"], 4)
    assert tags.names == ["None", "a", "b"]
    assert tags.numbers.tolist() == [2, 1, 0, 2]
    assert np.allclose(tags.colors(), [to_rgb(PALETTE[i]) for i in tags.numbers])


@pytest.mark.parametrize(("count", "names"), [(20, 20), (21, 0)])
def test_many_different_numbers_are_a_measured_value(count, names):
    tags = Tags(np.arange(count), count)
    assert len(tags.names) == names
    assert (tags.values is None) == (names > 0)


@pytest.mark.parametrize(("count", "named"), [(21, True), (MOST_NAMES, True), (61, False)])
def test_many_texts_share_colors_and_lose_their_names_at_last(count, named):
    tags = Tags([f"kind {i:02}" for i in range(count)], count)
    assert tags.values is None
    assert (len(tags.names) == count) == named
    assert tags.shared != named
    assert np.array_equal(tags.colors()[0], tags.colors()[20])


def test_without_labels_all_rows_have_one_color():
    tags = Tags(None, 3)
    assert tags.names == []
    assert np.allclose(tags.colors(), [to_rgb(PALETTE[0])] * 3)


def test_labels_of_another_number_are_refused():
    with pytest.raises(DataError, match=r"expected one for each of 3 codes, found \(2,\)"):
        Tags(["a", "b"], 3)
