from __future__ import annotations

import base64
import csv
import io
import json
from urllib.parse import quote, unquote

import numpy as np
import pytest

from latentmap.analysis import SearchIndex


def decoded(response, count, *shape, dtype=np.uint8):
    densities = np.frombuffer(response.body, "<f4", count)
    rows = np.frombuffer(response.body, dtype, offset=4 * count).reshape(count, *shape)
    return densities, rows


def test_the_page_contains_scene_and_policy(client, map_scene):
    response = client("GET", "/")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    text = response.body.decode()
    result = json.loads(text.split('id="scene">')[1].split("</script>")[0])
    assert result["mode"] == "server"
    assert result["n"] == 500
    assert result["limits"]["upload_bytes"] == 32 * 2**20
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


def test_buffers(client, map_scene):
    assert client("GET", "/data/points").body == map_scene.plane.quantized_points().tobytes()
    assert client("GET", "/data/density").body == map_scene.density.values.tobytes()
    assert client("GET", "/data/names").status == 404
    assert client("GET", "/data/colour-99").status == 404


def test_colours_are_computed_on_request(client, map_scene):
    label, cluster, _, error = (client("GET", f"/data/colour-{i}") for i in range(4))
    assert label.body == map_scene.color_scales[0].compute().numbers.tobytes()
    values = json.loads(unquote(cluster.headers["X-Values"]))
    numbers = np.frombuffer(cluster.body, "<u2")
    expected = map_scene.scores["cluster"]
    assert [values[i] for i in numbers] == [str(i) for i in expected]
    low, high = float(error.headers["X-Low"]), float(error.headers["X-High"])
    expected_result = low + np.frombuffer(error.body, "<u2") / 65_534 * (high - low)
    np.testing.assert_allclose(
        expected_result, map_scene.scores["error"], atol=(high - low) / 60_000
    )


@pytest.mark.parametrize("count", [1, 40, 1024])
def test_points_are_decoded_as_by_inverse_transform(client, map_scene, count):
    points = np.resize(map_scene.plane.points + 0.1, (count, 2)).astype("<f4")
    densities, rows = decoded(client("POST", "/decode", points.tobytes()), count, 8, 8, 1)
    np.testing.assert_allclose(densities, map_scene.estimator.density(points), atol=1e-6)
    back = map_scene.estimator.inverse_transform(points)
    expected = np.rint(np.clip(back / 16 * 255, 0, 255))[..., None]
    assert np.abs(rows.astype(int) - expected).max() <= 1
    assert (rows == expected).mean() > 0.999


def test_points_of_a_table_are_decoded_to_numbers(serve, wide_scene):
    points = wide_scene.plane.points[:3].astype("<f4")
    response = serve(wide_scene)("POST", "/decode", points.tobytes())
    _, rows = decoded(response, 3, 13, dtype="<f4")
    expected = wide_scene.estimator.inverse_transform(wide_scene.plane.to_codes(points))
    np.testing.assert_allclose(rows, expected, rtol=1e-4)


@pytest.mark.parametrize(
    "body", [b"", b"1234", np.array([np.nan, 1], "<f4").tobytes(), b"\x00\x00\x80\x7f" * 2]
)
def test_malformed_points_are_refused(client, body):
    result = client.json("POST", "/decode", body, status=400)
    assert result["error"].startswith("expected points of")


def test_a_row_and_its_images(client, map_scene):
    result = client.json("GET", "/row/17")
    assert result == {
        **map_scene.row_details(17),
        **{k: result[k] for k in ("confidence", "error")},
    }
    assert client("GET", "/row/17/original").body == map_scene.original(17).tobytes()
    assert client("GET", "/row/17/reconstruction").body == map_scene.reconstruction(17).tobytes()


@pytest.mark.parametrize("target", ["/row/500", "/row/999999999/original", "/similar/500"])
def test_unknown_rows_are_not_found(client, target):
    assert client.json("GET", target, status=404)["error"] == "expected row numbers below 500"


def test_similar_rows(client, map_scene):
    result = client.json("GET", "/similar/9?k=5")
    expected_result = SearchIndex(map_scene.codes).search(map_scene.codes[[9]], 5, [9])
    assert result["rows"] == expected_result.indices[0].tolist()
    assert result["distances"] == pytest.approx(expected_result.distances[0].tolist())
    assert len(client.json("GET", "/similar/9")["rows"]) == 12
    for k in ("0", "-1", "x", "99999"):
        assert "k: expected" in client.json("GET", f"/similar/9?k={k}", status=400)["error"]


def test_thumbnails(client, map_scene):
    response = client("GET", "/thumbs?rows=3,400,3")
    assert response.headers["X-Shape"] == "3,8,8,1"
    assert response.body == map_scene.original([3, 400, 3]).tobytes()
    assert client("GET", "/thumbs?rows=3,500").status == 404
    for rows in ("", "a", "1,,2", "-1", "²", ",".join(["1"] * 257)):
        assert (
            "rows: expected"
            in client.json("GET", f"/thumbs?rows={quote(rows)}", status=400)["error"]
        )


def test_tables_have_no_thumbnails(serve, wide_scene):
    assert serve(wide_scene)("GET", "/thumbs?rows=1").status == 404


def test_a_drawing_is_placed_as_by_transform(client, map_scene, digits):
    pixels = np.rint(digits[7] / 16 * 255).astype(np.uint8)
    result = client.json("POST", "/place?name=drawing.pgm", b"P5\n8 8\n255\n" + pixels.tobytes())
    (row,) = result["rows"]
    code = map_scene.estimator.transform((pixels / 255 * 16)[None].astype(np.float32))
    assert row["spot"] == pytest.approx(code[0].tolist(), abs=1e-3)
    assert base64.b64decode(row["original64"]) == pixels.tobytes()
    assert len(base64.b64decode(row["reconstruction64"])) == 64
    assert 7 in row["similar"][:3]
    assert 0 <= row["confidence"] <= 1
    assert (result["total"], result["note"]) == (1, "")


def test_rows_of_a_file_are_placed(serve, wide_scene, wine):
    client, file = serve(wide_scene, label="kind"), io.StringIO()
    table = csv.writer(file)
    table.writerow([*wine.feature_names, "kind"])
    table.writerows([*row.tolist(), "<b>"] for row in wine[:110])
    result = client.json("POST", "/place?name=new.csv", file.getvalue().encode())
    assert (len(result["rows"]), result["total"]) == (100, 110)
    points = [row["spot"] for row in result["rows"]]
    np.testing.assert_allclose(points, wide_scene.plane.points[:100], atol=1e-4)
    assert result["rows"][3]["label"] == "<b>"
    assert result["rows"][3]["similar"][0] == 3
    assert result["rows"][3]["original"] == pytest.approx(wine[3].tolist())


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("rows.csv", b"a,b\n1,2\n", "rows.csv: X has 2 features"),
        ("rows.csv", b"a,b\n1,x\n", "rows.csv, line 2, column b: expected a number, found 'x'"),
        ("../a.exe", b"MZ", "a.exe: expected one of the suffixes"),
        ("me.png", b"no image", "me.png: cannot be read as an image"),
        ("<img src=x>.gif", b"", "<img src=x>.gif: cannot be read as an image"),
    ],
)
def test_unreadable_files_return_the_error_of_the_reader(client, name, body, message):
    result = client.json("POST", f"/place?name={quote(name)}", body, status=400)
    assert result["error"].startswith(message)


def test_an_invalid_number_in_a_file_is_located(client):
    file = io.BytesIO()
    np.save(file, np.full((2, 8, 8), np.nan))
    result = client.json("POST", "/place?name=x.npy", file.getvalue(), status=400)
    assert result["error"].startswith("x.npy, row 0")


def test_selected_rows_as_csv(client, digits):
    response = client("POST", "/csv", np.array([4, 2], "<u4").tobytes())
    assert response.headers["Content-Disposition"] == 'attachment; filename="selected.csv"'
    lines = list(csv.DictReader(io.StringIO(response.body.decode())))
    assert [line["row"] for line in lines] == ["4", "2"]
    assert [line["label"] for line in lines] == [str(digits.labels[i]) for i in (4, 2)]
    assert client("POST", "/csv", b"123").status == 400
    assert client("POST", "/csv", np.array([500], "<u4").tobytes()).status == 404
