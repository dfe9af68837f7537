from __future__ import annotations

import base64
import csv
import io
import json
from urllib.parse import quote, unquote

import numpy as np
import pytest

from latentmap.analysis import SearchIndex


def decoded(answer, count, *shape, dtype=np.uint8):
    densities = np.frombuffer(answer.body, "<f4", count)
    rows = np.frombuffer(answer.body, dtype, offset=4 * count).reshape(count, *shape)
    return densities, rows


def test_the_page_comes_with_its_scene_and_policy(ask, map_scene):
    answer = ask("GET", "/")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    text = answer.body.decode()
    told = json.loads(text.split('id="scene">')[1].split("</script>")[0])
    assert told["mode"] == "server"
    assert told["n"] == 500
    assert told["limits"]["upload_bytes"] == 32 * 2**20
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert policy.removesuffix("; frame-ancestors 'none'") in text


def test_buffers(ask, map_scene):
    assert ask("GET", "/data/points").body == map_scene.plane.quantized_points().tobytes()
    assert ask("GET", "/data/density").body == map_scene.density.values.tobytes()
    assert ask("GET", "/data/names").status == 404
    assert ask("GET", "/data/colour-99").status == 404


def test_colours_come_when_asked_for(ask, map_scene):
    label, cluster, _, error = (ask("GET", f"/data/colour-{i}") for i in range(4))
    assert label.body == map_scene.color_scales[0].compute().numbers.tobytes()
    values = json.loads(unquote(cluster.headers["X-Values"]))
    numbers = np.frombuffer(cluster.body, "<u2")
    expected = map_scene.scores["cluster"]
    assert [values[i] for i in numbers] == [str(i) for i in expected]
    low, high = float(error.headers["X-Low"]), float(error.headers["X-High"])
    found = low + np.frombuffer(error.body, "<u2") / 65_534 * (high - low)
    np.testing.assert_allclose(found, map_scene.scores["error"], atol=(high - low) / 60_000)


@pytest.mark.parametrize("count", [1, 40, 1024])
def test_a_spot_is_decoded_as_inverse_transform_does(ask, map_scene, count):
    spots = np.resize(map_scene.plane.points + 0.1, (count, 2)).astype("<f4")
    densities, rows = decoded(ask("POST", "/decode", spots.tobytes()), count, 8, 8, 1)
    np.testing.assert_allclose(densities, map_scene.estimator.density(spots), atol=1e-6)
    back = map_scene.estimator.inverse_transform(spots)
    wanted = np.rint(np.clip(back / 16 * 255, 0, 255))[..., None]
    assert np.abs(rows.astype(int) - wanted).max() <= 1
    assert (rows == wanted).mean() > 0.999


def test_a_spot_of_a_table_is_numbers(serve, wide_scene):
    spots = wide_scene.plane.points[:3].astype("<f4")
    answer = serve(wide_scene)("POST", "/decode", spots.tobytes())
    _, rows = decoded(answer, 3, 13, dtype="<f4")
    wanted = wide_scene.estimator.inverse_transform(wide_scene.plane.to_codes(spots))
    np.testing.assert_allclose(rows, wanted, rtol=1e-4)


@pytest.mark.parametrize(
    "body", [b"", b"1234", np.array([np.nan, 1], "<f4").tobytes(), b"\x00\x00\x80\x7f" * 2]
)
def test_what_is_no_spot_is_told(ask, body):
    told = ask.json("POST", "/decode", body, status=400)
    assert told["error"].startswith("expected points of")


def test_a_row_and_its_pictures(ask, map_scene):
    told = ask.json("GET", "/row/17")
    assert told == {**map_scene.row_details(17), **{k: told[k] for k in ("confidence", "error")}}
    assert ask("GET", "/row/17/original").body == map_scene.original(17).tobytes()
    assert ask("GET", "/row/17/reconstruction").body == map_scene.reconstruction(17).tobytes()


@pytest.mark.parametrize("target", ["/row/500", "/row/999999999/original", "/similar/500"])
def test_rows_that_are_not_there(ask, target):
    assert ask.json("GET", target, status=404)["error"] == "expected row numbers below 500"


def test_similar_rows(ask, map_scene):
    told = ask.json("GET", "/similar/9?k=5")
    found = SearchIndex(map_scene.codes).search(map_scene.codes[[9]], 5, [9])
    assert told["rows"] == found.indices[0].tolist()
    assert told["distances"] == pytest.approx(found.distances[0].tolist())
    assert len(ask.json("GET", "/similar/9")["rows"]) == 12
    for k in ("0", "-1", "x", "99999"):
        assert "k: expected" in ask.json("GET", f"/similar/9?k={k}", status=400)["error"]


def test_thumbnails(ask, map_scene):
    answer = ask("GET", "/thumbs?rows=3,400,3")
    assert answer.headers["X-Shape"] == "3,8,8,1"
    assert answer.body == map_scene.original([3, 400, 3]).tobytes()
    assert ask("GET", "/thumbs?rows=3,500").status == 404
    for rows in ("", "a", "1,,2", "-1", "²", ",".join(["1"] * 257)):
        assert (
            "rows: expected" in ask.json("GET", f"/thumbs?rows={quote(rows)}", status=400)["error"]
        )


def test_tables_have_no_thumbnails(serve, wide_scene):
    assert serve(wide_scene)("GET", "/thumbs?rows=1").status == 404


def test_a_drawing_lands_where_transform_places_it(ask, map_scene, digits):
    pixels = np.rint(digits[7] / 16 * 255).astype(np.uint8)
    told = ask.json("POST", "/place?name=drawing.pgm", b"P5\n8 8\n255\n" + pixels.tobytes())
    (row,) = told["rows"]
    code = map_scene.estimator.transform((pixels / 255 * 16)[None].astype(np.float32))
    assert row["spot"] == pytest.approx(code[0].tolist(), abs=1e-3)
    assert base64.b64decode(row["original64"]) == pixels.tobytes()
    assert len(base64.b64decode(row["reconstruction64"])) == 64
    assert 7 in row["similar"][:3]
    assert 0 <= row["confidence"] <= 1
    assert (told["total"], told["note"]) == (1, "")


def test_rows_of_a_file_land_too(serve, wide_scene, wine):
    ask, file = serve(wide_scene, label="kind"), io.StringIO()
    table = csv.writer(file)
    table.writerow([*wine.feature_names, "kind"])
    table.writerows([*row.tolist(), "<b>"] for row in wine[:110])
    told = ask.json("POST", "/place?name=new.csv", file.getvalue().encode())
    assert (len(told["rows"]), told["total"]) == (100, 110)
    spots = [row["spot"] for row in told["rows"]]
    np.testing.assert_allclose(spots, wide_scene.plane.points[:100], atol=1e-4)
    assert told["rows"][3]["label"] == "<b>"
    assert told["rows"][3]["similar"][0] == 3
    assert told["rows"][3]["original"] == pytest.approx(wine[3].tolist())


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("rows.csv", b"a,b\n1,2\n", "rows.csv: X has 2 features"),
        ("rows.csv", b"a,b\n1,x\n", "rows.csv, line 2, column b: expected a number, found 'x'"),
        ("../a.exe", b"MZ", "a.exe: expected one of the suffixes"),
        ("me.png", b"no image", "me.png: cannot be read as an image"),
        ("<img src=x>.gif", b"", "<img src=x>.gif: cannot be read as an image"),
    ],
)
def test_wrong_files_get_the_readers_sentence(ask, name, body, words):
    told = ask.json("POST", f"/place?name={quote(name)}", body, status=400)
    assert told["error"].startswith(words)


def test_bad_numbers_in_a_file_are_named(ask):
    file = io.BytesIO()
    np.save(file, np.full((2, 8, 8), np.nan))
    told = ask.json("POST", "/place?name=x.npy", file.getvalue(), status=400)
    assert told["error"].startswith("x.npy, row 0")


def test_selected_rows_as_csv(ask, digits):
    answer = ask("POST", "/csv", np.array([4, 2], "<u4").tobytes())
    assert answer.headers["Content-Disposition"] == 'attachment; filename="selected.csv"'
    lines = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert [line["row"] for line in lines] == ["4", "2"]
    assert [line["label"] for line in lines] == [str(digits.labels[i]) for i in (4, 2)]
    assert ask("POST", "/csv", b"123").status == 400
    assert ask("POST", "/csv", np.array([500], "<u4").tobytes()).status == 404
