from __future__ import annotations

import numpy as np
import pytest

from latentmap.analysis.tail_probability import Tail, logs


def test_a_usual_value_is_as_rare_as_its_rank():
    usual = np.random.default_rng(0).permutation(999)
    surprise = Tail(usual).surprise([0, 499, 900])
    assert np.exp(-surprise) == pytest.approx([1.0, 0.501, 0.1], abs=1e-9)


def test_the_tail_goes_on_as_the_usual_values_fall_off():
    rng = np.random.default_rng(0)
    tail = Tail(rng.exponential(2.0, 100_000))
    beyond = np.array([10.0, 20.0, 40.0])  # of 100,000 exponential values none is near 40
    assert tail.surprise(beyond) == pytest.approx(beyond / 2, rel=0.1)


def test_logarithms_of_a_pareto_tail_keep_its_index():
    values = np.random.default_rng(0).pareto(3.0, 100_000) + 1  # P(X > x) = x⁻³
    assert Tail(logs(values)).surprise(logs([1000.0])) == pytest.approx([3 * np.log(1000)], rel=0.1)


def test_more_is_never_less_surprising():
    rng = np.random.default_rng(0)
    for usual in (rng.normal(size=1000), np.zeros(50), rng.integers(0, 3, 100), [1.0], [1.0, 2.0]):
        surprise = Tail(usual).surprise(np.linspace(-5, 500, 5000))
        assert np.isfinite(surprise).all()
        assert surprise[0] == 0
        assert (np.diff(surprise) >= -1e-12).all()


def test_among_equal_values_an_equal_one_is_no_surprise():
    assert Tail([3.0] * 20).surprise([3.0, 2.0]).tolist() == [0, 0]
    assert Tail([3.0] * 20).surprise([4.0])[0] > 1


def test_logs_are_finite():
    assert np.isfinite(logs([0.0, 1e-40, 1.0, 1e308, np.inf, np.nan])).all()
