"""Tests of the EXIF metadata of photos."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
from PIL import Image

from latentmap.data import open_data
from latentmap.data.photo_metadata import PhotoMetadata, read_photo_metadata

EXIF_FOLDER = 0x8769


def save_photo(path, tags, details, suffix=".jpg"):
    exif = Image.Exif()
    exif.update(tags)
    exif.get_ifd(EXIF_FOLDER).update(details)
    Image.fromarray(np.full((8, 8, 3), 90, np.uint8)).save(f"{path}{suffix}", exif=exif)


def read(path):
    with Image.open(path) as image:
        return read_photo_metadata(image)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_camera_time_and_exposure_are_read(tmp_path, suffix):
    details = {0x9003: "2024:05:17 08:30:00", 0x829A: 0.01, 0x829D: 2.8, 0x8827: 400, 0x920A: 35.0}
    save_photo(tmp_path / "a", {0x0110: "Camera 9"}, details, suffix)
    photo = read(tmp_path / f"a{suffix}")
    assert photo.camera == "Camera 9"
    assert photo.taken == datetime.datetime(2024, 5, 17, 8, 30)
    numbers = (photo.exposure_s, photo.aperture, photo.iso, photo.focal_length_mm)
    assert numbers == pytest.approx((0.01, 2.8, 400, 35))


def test_unexpected_values_are_missing(tmp_path):
    tags = {0x0110: "A\0hidden", 0x0132: "yesterday"}
    save_photo(tmp_path / "a", tags, {0x829A: "fast"})
    assert read(tmp_path / "a.jpg") == PhotoMetadata(camera="A")
    Image.new("L", (4, 4)).save(tmp_path / "b.png")
    assert read(tmp_path / "b.png") == PhotoMetadata()


def test_a_folder_has_the_metadata_of_its_photos(tmp_path):
    save_photo(tmp_path / "a", {0x0110: "X"}, {0x8827: 100})
    save_photo(tmp_path / "b", {}, {0x8827: 200})
    Image.new("RGB", (8, 8)).save(tmp_path / "c.jpg")
    photos = open_data(str(tmp_path))
    assert photos.metadata.feature_names == ["camera", "ISO"]
    table = photos.metadata[:]
    assert table.column("camera").to_pylist() == ["X", None, None]
    assert table.column("ISO").to_pylist() == [100, 200, None]


def test_a_folder_without_tags_has_no_metadata(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    assert open_data(str(tmp_path)).metadata is None
