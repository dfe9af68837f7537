from __future__ import annotations

import numpy as np
import pytest

from latentmap.analysis.density_peaks import assign_modes, find_modes, merge_tree


def blobs(*parts):
    """Return normal blobs on a line, each given as (rows, center, standard deviation)."""
    rng = np.random.default_rng(0)
    return np.concatenate([rng.normal((x, 0), s, (n, 2)) for n, x, s in parts])


def test_density_is_computed_from_neighbor_distances():
    points = np.array([[0.0], [1.0], [3.0], [10.0]])
    density = find_modes(points, 2)
    # Root mean squares of the distances to the two nearest other points.
    np.testing.assert_allclose(density.radii, np.sqrt([5.0, 2.5, 6.5, 65.0]))
    assert density.log_density.argmax() == 1
    np.testing.assert_allclose(
        np.diff(density.log_density) / np.diff(np.log(density.radii)),
        (density.log_density[1] - density.log_density[0])
        / np.log(density.radii[1] / density.radii[0]),
    )


@pytest.mark.parametrize("width", [1, 2, 4])
def test_intrinsic_dimension_is_estimated(width):
    rng = np.random.default_rng(0)
    flat = rng.random((3000, width)) @ np.linalg.qr(rng.normal(size=(6, width)))[0].T
    density = find_modes(flat, 50)
    slope = (density.log_density[1] - density.log_density[0]) / np.log(
        density.radii[0] / density.radii[1]
    )
    assert slope == pytest.approx(width, rel=0.15)


def test_modes_are_at_least_as_dense_as_their_points():
    density = find_modes(blobs((200, 0, 1), (100, 9, 1)), 15)
    assert (density.log_density[density.modes][density.labels] >= density.log_density).all()
    assert (density.labels[density.modes] == np.arange(len(density.modes))).all()
    assert (density.saddles <= density.log_density[density.modes][:, None] + 1e-12).all()


def test_scale_does_not_change_modes_and_merges():
    points = blobs((200, 0, 1), (150, 6, 1))
    small, large = find_modes(points, 15), find_modes(points * 1000 + 5000, 15)
    assert (small.labels == large.labels).all()
    pairs = zip(merge_tree(small), merge_tree(large), strict=True)
    assert all(a.excess_mass == pytest.approx(b.excess_mass, abs=1e-6) for a, b in pairs)


def test_excess_mass_is_the_mass_above_the_saddle():
    density = find_modes(blobs((300, 0, 1), (200, 5, 1)), 20)
    tree = merge_tree(density)
    last = tree[-1]
    level = density.saddles[last.mode_pair]
    groups = assign_modes(density, tree, {last.absorbed_mode, *_main(density, tree)})
    point_excess = np.maximum(1 - np.exp(level - density.log_density), 0)
    group_excess = [point_excess[groups == group].sum() for group in np.unique(groups)]
    assert min(group_excess) == pytest.approx(last.excess_mass)
    assert 100 < last.excess_mass < 200
    assert last.prominence == pytest.approx(
        density.log_density[groups == last.absorbed_mode].max() - level
    )


def _main(density, tree):
    return set(range(len(density.modes))) - {merge.absorbed_mode for merge in tree}


def test_narrow_mode_has_less_excess_mass_than_a_wide_mode():
    points = blobs((600, 0, 1), (300, 6, 1), (40, 0.8, 0.01))
    tree = sorted(merge_tree(find_modes(points, 25)), key=lambda merge: -merge.excess_mass)
    assert tree[0].excess_mass > 200  # The second wide mode.
    assert tree[1].excess_mass <= 40  # The narrow mode has 40 points.


def test_every_code_is_assigned_to_a_selected_mode():
    density = find_modes(blobs((200, 0, 1), (150, 7, 1), (100, 14, 1)), 15)
    tree = merge_tree(density)
    assert len(tree) == len(density.modes) - 1
    for selected in (
        {0},
        set(range(len(density.modes))),
        {tree[-1].absorbed_mode, *_main(density, tree)},
    ):
        assert set(np.unique(assign_modes(density, tree, selected))) == selected


def test_repeated_codes_are_modes():
    points = np.repeat([[0.0, 0.0], [1.0, 0.0]], [300, 200], axis=0)
    tree = merge_tree(find_modes(points, 20))
    assert sorted(round(merge.excess_mass) for merge in tree)[-1] == 200
    assert all(
        merge.excess_mass < 1 for merge in sorted(tree, key=lambda merge: -merge.excess_mass)[1:]
    )
