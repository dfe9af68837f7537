from __future__ import annotations

import base64
import csv
import io
import json
from urllib.parse import quote

import numpy as np
import pytest

from latentmap.analysis import SearchIndex
from latentmap.explorer.row_details import describe_row


def from_base64(text, dtype=np.uint8):
    return np.frombuffer(base64.b64decode(text), dtype)


def row_numbers(*numbers):
    return np.array(numbers, "<u4").tobytes()


def test_the_page_contains_scene_and_policy(client, map_scene):
    response = client("GET", "/")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    text = response.body.decode()
    result = json.loads(text.split('id="scene">')[1].split("</script>")[0])
    assert result["mode"] == "server"
    assert result["n"] == 500
    assert result["max_upload_bytes"] == 32 * 2**20
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert policy.removesuffix("; frame-ancestors 'none'") in text


def test_the_modules_of_the_page(client):
    response = client("GET", "/page/one.js")
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert response.body == b"export const one = 1;\n"
    assert client("GET", "/page/two.js").status == 404
    assert client("GET", "/page/../page.py").status == 404


def test_buffers_are_sent(client, map_scene):
    assert client("GET", "/data/points").body == map_scene.plane.quantized_points().tobytes()
    assert client("GET", "/data/density").body == map_scene.density.values.tobytes()
    assert client("GET", "/data/names").status == 404


def test_color_values_are_computed_on_request(client, map_scene):
    label, cluster, _, error = (client.json("GET", f"/colors/{i}") for i in range(4))
    expected = map_scene.color_scales[0].compute().values
    assert from_base64(label["values"], "<u2").tolist() == expected.tolist()
    clusters = [cluster["categories"][i] for i in from_base64(cluster["values"], "<u2")]
    names = map_scene.regions.cluster_names
    assert clusters == [names[i] for i in map_scene.scores["cluster"]]
    low, high = error["low"], error["high"]
    errors = low + from_base64(error["values"], "<u2") / 65_534 * (high - low)
    np.testing.assert_allclose(errors, map_scene.scores["error"], atol=(high - low) / 60_000)
    assert client("GET", "/colors/99").status == 404


@pytest.mark.parametrize("count", [1, 40, 1024])
def test_points_are_decoded_as_by_inverse_transform(client, map_scene, count):
    points = np.resize(map_scene.plane.points + 0.1, (count, 2)).astype("<f4")
    result = client.json("POST", "/decode", points.tobytes())
    rows = np.array([from_base64(row).reshape(8, 8) for row in result["rows"]])
    np.testing.assert_allclose(result["densities"], map_scene.estimator.density(points), atol=1e-6)
    decoded = map_scene.estimator.inverse_transform(points)
    expected = np.rint(np.clip(decoded / 16 * 255, 0, 255))
    assert np.abs(rows.astype(int) - expected).max() <= 1
    assert (rows == expected).mean() > 0.999


def test_points_of_a_table_are_decoded_to_numbers(serve, wide_scene):
    points = wide_scene.plane.points[:3].astype("<f4")
    rows = serve(wide_scene).json("POST", "/decode", points.tobytes())["rows"]
    expected = wide_scene.estimator.inverse_transform(wide_scene.plane.to_codes(points))
    np.testing.assert_allclose(rows, expected, rtol=1e-4)


@pytest.mark.parametrize(
    "body", [b"", b"1234", np.array([np.nan, 1], "<f4").tobytes(), b"\x00\x00\x80\x7f" * 2]
)
def test_malformed_points_are_refused(client, body):
    result = client.json("POST", "/decode", body, status=400)
    assert result["error"].startswith("points: expected")


def test_row_details(client, map_scene):
    result = client.json("GET", "/row/17")
    assert result == {
        **describe_row(map_scene, 17),
        **{k: result[k] for k in ("confidence", "error")},
    }
    assert from_base64(result["original"]).tolist() == map_scene.original(17).ravel().tolist()


@pytest.mark.parametrize("target", ["/row/500", "/row/999999999", "/similar/500"])
def test_unknown_rows_are_not_found(client, target):
    error = client.json("GET", target, status=404)["error"]
    assert error.startswith("row numbers: expected integers below 500, found ")


def test_similar_rows(client, map_scene):
    result = client.json("GET", "/similar/9")
    expected_result = SearchIndex(map_scene.codes).search(map_scene.codes[[9]], 12, [9])
    assert result["rows"] == expected_result.indices[0].tolist()
    assert result["distances"] == pytest.approx(expected_result.distances[0].tolist())


def test_thumbnails(client, map_scene):
    result = client.json("POST", "/thumbnails", row_numbers(3, 400, 3))
    assert (result["height"], result["width"], result["channels"]) == (8, 8, 1)
    pixels = [from_base64(image).tolist() for image in result["images"]]
    assert pixels == map_scene.original([3, 400, 3]).reshape(3, 64).tolist()


@pytest.mark.parametrize("target", ["/thumbnails", "/csv"])
@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "row numbers: expected 4 bytes for each number, found 0 bytes"),
        (b"123", 400, "row numbers: expected 4 bytes for each number, found 3 bytes"),
        (
            np.array([3, 500], "<u4").tobytes(),
            404,
            "row numbers: expected integers below 500, found 500",
        ),
    ],
)
def test_invalid_row_numbers_are_refused(client, target, body, status, message):
    assert client.json("POST", target, body, status=status)["error"] == message


def test_the_number_of_thumbnails_is_limited(client):
    assert client("POST", "/thumbnails", row_numbers(*range(257))).status == 413


def test_rows_of_a_table(serve, client, wide_scene, wine):
    rows = serve(wide_scene).json("POST", "/rows", row_numbers(5, 140, 5))
    np.testing.assert_allclose(rows, wine[:][[5, 140, 5]], rtol=1e-6)
    assert client("POST", "/rows", row_numbers(1)).status == 404
    assert serve(wide_scene)("POST", "/rows", row_numbers(*range(257))).status == 413


def test_tables_have_no_thumbnails(serve, wide_scene):
    assert serve(wide_scene)("POST", "/thumbnails", row_numbers(1)).status == 404


def test_a_drawing_is_placed_as_by_transform(client, map_scene, digits):
    pixels = np.rint(digits[7] / 16 * 255).astype(np.uint8)
    result = client.json("POST", "/place/drawing.pgm", b"P5\n8 8\n255\n" + pixels.tobytes())
    (row,) = result["rows"]
    code = map_scene.estimator.transform((pixels / 255 * 16)[None].astype(np.float32))
    assert row["point"] == pytest.approx(code[0].tolist(), abs=1e-3)
    assert base64.b64decode(row["original"]) == pixels.tobytes()
    assert len(base64.b64decode(row["reconstruction"])) == 64
    assert 7 in row["similar"][:3]
    assert 0 <= row["confidence"] <= 1
    assert (result["total"], result["note"]) == (1, "")


def test_rows_of_a_file_are_placed(serve, wide_scene, wine):
    client, file = serve(wide_scene, label="kind"), io.StringIO()
    table = csv.writer(file)
    table.writerow([*wine.feature_names, "kind"])
    table.writerows([*row.tolist(), "<b>"] for row in wine[:110])
    result = client.json("POST", "/place/new.csv", file.getvalue().encode())
    assert (len(result["rows"]), result["total"]) == (100, 110)
    points = [row["point"] for row in result["rows"]]
    np.testing.assert_allclose(points, wide_scene.plane.points[:100], atol=1e-4)
    assert result["rows"][3]["label"] == "<b>"
    assert result["rows"][3]["similar"][0] == 3
    assert result["rows"][3]["original"] == pytest.approx(wine[3].tolist())


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("rows.csv", b"a,b\n1,2\n", "rows.csv: X has 2 features"),
        ("rows.csv", b"a,b\n1,x\n", "rows.csv, column b: expected numbers, found string"),
        ("../a.exe", b"MZ", "a.exe: expected a table"),
        ("me.png", b"no image", "me.png: cannot be read as an image"),
        ("<img src=x>.gif", b"", "<img src=x>.gif: cannot be read as an image"),
    ],
)
def test_unreadable_files_return_the_error_of_the_reader(client, name, body, message):
    result = client.json("POST", f"/place/{quote(name, safe='')}", body, status=400)
    assert result["error"].startswith(message)


def test_an_invalid_number_in_a_file_is_located(client):
    file = io.BytesIO()
    np.save(file, np.full((2, 8, 8), np.nan))
    result = client.json("POST", "/place/x.npy", file.getvalue(), status=400)
    assert result["error"].startswith("x.npy, row 0")


def test_selected_rows_as_csv(client, digits):
    response = client("POST", "/csv", row_numbers(4, 2))
    assert response.headers["Content-Disposition"] == 'attachment; filename="selected.csv"'
    lines = list(csv.DictReader(io.StringIO(response.body.decode())))
    assert [line["row"] for line in lines] == ["4", "2"]
    assert [line["label"] for line in lines] == [str(digits.labels[i]) for i in (4, 2)]


def test_rows_of_a_mixed_table_are_small_json(serve, mixed_scene, people):
    client = serve(mixed_scene)
    point = mixed_scene.plane.points[:1].astype("<f4")
    response = client("POST", "/decode", point.tobytes())
    (row,) = json.loads(response.body)["rows"]
    assert len(row) == len(people.columns)
    assert row[0] is None
    assert isinstance(row[5], float)
    assert len(response.body) < 300
    assert client.json("GET", "/data/originals-text-0")[3] == people["name"][3]


def test_rows_of_a_file_are_placed_on_a_map_of_a_mixed_table(serve, mixed_scene, people):
    new = people.iloc[:5].drop(columns="joined").assign(country="Spain", joined=None)
    new.loc[2, "country"] = "Atlantis"
    file = new[list(people.columns)].to_csv(index=False).encode()
    result = serve(mixed_scene).json("POST", "/place/new.csv", file)
    assert [row["original"][0] for row in result["rows"]] == people["name"][:5].tolist()
    assert [row["original"][4] for row in result["rows"]] == [None] * 5
    assert result["rows"][2]["original"][2] == "Atlantis"
    assert result["note"] == "Values that were not fitted count as missing: country (1)."
