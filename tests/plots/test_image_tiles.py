from __future__ import annotations

import numpy as np
import pytest

from latentmap.plots.image_tiles import tile_images, to_rgb


def test_images_are_tiled_line_by_line():
    images = np.arange(4.0).reshape(4, 1, 1, 1) * np.ones((4, 2, 2, 3)) / 4
    result = tile_images(images, columns=2, gap=1)[..., 0]
    assert result.shape == (5, 5)
    assert result[0, 0] == 0
    assert result[0, 4] == 0.25
    assert result[4, 0] == 0.5
    assert result[2].tolist() == [1] * 5


@pytest.mark.parametrize(
    ("like", "white"),
    [
        (np.array([[[0, 128]]], dtype=np.uint8), 255.0),
        (np.array([[[0.0, 0.9]]]), 1.0),
        (np.linspace(0, 16, 10_000).reshape(1, 100, 100), 16.0),
    ],
)
def test_intensity_range_depends_on_the_reference(like, white):
    assert to_rgb(np.full((1, 1, 1), white), like).min() > 0.99
    assert to_rgb(np.full((1, 1, 1), white / 2), like)[0, 0, 0, 0] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("channels", "grey"), [((), True), ((1,), True), ((2,), True), ((3,), False)]
)
def test_any_number_of_channels_is_converted(channels, grey):
    image = np.random.default_rng(0).random((1, 4, 4, *channels))
    result = to_rgb(image, image)
    assert result.shape == (1, 4, 4, 3)
    assert np.ptp(result, axis=3).max() == 0 if grey else np.allclose(result, image)
