from __future__ import annotations

import base64
import io
import json
import re
import zlib

import numpy as np
import pytest
from PIL import Image

from latentmap import AutoEncoder
from latentmap.data import ArraySource
from latentmap.errors import FileError
from latentmap.explorer import Scene, export_page
from latentmap.explorer.page_coordinates import grid_points

ELEMENT = re.compile(
    r'<script type="application/[a-z-]+" id="([a-z0-9-]+)">(.*?)</script>', re.DOTALL
)


class ExportedFile:
    """Elements of an exported file."""

    def __init__(self, path):
        self.text = path.read_text(encoding="utf-8")
        self.elements = dict(ELEMENT.findall(self.text))
        self.scene = json.loads(self.elements["scene"])

    def buffer(self, name):
        return zlib.decompress(self.image_file(name), -15)

    def image_file(self, name):
        return base64.b64decode(self.elements[f"data-{name}"])

    def numbers(self, name):
        return np.frombuffer(self.buffer(name), "<u2")

    def tile(self, name, number, description):
        sheet, index = divmod(number, description["images_per_sheet"])
        image = np.asarray(
            Image.open(io.BytesIO(self.image_file(f"{name}-{sheet}"))).convert("RGB")
        )
        line, column = divmod(index, description["images_per_line"])
        height, width = description["height"], description["width"]
        return image[line * height :, column * width :][:height, :width].astype(float)


@pytest.fixture(scope="module")
def write(page, tmp_path_factory):
    def write(scene):
        path = tmp_path_factory.mktemp("exported") / "map.html"
        assert export_page(scene, path, page) == path.stat().st_size
        return ExportedFile(path)

    return write


@pytest.fixture(scope="module")
def digits_file(write, map_scene):
    return write(map_scene)


@pytest.fixture(scope="module")
def wine_file(write, wide_scene):
    return write(wide_scene)


def test_file_contains_points_density_and_color_scales(digits_file, map_scene):
    assert digits_file.scene["mode"] == "file"
    points = digits_file.numbers("points").reshape(-1, 2)
    assert points.tolist() == map_scene.plane.quantized_points().tolist()
    assert digits_file.buffer("density") == map_scene.density.values.tobytes()
    for i, description in enumerate(digits_file.scene["color_scales"]):
        assert description["is_computed"]
        colour = map_scene.color_scales[i].compute()
        assert digits_file.numbers(f"color-{i}").tolist() == colour.values.tolist()
        assert description.get("categories") == colour.categories


def test_file_contains_the_original_images(digits_file, map_scene):
    description = digits_file.scene["originals"]
    for number in (0, 33, 499):
        tile = digits_file.tile("originals", number, description)[..., 0]
        original = map_scene.original(number)[0, ..., 0]
        assert np.abs(tile - original).mean() < 20


def test_grid_contains_decoded_images(digits_file, map_scene):
    grid = digits_file.scene["grid"]
    positions = grid_points(np.array(grid["bounds"]).reshape(2, 2), grid["width"], grid["height"])
    for number in (0, 5000, 9999, len(positions) - 1):
        decoded = map_scene.estimator.inverse_transform(positions[[number]])
        expected = map_scene.display.to_display(decoded)[0, ..., 0]
        assert (
            np.abs(digits_file.tile("grid", number, grid["sheets"])[..., 0] - expected).mean() < 20
        )


def test_file_of_a_table_contains_rows_and_reconstructions(wine_file, wide_scene, wine):
    columns = wine_file.scene["row"]["columns"]
    low, high = (np.array([c[key] for c in columns]) for key in ("low", "high"))
    values = low + wine_file.numbers("originals").reshape(-1, 13) / 65_534 * (high - low)
    np.testing.assert_allclose(values, wine[:], atol=(high - low).max() / 60_000)
    levels = wine_file.numbers("reconstructions").reshape(-1, 13)
    reconstructions = low + levels / 65_534 * (high - low)
    expected = np.clip(wide_scene.reconstruction(np.arange(142)), low, high)
    np.testing.assert_allclose(reconstructions, expected, atol=(high - low).max() / 30_000)


def test_grid_of_a_table_contains_decoded_rows(wine_file, wide_scene):
    grid = wine_file.scene["grid"]
    positions = grid_points(np.array(grid["bounds"]).reshape(2, 2), grid["width"], grid["height"])
    low, high = np.array(grid["low"]), np.array(grid["high"])
    values = low + wine_file.numbers("grid").reshape(-1, 13)[9000] / 65_534 * (high - low)
    np.testing.assert_allclose(values, wide_scene.decode_points(positions[[9000]])[0], rtol=1e-3)


def test_names_in_data_are_escaped(wine_file):
    assert "<img" not in wine_file.text
    assert wine_file.scene["row"]["columns"][0]["name"] == "<img src=x onerror=alert(1)>"
    assert wine_file.scene["color_scales"][0]["categories"][0] == "<img src=x onerror=alert(1)>"


def test_map_of_one_component_has_a_grid_of_two_lines(write, line_scene):
    exported = write(line_scene)
    grid = exported.scene["grid"]
    assert (grid["width"], grid["height"]) == (512, 2)
    lower_line, upper_line = (exported.tile("grid", i, grid["sheets"]) for i in (100, 612))
    assert np.abs(lower_line - upper_line).max() < 12
    brightness = [exported.tile("grid", i, grid["sheets"]).mean() for i in range(0, 512, 64)]
    assert np.ptp(brightness) > 100


def test_columns_of_wide_tables_are_left_out_above_the_size_limit(write, monkeypatch):
    rows = np.random.default_rng(0).normal(size=(3000, 60))
    source = ArraySource(rows)
    scene = Scene(AutoEncoder(2, network="linear", random_state=0).fit(source), source)
    monkeypatch.setattr("latentmap.explorer.export.MAX_FILE_BYTES", 1_000_000)
    exported = write(scene)
    columns = exported.scene["row"]["columns"]
    assert 3 < len(columns) < 60
    assert len(exported.text) <= 1_000_000
    columns_of_scales = [c["column"] for c in exported.scene["color_scales"] if "column" in c]
    assert columns_of_scales == list(range(len(columns)))
    assert len(scene.table.names) == 60


@pytest.mark.slow
def test_images_are_reduced_above_the_size_limit(write, monkeypatch):
    rows = np.random.default_rng(0).integers(0, 255, (3000, 20, 20), dtype=np.uint8)
    source = ArraySource(rows)
    scene = Scene(AutoEncoder(3, network="linear", random_state=0).fit(source), source)
    monkeypatch.setattr("latentmap.explorer.export.MAX_FILE_BYTES", 1_200_000)
    exported = write(scene)
    assert 600_000 < len(exported.text) <= 1_200_000
    assert exported.scene["reconstructions"]["images_per_sheet"] == 1024
    assert "data-reconstructions-2" in exported.elements


def test_unwritable_path_raises(map_scene, page, tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        export_page(map_scene, tmp_path / "missing" / "map.html", page)
    assert list(tmp_path.iterdir()) == []
