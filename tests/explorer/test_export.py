from __future__ import annotations

import base64
import io
import json
import re
import zlib

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from latentmap import AutoEncoder
from latentmap.data import ArraySource, Table
from latentmap.errors import FileError
from latentmap.explorer import Scene, export_page
from latentmap.explorer.page_coordinates import grid_points

ELEMENT = re.compile(
    r'<script type="application/[a-z-]+" id="([a-z0-9-]+)">(.*?)</script>', re.DOTALL
)


class ExportedFile:
    """The scene and the buffers of an exported file."""

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

    def image(self, name, index, layout):
        sheet, position = divmod(index, layout["images_per_sheet"])
        image = np.asarray(
            Image.open(io.BytesIO(self.image_file(f"{name}-{sheet}"))).convert("RGB")
        )
        line, column = divmod(position, layout["images_per_line"])
        height, width = layout["height"], layout["width"]
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


def test_points_density_and_colors_are_embedded(digits_file, map_scene):
    assert digits_file.scene["mode"] == "file"
    points = digits_file.numbers("points").reshape(-1, 2)
    assert points.tolist() == map_scene.plane.quantized_points().tolist()
    assert digits_file.buffer("density") == map_scene.density.values.tobytes()
    for i, description in enumerate(digits_file.scene["color_scales"]):
        assert description["is_computed"]
        colors = map_scene.color_scales[i].compute()
        assert digits_file.numbers(f"color-{i}").tolist() == colors.values.tolist()
        assert description.get("categories") == colors.categories


def test_originals_are_in_sprite_sheets(digits_file, map_scene):
    layout = digits_file.scene["originals"]
    for index in (0, 33, 499):
        image = digits_file.image("originals", index, layout)[..., 0]
        original = map_scene.original(index)[0, ..., 0]
        assert np.abs(image - original).mean() < 20


def test_the_grid_contains_rows_decoded_by_inverse_transform(digits_file, map_scene):
    grid = digits_file.scene["grid"]
    points = grid_points(np.array(grid["bounds"]).reshape(2, 2), grid["width"], grid["height"])
    for index in (0, 5000, 9999, len(points) - 1):
        decoded = map_scene.estimator.inverse_transform(points[[index]])
        expected = map_scene.display.to_display(decoded)[0, ..., 0]
        image = digits_file.image("grid", index, grid["sheets"])[..., 0]
        assert np.abs(image - expected).mean() < 20


def test_tables_contain_values_and_reconstructions(wine_file, wide_scene, wine):
    columns = wine_file.scene["row"]["columns"]
    low, high = (np.array([c[key] for c in columns]) for key in ("low", "high"))
    values = low + wine_file.numbers("originals").reshape(-1, 13) / 65_534 * (high - low)
    np.testing.assert_allclose(values, wine[:], atol=(high - low).max() / 60_000)
    restored = low + wine_file.numbers("reconstructions").reshape(-1, 13) / 65_534 * (high - low)
    expected = np.clip(np.column_stack(wide_scene.reconstruction(np.arange(142))), low, high)
    np.testing.assert_allclose(restored, expected, atol=(high - low).max() / 30_000)


def test_the_grid_of_a_table(wine_file, wide_scene):
    grid = wine_file.scene["grid"]
    points = grid_points(np.array(grid["bounds"]).reshape(2, 2), grid["width"], grid["height"])
    low, high = np.array(grid["low"]), np.array(grid["high"])
    decoded = low + wine_file.numbers("grid").reshape(-1, 13)[9000] / 65_534 * (high - low)
    expected = np.concatenate(wide_scene.decode_points(points[[9000]]))
    np.testing.assert_allclose(decoded, expected, rtol=1e-3)


def test_html_in_the_data_is_escaped(wine_file):
    assert "<img" not in wine_file.text
    assert wine_file.scene["row"]["columns"][0]["name"] == "<img src=x onerror=alert(1)>"
    assert wine_file.scene["color_scales"][0]["categories"][0] == "<img src=x onerror=alert(1)>"


def test_codes_of_one_component_have_a_grid_of_two_lines(write, line_scene):
    file = write(line_scene)
    grid = file.scene["grid"]
    assert (grid["width"], grid["height"]) == (512, 2)
    first_line, second_line = (file.image("grid", i, grid["sheets"]) for i in (100, 612))
    assert np.abs(first_line - second_line).max() < 12
    brightness = [file.image("grid", i, grid["sheets"]).mean() for i in range(0, 512, 64)]
    assert np.ptp(brightness) > 100


def test_a_wide_table_contains_as_many_columns_as_fit(write, monkeypatch):
    rows = np.random.default_rng(0).normal(size=(3000, 60))
    source = ArraySource(rows)
    scene = Scene(AutoEncoder(2, network="linear", random_state=0).fit(source), source)
    monkeypatch.setattr("latentmap.explorer.export.MAX_FILE_BYTES", 1_000_000)
    file = write(scene)
    columns = file.scene["row"]["columns"]
    assert 3 < len(columns) < 60
    assert len(file.text) <= 1_000_000
    indices = [c["column"] for c in file.scene["color_scales"] if "column" in c]
    assert indices == list(range(len(columns)))
    assert len(scene.table.names) == 60


@pytest.mark.slow
def test_a_large_set_of_images_stays_within_the_limit(write, monkeypatch):
    rows = np.random.default_rng(0).integers(0, 255, (3000, 20, 20), dtype=np.uint8)
    source = ArraySource(rows)
    scene = Scene(AutoEncoder(3, network="linear", random_state=0).fit(source), source)
    monkeypatch.setattr("latentmap.explorer.export.MAX_FILE_BYTES", 1_200_000)
    file = write(scene)
    assert 600_000 < len(file.text) <= 1_200_000
    assert file.scene["reconstructions"]["images_per_sheet"] == 1024
    assert "data-reconstructions-2" in file.elements


def test_a_path_that_cannot_be_written_raises_an_error(map_scene, page, tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        export_page(map_scene, tmp_path / "no" / "map.html", page)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def people_file(write, mixed_scene):
    return write(mixed_scene)


def test_a_mixed_table_contains_numbers_categories_and_texts(people_file, people):
    columns = {column["name"]: column for column in people_file.scene["row"]["columns"]}
    stored = [name for name, column in columns.items() if column["kind"] != "text"]
    codes = people_file.numbers("originals").reshape(240, len(stored))
    codes = dict(zip(stored, codes.T, strict=True))
    for name in ("age", "country", "joined"):
        assert ((codes[name] == 65_535) == people[name].isna()).all()
    known = people["country"].notna().to_numpy()
    countries = [columns["country"]["categories"][code] for code in codes["country"][known]]
    assert countries == people["country"][known].tolist()
    low, high = columns["spend"]["low"], columns["spend"]["high"]
    spend = low + codes["spend"] / 65_534 * (high - low)
    np.testing.assert_allclose(spend, people["spend"], atol=(high - low) / 60_000)
    assert json.loads(people_file.buffer("originals-text-0")) == people["name"].tolist()
    assert "data-names" not in people_file.elements


def test_the_grid_of_a_mixed_table_has_decoded_categories_and_texts(people_file, mixed_scene):
    grid = people_file.scene["grid"]
    points = grid_points(np.array(grid["bounds"]).reshape(2, 2), grid["width"], grid["height"])
    codes = people_file.numbers("grid").reshape(len(points), -1)
    notes = json.loads(people_file.buffer("grid-text-7"))
    assert "data-grid-text-0" not in people_file.elements
    nodes = [0, 5000, 9999]
    names = mixed_scene.table.names
    decoded = dict(zip(names, mixed_scene.decode_points(points[nodes]), strict=True))
    categories = mixed_scene.table.categories[names.index("country")]
    assert [categories[codes[node, 1]] for node in nodes] == decoded["country"].tolist()
    assert [notes[node] for node in nodes] == decoded["note"].tolist()


def test_reconstructions_of_a_mixed_table_are_embedded_for_many_components(write, people):
    table = Table(people, roles={"note": "text"})
    scene = Scene(AutoEncoder(3, epochs=2, random_state=0).fit(table), table)
    file = write(scene)
    decoded = scene.reconstruction(np.arange(240))
    assert json.loads(file.buffer("reconstructions-text-7")) == decoded[7].tolist()
    codes = file.numbers("reconstructions").reshape(240, -1)
    assert [scene.table.categories[2][code] for code in codes[:, 1]] == decoded[2].tolist()


def test_skewed_numbers_are_embedded_as_float32(write):
    amounts = np.exp(np.linspace(-3, 12, 200)).round(2)
    amounts[5] = np.nan
    frame = pd.DataFrame({"amount": amounts, "height": np.linspace(150, 190, 200)})
    model = AutoEncoder(2, network="linear", random_state=0).fit(frame)
    file = write(Scene(model, frame, "payments"))
    stored = np.frombuffer(file.buffer("originals-numbers-0"), "<f4")
    assert np.array_equal(stored, amounts.astype("f4"), equal_nan=True)
    assert "data-originals-numbers-1" not in file.elements


def test_a_file_of_many_rows_contains_a_sample_and_says_so(write, wide_scene, monkeypatch):
    monkeypatch.setattr("latentmap.explorer.export.MAX_EXPORTED_ROWS", 60)
    file = write(wide_scene)
    assert (file.scene["n"], file.scene["total"]) == (60, 142)
    assert "60 of 142 rows" in file.scene["title"]
    assert len(file.numbers("points")) == 2 * 60
