import numpy as np
import pytest

from latentmap.maps.range_check import describe_mismatch

SIZES, RATIOS = np.full(20, 1.0), np.full(20, 0.9)


@pytest.mark.parametrize(
    ("sizes", "ratios", "expected"),
    [
        (SIZES, RATIOS, None),
        (SIZES / 30, RATIOS, "are 30 times smaller than the fitted rows"),
        (SIZES * 30, RATIOS, "are 30 times larger than the fitted rows"),
        (SIZES, RATIOS * 3, "are far from all fitted rows"),
        (SIZES * 0, RATIOS, None),
        (SIZES[:5] * 30, RATIOS[:5], None),
    ],
    ids=["similar", "smaller", "larger", "far", "zeros", "few rows"],
)
def test_most_rows_outside_the_range_are_described(
    sizes, ratios, expected, make_placement, two_clusters
):
    assert describe_mismatch(make_placement(*two_clusters), sizes, ratios) == expected


def test_a_minority_outside_the_range_is_not_described(make_placement, two_clusters):
    sizes = np.where(np.arange(20) < 9, 100.0, 1.0)
    assert describe_mismatch(make_placement(*two_clusters), sizes, RATIOS) is None
