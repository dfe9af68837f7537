from __future__ import annotations

import itertools

import numpy as np
import pytest

from latentmap.analysis.latent_path import (
    _bottleneck,
    high_density_path,
    interpolate_polyline,
    resample,
)


def best_of_all_paths(pairs, heights, count):
    """Return the best minimum density over all paths from 0 to 1."""
    saddle_heights = {frozenset(p): h for p, h in zip(pairs.tolist(), heights, strict=True)}
    best = -np.inf
    for length in range(count - 1):
        for center in itertools.permutations(range(2, count), length):
            steps = itertools.pairwise((0, *center, 1))
            best = max(best, min(saddle_heights.get(frozenset(step), -np.inf) for step in steps))
    return best


@pytest.mark.parametrize("seed", range(10))
def test_bottleneck_matches_the_best_of_all_paths(seed):
    rng, count = np.random.default_rng(seed), 7
    pairs = np.array(list(itertools.combinations(range(count), 2)))
    pairs = pairs[(rng.random(len(pairs)) < 0.6) | (pairs.sum(axis=1) == 1)]
    heights = rng.normal(size=len(pairs)) * 100
    assert _bottleneck(pairs, heights, count) == pytest.approx(
        best_of_all_paths(pairs, heights, count)
    )


def test_resampled_points_are_equidistant():
    path = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 1.0]])
    assert resample(path, 5).tolist() == [[0, 0], [1, 0], [2, 0], [3, 0], [3, 1]]
    assert (
        interpolate_polyline(path, np.zeros(2), np.array([0.0, 0.5, 1.0])).tolist() == path.tolist()
    )


def test_path_stays_in_dense_regions(ring, ring_density):
    codes, density = ring[0], ring_density
    path = high_density_path(codes[[60, -60]], codes[::2], density)
    assert density.log_density(path).min() >= min(
        density.low_log_density, *density.log_density(codes[[60, -60]])
    )
    curvature = np.diff(path, n=2, axis=0) * len(path) ** 2
    assert np.linalg.norm(curvature, axis=1).max() < 600  # An unsmoothed corner has more than 1000.
