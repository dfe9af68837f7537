from __future__ import annotations

import json

from latentmap.explorer.page_data import describe_scene, read_buffer


def test_the_description_is_valid_json(map_scene):
    description = json.loads(json.dumps(describe_scene(map_scene), allow_nan=False))
    assert (description["n"], description["total"], description["model"]) == (500, 500, "LatentMap")
    assert description["row"] == {"kind": "image", "height": 8, "width": 8, "channels": 1}
    assert (description["n_components"], description["explained_variance"]) == (2, 1.0)
    assert description["color_scales"][0] == {"name": "label", "is_computed": True}
    x0, y0, x1, y1 = description["bounds"]
    assert x0 < map_scene.codes[:, 0].min() < map_scene.codes[:, 0].max() < x1
    assert y0 < map_scene.codes[:, 1].min() < map_scene.codes[:, 1].max() < y1


def test_buffers_of_a_scene(map_scene):
    assert len(read_buffer(map_scene, "points")) == 4 * 500
    assert len(read_buffer(map_scene, "density")) == 128 * 128
    assert read_buffer(map_scene, "names") is None
    assert read_buffer(map_scene, "numbers") is None
    assert read_buffer(map_scene, "../pyproject.toml") is None


def test_texts_of_a_mixed_table_are_buffers(mixed_scene, people):
    assert describe_scene(mixed_scene)["names"] == "originals-text-0"
    assert json.loads(read_buffer(mixed_scene, "originals-text-0")) == people["name"].tolist()
    assert json.loads(read_buffer(mixed_scene, "originals-text-7")) == people["note"].tolist()
    assert read_buffer(mixed_scene, "originals-text-1") is None
