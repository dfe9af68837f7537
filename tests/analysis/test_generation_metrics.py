from __future__ import annotations

import numpy as np
import pytest

from latentmap.analysis import (
    density_and_coverage,
    evaluate_generated,
    generation_metrics,
    nearest_distances,
)
from latentmap.errors import DataError, SettingError


def definition(real, generated, k):
    """Compute density and coverage pair by pair, as in the paper."""
    is_inside = np.zeros((len(generated), len(real)), bool)
    for i, x in enumerate(real):
        others = sorted(np.linalg.norm(x - y) for j, y in enumerate(real) if j != i)
        for j, y in enumerate(generated):
            is_inside[j, i] = np.linalg.norm(x - y) < others[k - 1]
    return is_inside.sum() / (k * len(generated)), is_inside.any(axis=0).mean()


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(2, 60, 3)) * [[[1]], [[0.7]]]


@pytest.mark.parametrize("k", [1, 5])
def test_density_and_coverage_match_the_published_formulas(rows, k):
    result = density_and_coverage(*rows, k=k)
    assert result == pytest.approx(definition(*rows, k))


def test_block_size_does_not_change_results(rows, monkeypatch):
    complete = density_and_coverage(*rows), nearest_distances(*rows)
    monkeypatch.setattr(generation_metrics, "WORKING_MEMORY_MIB", 60 * 7 * 8 / 2**20)
    assert density_and_coverage(*rows) == complete[0]
    assert np.array_equal(nearest_distances(*rows), complete[1])


def test_same_distribution_has_the_expected_values():
    real, same = np.random.default_rng(0).normal(size=(2, 2000, 10))
    result = density_and_coverage(real, same)
    assert result.density == pytest.approx(1, abs=0.05)
    assert result.coverage == pytest.approx(1 - 2**-5, abs=0.01)


def test_one_of_two_modes_covers_half():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(1000, 2)) + 50 * np.repeat([0, 1], 500)[:, None]
    result = density_and_coverage(real, rng.normal(size=(1000, 2)))
    assert result.coverage == pytest.approx(0.5, abs=0.02)


def test_distance_from_the_origin_does_not_matter():
    rows = np.random.default_rng(0).normal(size=(2, 200, 4)).astype("f4")
    assert density_and_coverage(*rows + 1000) == pytest.approx(
        density_and_coverage(*rows), abs=0.02
    )


def test_images_are_flattened(rows):
    assert density_and_coverage(*rows.reshape(2, 60, 3, 1)) == density_and_coverage(*rows)


def test_copy_has_distance_zero(rows):
    result = nearest_distances([rows[0][3], rows[0][4] + 100], rows[0])
    assert result[0] == pytest.approx(0, abs=1e-3)
    assert result[1] > 100


@pytest.mark.parametrize(
    ("real", "generated", "k", "error", "message"),
    [
        (np.zeros((5, 2)), np.zeros((5, 2)), 5, DataError, "more than k = 5 of them, found 5"),
        (
            np.zeros((9, 2)),
            np.zeros((5, 3)),
            5,
            DataError,
            "found rows of 3 numbers",
        ),
        (np.zeros((9, 2)), np.zeros((0, 2)), 5, DataError, "generated rows"),
        (np.zeros((9, 2)), np.full((5, 2), np.nan), 5, DataError, "found NaN"),
        (np.zeros((9, 2)), np.array([["a", "b"]]), 5, DataError, "expected real numbers"),
        (
            np.zeros((9, 2)),
            np.zeros((5, 2)),
            0,
            SettingError,
            "k: expected an integer",
        ),
    ],
)
def test_invalid_rows_raise(real, generated, k, error, message):
    with pytest.raises(error, match=message):
        density_and_coverage(real, generated, k=k)


class Scaled:
    """Attributes of an estimator that `evaluate_generated` reads."""

    def __init__(self, scale):
        self.row_shape_ = np.shape(scale)
        self.scale_ = np.asarray(scale, "f4")


def test_rows_are_divided_by_the_scale_of_the_estimator(rows):
    units = np.array([1, 1000, 0.001])
    result = evaluate_generated(Scaled(units), rows[0] * units, rows[1] * units)
    assert result == pytest.approx(density_and_coverage(*rows), abs=0.01)
    assert evaluate_generated(Scaled(1), *rows) == density_and_coverage(*rows)


def test_blurred_rows_have_low_density():
    rng = np.random.default_rng(0)
    lines = np.zeros((2, 600, 80))
    for part in lines:
        part[np.arange(600), rng.integers(0, 40, 600)] = 4
        part += 0.5 * rng.normal(size=part.shape)
    blur = np.repeat(lines[0].mean(axis=0)[None], 600, axis=0)
    assert density_and_coverage(lines[0], blur).density > 2
    assert evaluate_generated(Scaled(1), lines[0], lines[1]).coverage > 0.9
    assert evaluate_generated(Scaled(1), lines[0], blur).coverage < 0.8
