from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from scipy.sparse import csr_array

from latentmap import AutoEncoder, LatentMap
from latentmap.analysis import SearchIndex, score_outliers
from latentmap.data import ArraySource, SparseSource, open_data
from latentmap.errors import DataError
from latentmap.explorer import Scene
from latentmap.explorer import scene as scene_module
from latentmap.explorer.json_values import to_json
from latentmap.explorer.page_data import describe_scene, read_buffer
from latentmap.explorer.row_details import describe_row
from latentmap.networks.dense import DenseNetwork


def test_codes_are_those_of_the_estimator(map_scene, digits):
    expected = map_scene.estimator.transform(digits)
    np.testing.assert_allclose(map_scene.codes, expected, atol=1e-6)


def test_originals_and_reconstructions(map_scene, digits):
    rows = digits[:4]
    expected = np.rint(np.clip(rows / 16 * 255, 0, 255))
    assert (map_scene.original([0, 1, 2, 3])[..., 0] == expected).all()
    decoded = map_scene.estimator.inverse_transform(map_scene.estimator.transform(rows))
    displayed = map_scene.reconstruction([0, 1, 2, 3]).astype(int)
    assert np.abs(displayed - map_scene.display.to_display(decoded)).max() <= 1


def test_a_reconstruction_uses_all_components(wide_scene, wine):
    decoded = wide_scene.estimator.inverse_transform(wide_scene.estimator.transform(wine))
    displayed = np.column_stack(wide_scene.reconstruction(np.arange(142)))
    np.testing.assert_allclose(displayed, decoded, rtol=1e-4)


def test_similar_rows_equal_those_of_the_search_index(map_scene):
    rows, distances = map_scene.similar(map_scene.codes[[5]], 7, exclude=5)
    expected_result = SearchIndex(map_scene.codes).search(map_scene.codes[[5]], 7, [5])
    assert rows == expected_result.indices.tolist()
    assert distances[0] == pytest.approx(expected_result.distances[0].tolist())
    assert 5 not in rows[0]
    assert len(map_scene.similar(map_scene.codes[[5]], 9999, exclude=5)[0][0]) == 499


def test_a_sample_of_many_rows_is_shown(monkeypatch):
    monkeypatch.setattr(scene_module, "MAX_ROWS", 40)
    rows = np.random.default_rng(0).normal(size=(90, 3))
    rows[:, 0] = np.arange(90)
    source = ArraySource(rows, labels=np.arange(90) % 2)
    scene = Scene(AutoEncoder(2, network="linear", random_state=0).fit(source), source)
    description = describe_scene(scene)
    assert (description["n"], description["total"], len(scene)) == (40, 90, 40)
    numbers = np.frombuffer(read_buffer(scene, "numbers"), "<u4")
    assert numbers.tolist() == scene.original(np.arange(40))[0].astype(int).tolist()
    assert describe_row(scene, 3)["number"] == numbers[3]
    assert describe_row(scene, 3)["label"] == numbers[3] % 2


def test_the_limit_of_rows_depends_on_the_width_of_a_table(wine, monkeypatch):
    monkeypatch.setattr(scene_module, "MAX_EXPORTED_ROWS", 20)
    monkeypatch.setattr(scene_module, "MAX_VALUES", 13 * 50)
    model = AutoEncoder(2, network="linear", random_state=0).fit(wine)
    assert len(Scene(model, wine)) == 50
    assert len(Scene(model, wine, max_rows=30)) == 30
    monkeypatch.setattr(scene_module, "MAX_VALUES", 13)
    scene = Scene(model, wine)
    assert len(scene) == 20
    assert scene.limit_rows(20) is scene
    smaller = scene.limit_rows(10)
    assert (len(smaller), smaller.total) == (10, 142)


def test_images_of_a_folder_have_file_names(tmp_path):
    rng = np.random.default_rng(0)
    for kind in ("a", "b"):
        (tmp_path / kind).mkdir()
        for i in range(6):
            pixels = rng.integers(0, 255, (6, 5, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / kind / f"{i}<b>.png")
    source = open_data(tmp_path)
    scene = Scene(AutoEncoder(2, network="linear", random_state=0).fit(source), source)
    assert json.loads(read_buffer(scene, "names"))[0] == "a/0<b>.png"
    assert describe_row(scene, 7)["name"] == "b/1<b>.png"
    assert describe_scene(scene)["row"]["channels"] == 3
    assert (scene.original([7])[0] == source[7]).all()


def test_sparse_rows_are_tables():
    rng = np.random.default_rng(0)
    rows = csr_array((rng.random((80, 300)) ** 9).round(2))
    model = AutoEncoder(2, network="linear", random_state=0).fit(rows)
    scene = Scene(model, SparseSource(rows))
    description = describe_scene(scene)["row"]
    assert (scene.table.n_total, len(description["columns"])) == (300, 256)
    chosen = [column.encoded_slice.start for column in scene.table.columns]
    displayed = np.column_stack(scene.original([3, 5]))
    np.testing.assert_allclose(displayed, rows.toarray()[[3, 5]][:, chosen], rtol=1e-6)
    assert scene.decoder.decode(scene.codes[:1]).shape == (1, 300)


def test_a_map_of_three_components_is_projected_to_a_plane(digits):
    scene = Scene(
        LatentMap(3, network=DenseNetwork(hidden=(32,)), epochs=1, random_state=0).fit(digits),
        digits,
    )
    description = describe_scene(scene)
    assert description["n_components"] == 3
    assert 0.66 < description["explained_variance"] < 1
    assert scene.decode_points(scene.plane.points[:2]).shape == (2, 8, 8, 1)
    assert np.median(scene.density.at(scene.plane.points)) == 1


def test_rows_with_other_features_are_refused(map_scene):
    with pytest.raises(DataError, match="X has 3 features"):
        Scene(map_scene.estimator, ArraySource(np.zeros((4, 3))))


def test_values_that_json_cannot_represent_become_none():
    assert to_json([1.5, float("nan"), [np.float32("inf")]]) == [1.5, None, [None]]


def test_points_of_a_mixed_table_are_decoded_as_by_inverse_transform(mixed_scene, people):
    points = mixed_scene.plane.points[:20]
    decoded = dict(zip(people.columns, mixed_scene.decode_points(points), strict=True))
    expected = mixed_scene.estimator.inverse_transform(mixed_scene.plane.to_codes(points))
    assert decoded["name"].tolist() == [None] * 20
    assert decoded["country"].tolist() == expected["country"].tolist()
    assert decoded["visits"].tolist() == expected["visits"].tolist()
    assert decoded["note"].tolist() == expected["note"].tolist()
    np.testing.assert_allclose(decoded["age"], expected["age"], rtol=1e-4)
    seconds = [value.timestamp() for value in expected["joined"]]
    np.testing.assert_allclose(decoded["joined"], seconds, atol=3600)


def test_scores_of_a_mixed_table_are_those_of_the_analysis(mixed_scene, people):
    scores = score_outliers(mixed_scene.estimator, people)
    np.testing.assert_allclose(mixed_scene.scores["error"], scores.errors, rtol=1e-3)
    np.testing.assert_allclose(mixed_scene.scores["outlier score"], scores.scores, rtol=1e-3)


def test_a_table_without_its_names_has_no_names(mixed_scene, people):
    scene = Scene(mixed_scene.estimator, people.drop(columns="name"))
    assert describe_scene(scene)["names"] is None
    assert describe_row(scene, 0)["name"] is None
    assert scene.table.names == list(people.columns[1:])


def test_a_sample_of_a_table_keeps_its_row_numbers(mixed_scene, people, monkeypatch):
    monkeypatch.setattr(scene_module, "MAX_ROWS", 40)
    scene = Scene(mixed_scene.estimator, people)
    assert (len(scene), scene.total) == (40, 240)
    number = describe_row(scene, 7)["number"]
    assert describe_row(scene, 7)["name"] == people["name"][number]
