from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from latentmap.explorer.sprite_sheets import IMAGES_PER_LINE, IMAGES_PER_SHEET, pack_sprites


def tile(sheets, number):
    image = np.asarray(
        Image.open(io.BytesIO(sheets.files[number // IMAGES_PER_SHEET])).convert("RGB")
    )
    line, column = divmod(number % IMAGES_PER_SHEET, IMAGES_PER_LINE)
    top, left = line * sheets.height, column * sheets.width
    return image[top : top + sheets.height, left : left + sheets.width]


@pytest.fixture(scope="module")
def shades():
    """2,100 images, each of one colour that identifies its index."""
    numbers = np.arange(2100)
    colours = np.column_stack([numbers % 7 * 40, numbers % 5 * 60, numbers // 21])
    return np.broadcast_to(colours[:, None, None, :], (2100, 12, 8, 3)).astype(np.uint8)


def test_an_image_is_at_its_described_position(shades):
    sheets = pack_sprites(shades.__getitem__, 2100, 1e7)
    layout = sheets.describe()
    assert (layout["height"], layout["width"], len(sheets.files)) == (12, 8, 3)
    for number in (0, 1, 31, 32, 1023, 1024, 2047, 2099):
        middle = tile(sheets, number)[3:9, 2:6].mean(axis=(0, 1))
        assert np.abs(middle - shades[number, 0, 0]).max() < 25


@pytest.mark.parametrize("budget", [4e5, 1e5, 3e4])
def test_the_budget_is_not_exceeded(budget):
    noise = np.random.default_rng(0).integers(0, 255, (1500, 24, 24, 1), dtype=np.uint8)
    sheets = pack_sprites(noise.__getitem__, 1500, budget)
    assert 0.2 * budget < sheets.nbytes <= budget
    assert sheets.nbytes == sum(map(len, sheets.files))


def test_sheets_larger_than_estimated_are_written_again():
    # The images that are not in the sample need more bytes than those in it.
    images = np.zeros((5 * IMAGES_PER_SHEET, 16, 16, 1), np.uint8)
    noise = np.random.default_rng(0).integers(0, 255, (IMAGES_PER_SHEET, 16, 16, 1))
    images[IMAGES_PER_SHEET : 2 * IMAGES_PER_SHEET] = noise
    assert pack_sprites(images.__getitem__, len(images), 9e4).nbytes <= 9e4


def test_large_images_are_shrunk_to_the_maximum_side():
    images = np.zeros((3, 300, 200, 1), np.uint8)
    sheets = pack_sprites(images.__getitem__, 3, 1e8)
    assert (sheets.height, sheets.width) == (64, 43)


def test_progress_is_reported(shades):
    done = []
    pack_sprites(shades.__getitem__, 2100, 1e7, done.append)
    assert sum(done) == 2100
