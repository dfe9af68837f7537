"""Photos of any size on the command line."""

import numpy as np
import pytest
from PIL import Image

from latentmap import load_model


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Return a folder of 30 photos in two sub-folders and two sizes."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for i in range(30):
        (folder / "ab"[i % 2]).mkdir(exist_ok=True)
        size = (90, 60) if i % 3 else (60, 90)
        pixels = rng.integers(0, 255, (*size, 3), dtype=np.uint8) // (1 + i % 2)
        Image.fromarray(pixels).save(folder / "ab"[i % 2] / f"{i}.jpg")
    return folder


def test_photos_of_several_sizes_are_fitted_and_new_ones_resized_alike(run, photos, tmp_path):
    model, new = tmp_path / "m.safetensors", tmp_path / "new.png"
    options = ["--size", "10", "--recipe", "dense", "-n", 4, "--epochs", 1, "-o", model]
    result = run("fit", photos, *options)
    assert "cropped and resized from 60×90 to 90×60 to 10×10" in " ".join(result.stderr.split())
    assert load_model(model).row_shape_ == (10, 10, 3)
    Image.new("RGB", (400, 500), "red").save(new)
    result = run("encode", model, new, "-o", tmp_path / "codes.npy")
    assert "resized from 400×500 to 10×10" in " ".join(result.stderr.split())
    assert np.load(tmp_path / "codes.npy").shape == (1, 4)
    run("encode", model, photos, "-o", tmp_path / "all.csv")
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 31


def test_wrong_sizes_are_reported(run, photos):
    assert "size: expected pixels such as 64" in run("fit", photos, "--size", "x", code=2).stderr
