from __future__ import annotations

import numpy as np
import pytest

from latentmap.analysis.density_peaks import basins_of, merges, survey


def blobs(*parts):
    """Normal blobs: (rows, middle, deviation) each, on a line across the plane."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal((x, 0), s, (n, 2)) for n, x, s in parts])


def test_the_density_is_that_of_the_neighbours():
    points = np.array([[0.0], [1.0], [3.0], [10.0]])
    land = survey(points, 2)
    # the root mean squares of the distances to the two nearest others
    np.testing.assert_allclose(land.reach, np.sqrt([5.0, 2.5, 6.5, 65.0]))
    assert land.height.argmax() == 1
    np.testing.assert_allclose(
        np.diff(land.height) / np.diff(np.log(land.reach)),
        (land.height[1] - land.height[0]) / np.log(land.reach[1] / land.reach[0]),
    )


@pytest.mark.parametrize("width", [1, 2, 4])
def test_the_dimension_is_that_in_which_points_lie(width):
    rng = np.random.default_rng(0)
    flat = rng.random((3000, width)) @ np.linalg.qr(rng.normal(size=(6, width)))[0].T
    land = survey(flat, 50)
    slope = (land.height[1] - land.height[0]) / np.log(land.reach[0] / land.reach[1])
    assert slope == pytest.approx(width, rel=0.15)


def test_points_climb_to_a_peak_no_lower_than_they_are():
    land = survey(blobs((200, 0, 1), (100, 9, 1)), 15)
    assert (land.height[land.tops][land.home] >= land.height).all()
    assert (land.home[land.tops] == np.arange(len(land.tops))).all()
    assert (land.passes <= land.height[land.tops][:, None] + 1e-12).all()


def test_units_change_nothing_but_the_zero():
    points = blobs((200, 0, 1), (150, 6, 1))
    small, large = survey(points, 15), survey(points * 1000 + 5000, 15)
    assert (small.home == large.home).all()
    pairs = zip(merges(small), merges(large), strict=True)
    assert all(a.excess == pytest.approx(b.excess, abs=1e-6) for a, b in pairs)


def test_excess_mass_is_what_lies_above_the_pass():
    land = survey(blobs((300, 0, 1), (200, 5, 1)), 20)
    tree = merges(land)
    last = tree[-1]
    level = land.passes[last.ends]
    groups = basins_of(land, tree, {last.lesser, *_main(land, tree)})
    above = np.maximum(1 - np.exp(level - land.height), 0)
    excess = [above[groups == group].sum() for group in np.unique(groups)]
    assert min(excess) == pytest.approx(last.excess)
    assert 100 < last.excess < 200
    assert last.prominence == pytest.approx(land.height[groups == last.lesser].max() - level)


def _main(land, tree):
    return set(range(len(land.tops))) - {merge.lesser for merge in tree}


def test_a_spike_is_less_than_a_wide_hill():
    points = blobs((600, 0, 1), (300, 6, 1), (40, 0.8, 0.01))
    tree = sorted(merges(survey(points, 25)), key=lambda merge: -merge.excess)
    assert tree[0].excess > 200  # the second hill
    assert tree[1].excess <= 40  # whatever the height of the spike


def test_every_code_goes_to_a_kept_peak():
    land = survey(blobs((200, 0, 1), (150, 7, 1), (100, 14, 1)), 15)
    tree = merges(land)
    assert len(tree) == len(land.tops) - 1
    for kept in ({0}, set(range(len(land.tops))), {tree[-1].lesser, *_main(land, tree)}):
        assert set(np.unique(basins_of(land, tree, kept))) == kept


def test_many_equal_codes_are_one_peak_each():
    points = np.repeat([[0.0, 0.0], [1.0, 0.0]], [300, 200], axis=0)
    tree = merges(survey(points, 20))
    assert sorted(round(merge.excess) for merge in tree)[-1] == 200
    assert all(merge.excess < 1 for merge in sorted(tree, key=lambda merge: -merge.excess)[1:])
