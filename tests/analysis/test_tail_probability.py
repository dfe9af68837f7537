from __future__ import annotations

import numpy as np
import pytest

from latentmap.analysis.tail_probability import TailDistribution, finite_logs


def test_probability_below_the_threshold_is_the_rank():
    reference = np.random.default_rng(0).permutation(999)
    surprisal = TailDistribution(reference).surprisal([0, 499, 900])
    assert np.exp(-surprisal) == pytest.approx([1.0, 0.501, 0.1], abs=1e-9)


def test_tail_of_exponential_values_is_extrapolated():
    rng = np.random.default_rng(0)
    tail = TailDistribution(rng.exponential(2.0, 100_000))
    extreme_values = np.array([10.0, 20.0, 40.0])  # of 100,000 exponential values none is near 40
    assert tail.surprisal(extreme_values) == pytest.approx(extreme_values / 2, rel=0.1)


def test_tail_of_logarithms_of_pareto_values_is_extrapolated():
    values = np.random.default_rng(0).pareto(3.0, 100_000) + 1  # P(X > x) = x⁻³
    assert TailDistribution(finite_logs(values)).surprisal(finite_logs([1000.0])) == pytest.approx(
        [3 * np.log(1000)], rel=0.1
    )


def test_surprisal_is_monotonic_and_finite():
    rng = np.random.default_rng(0)
    for reference in (
        rng.normal(size=1000),
        np.zeros(50),
        rng.integers(0, 3, 100),
        [1.0],
        [1.0, 2.0],
    ):
        surprisal = TailDistribution(reference).surprisal(np.linspace(-5, 500, 5000))
        assert np.isfinite(surprisal).all()
        assert surprisal[0] == 0
        assert (np.diff(surprisal) >= -1e-12).all()


def test_equal_values_have_zero_surprisal():
    assert TailDistribution([3.0] * 20).surprisal([3.0, 2.0]).tolist() == [0, 0]
    assert TailDistribution([3.0] * 20).surprisal([4.0])[0] > 1


def test_finite_logs_of_extreme_values():
    assert np.isfinite(finite_logs([0.0, 1e-40, 1.0, 1e308, np.inf, np.nan])).all()
