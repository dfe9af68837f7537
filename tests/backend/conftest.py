"""Fixtures of the tests of this folder."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def max_difference():
    """Return a function of two models, the largest difference between their weights."""

    def max_difference(first, second):
        pairs = zip(first.get_weights(), second.get_weights(), strict=True)
        return max(np.abs(a - b).max() for a, b in pairs)

    return max_difference
