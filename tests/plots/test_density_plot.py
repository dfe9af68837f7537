from __future__ import annotations

import numpy as np
import pytest

from latentmap import plots
from latentmap.errors import DataError, SettingError


def test_density_is_drawn_at_the_right_position(ax, render, atlas):
    render(plots.density(atlas, ax=ax))
    heights = ax.images[0].get_array()
    left, right, bottom, top = ax.images[0].get_extent()
    row, column = np.unravel_index(heights.argmin(), heights.shape)
    position = [
        left + (column + 0.5) / 240 * (right - left),
        top - (row + 0.5) / 240 * (top - bottom),
    ]
    assert heights.min() == pytest.approx(atlas.density([position])[0])
    assert heights[-1, 0] > 0.8 > 0.2 > heights[0, 0]  # bottom left is near a landmark
    assert ax.images[0].get_clim() == (0, 1)


def test_classes_are_named(ax, atlas):
    Z = np.repeat(atlas.landmarks_, 20, axis=0)
    plots.density(atlas, Z, np.repeat(["low", "low", "high", "high"], 20), ax=ax)
    positions = {text.get_text(): text.get_position() for text in ax.texts}
    assert positions["low"][1] < 5 < positions["high"][1]


def test_invalid_arguments_are_refused(ax, atlas):
    with pytest.raises(SettingError, match="density: expected a LatentMap, found object"):
        plots.density(object(), ax=ax)
    with pytest.raises(SettingError, match="codes: expected the codes"):
        plots.density(atlas, labels=["a"], ax=ax)
    with pytest.raises(DataError, match="density: expected codes of 2 components, found 3"):
        plots.density(atlas, np.ones((4, 3)), ax=ax)
