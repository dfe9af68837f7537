from __future__ import annotations

import numpy as np
import pytest

from latentmap.data import ArraySource
from latentmap.explorer.row_images import RowImages, shrink_images


def test_bytes_are_unchanged():
    rows = np.random.default_rng(0).integers(0, 256, (9, 5, 4), dtype=np.uint8)
    images = RowImages.from_source(ArraySource(rows), (5, 4))
    assert images.to_display(rows)[..., 0].tolist() == rows.tolist()


def test_decoded_numbers_are_clipped_and_rounded():
    images = RowImages((1, 4), 0.0, 255.0)
    assert images.to_display([[-3.0, 0.4, 99.6, 300.0]]).ravel().tolist() == [0, 0, 100, 255]


def test_floats_up_to_one_cover_black_to_white():
    rows = np.random.default_rng(0).random((300, 3, 3))
    images = RowImages.from_source(ArraySource(rows), (3, 3))
    assert (images.low, images.high) == (0, 1)
    assert images.to_display(rows).ravel().tolist() == np.rint(rows.ravel() * 255).tolist()


@pytest.mark.parametrize(
    ("channels", "displayed"), [((), 1), ((1,), 1), ((2,), 1), ((3,), 3), ((4,), 3), ((5,), 1)]
)
def test_any_number_of_channels_is_converted_and_restored(channels, displayed):
    shape = (3, 2, *channels)
    images = RowImages(shape, 0.0, 1.0)
    grey = np.full((2, *shape), 0.4)
    pixels = images.to_display(grey)
    assert pixels.shape == (2, 3, 2, displayed)
    assert (pixels == 102).all()
    restored = images.to_rows(pixels)
    assert restored.shape == (2, *shape)
    colours = restored[..., :3] if channels == (4,) else restored
    np.testing.assert_allclose(colours, 0.4, atol=0.002)


def test_flat_rows_are_reshaped_to_images():
    assert RowImages((2, 3), 0.0, 1.0).to_display(np.ones((4, 6))).shape == (4, 2, 3, 1)


def test_shrinking_averages_and_preserves_proportions():
    images = np.zeros((2, 90, 60, 3), np.uint8)
    images[:, :, 30:] = [200, 100, 0]
    small = shrink_images(images, 6)
    assert small.shape == (2, 6, 4, 3)
    assert (small[:, :, :2] == 0).all()
    assert (small[:, :, 2:] == [200, 100, 0]).all()
    assert shrink_images(images, 90) is images
