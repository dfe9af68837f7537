from __future__ import annotations

import numpy as np
import pytest

from latentmap.plots.class_labels import find_dense_regions

LOW, HIGH = np.zeros(2), np.full(2, 100.0)


def blob(x, y, count, radius=4):
    rng = np.random.default_rng(int(x + 7 * y))
    return rng.normal((x, y), radius, (count, 2))


def positions(*blobs):
    return [place for place, _ in find_dense_regions(np.concatenate(blobs), LOW, HIGH)]


def test_a_single_region_has_its_position_at_the_median():
    rows = blob(30, 60, 500)
    assert np.allclose(positions(rows), [np.median(rows, axis=0)], atol=0.5)


def test_a_position_is_not_between_two_regions():
    rows = [blob(20, 50, 520), blob(45, 50, 480)]
    assert np.allclose(positions(*rows), [[20, 50], [45, 50]], atol=2)


def test_the_largest_region_is_first():
    assert np.allclose(
        positions(blob(20, 50, 300), blob(80, 50, 500)), [[80, 50], [20, 50]], atol=2
    )


@pytest.mark.parametrize(("count", "names"), [(30, 1), (150, 1), (400, 2)])
def test_small_regions_are_left_out(count, names):
    assert len(positions(blob(20, 20, 1000), blob(80, 80, count))) == names


def test_adjacent_regions_are_merged():
    assert len(positions(blob(50, 50, 500, 0.5), blob(58, 50, 500, 0.5))) == 1


def test_the_position_of_a_ring_is_on_the_ring():
    angle = np.linspace(0, 2 * np.pi, 2000)
    ring = 50 + 30 * np.column_stack([np.cos(angle), np.sin(angle)])
    assert np.linalg.norm(positions(ring)[0] - 50) == pytest.approx(30, abs=1)


@pytest.mark.parametrize("count", [1, 2, 9])
def test_few_rows_have_one_region(count):
    rows = np.random.default_rng(0).uniform(0, 100, (count, 2))
    assert len(positions(rows)) == 1
