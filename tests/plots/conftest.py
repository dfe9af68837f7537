from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from latentmap.plots.style import AUTOMATIC_SIZE


@pytest.fixture
def ax():
    return Figure((6, 6), layout="constrained").subplots()


@pytest.fixture
def draw_and_measure():
    """Draw on the axes of a figure of automatic size, and return its width and height."""

    def measure(draw):
        ax = Figure(label=AUTOMATIC_SIZE).subplots()
        draw(ax)
        return ax.figure.get_size_inches()

    return measure


@pytest.fixture(name="Z")
def codes_of_300_rows():
    return np.random.default_rng(0).normal(size=(300, 2))


@pytest.fixture
def render():
    """Render the figure: invalid text raises an error only then."""

    def render(ax):
        ax.get_figure().canvas.draw()
        return ax

    return render


@pytest.fixture
def atlas():
    """A map of two clusters with density and landmarks that decodes to black images."""

    class Atlas:
        landmarks_ = np.array([[0.0, 0.0], [0.0, 1.0], [10.0, 9.0], [10.0, 10.0]])

        def density(self, Z):
            near = ((np.asarray(Z)[:, None] - self.landmarks_) ** 2).sum(axis=2).min(axis=1)
            return np.exp(-near / 4)

        def inverse_transform(self, Z):
            return np.zeros((len(Z), 28, 28), np.uint8)

    return Atlas()
