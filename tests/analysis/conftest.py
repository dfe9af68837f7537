from __future__ import annotations

import numpy as np
import pytest

from latentmap.analysis import CodeDensity


class Plane:
    """Estimator whose decoder is the function ``bend``."""

    def __init__(self, bend=lambda z: z):
        self.bend = bend

    def inverse_transform(self, Z):
        return self.bend(np.asarray(Z, dtype=np.float64))


class Atlas(Plane):
    """Map with landmarks and a Gaussian density around them."""

    def __init__(self, landmarks, width):
        super().__init__()
        self.landmarks_, self.width = landmarks, width

    def density(self, Z):
        squares = ((np.asarray(Z)[:, None] - self.landmarks_) ** 2).sum(axis=2)
        return np.minimum(np.exp(-squares / (2 * self.width**2)).sum(axis=1) / 3, 1)


@pytest.fixture(scope="session")
def plane():
    return Plane


@pytest.fixture(scope="session")
def atlas():
    return Atlas


@pytest.fixture(scope="session")
def ring():
    """Codes on three quarters of a ring, and their angles."""
    rng = np.random.default_rng(0)
    angle = np.sort(rng.uniform(-0.25 * np.pi, 1.25 * np.pi, 1500))
    codes = np.column_stack([np.cos(angle), np.sin(angle)]) * rng.normal(1, 0.06, (1500, 1))
    return codes, angle


@pytest.fixture(scope="session")
def ring_density(ring):
    return CodeDensity(ring[0])
