import numpy as np

from latentmap.maps import position_search
from latentmap.maps.position_search import PositionSearch


def test_a_few_codes_and_a_search_tree_have_equal_neighbours():
    rng = np.random.default_rng(0)
    search = PositionSearch(rng.normal(size=(300, 2)))
    codes = rng.normal(size=(20, 2)).astype(np.float32)
    compared = search.nearest(codes, 7)
    assert "_tree" not in vars(search)
    for _ in range(position_search.FEW_SEARCHES):
        searched = search.nearest(codes, 7)
    assert "_tree" in vars(search)
    for few, many in zip(compared, searched, strict=True):
        assert np.array_equal(few, many)
