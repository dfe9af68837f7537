"""Placement of new rows by the page itself, in a real browser."""

from __future__ import annotations

import base64
import copy
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder
from latentmap.data import ArraySource, add_metadata, load_dataset
from latentmap.explorer import Scene
from latentmap.explorer.page_encoder import (
    OPERATIONS,
    PAGE_ACTIVATIONS,
    ArrayBlock,
    describe_graph,
)
from latentmap.inference.evaluator import Evaluator
from latentmap.inference.graph import (
    Node,
    apply,
    dense,
    flatten,
    input_node,
    reshape,
    topological_order,
)
from latentmap.maps import fitted_rows
from latentmap.preprocessing import neighbors

pytestmark = pytest.mark.browser

# Places rows one after another, and returns their points and the median of the milliseconds.
PLACE = """async rows => {
    const points = [], times = [];
    for (const row of rows) {
        const start = performance.now();
        points.push(await window.latentmap.placeRow(row));
        times.push(performance.now() - start);
    }
    return { points, median: times.sort((a, b) => a - b)[times.length >> 1] };
}"""


@pytest.fixture(scope="module")
def unseen():
    return load_dataset("digits", "unseen").subset(np.arange(200))


@pytest.fixture(scope="module")
def models(map_scene, digits, wine):
    """Scenes of maps that store rows or none, and of autoencoders of images and of a table."""
    models = {
        "cosine": LatentMap(metric="cosine", epochs=3, random_state=0),
        "dense": AutoEncoder(2, epochs=3, random_state=0),
        "linear": AutoEncoder(1, network="linear", random_state=0),
        "conv": VariationalAutoEncoder(2, network="conv", epochs=3, random_state=0),
    }
    scenes = {name: Scene(model.fit(digits), digits, name) for name, model in models.items()}
    table = Scene(AutoEncoder(2, scaling="columns", epochs=3, random_state=0).fit(wine), wine)
    placement = map_scene.estimator._state.placement
    fitted = replace(placement.fitted)  # A copy has no index yet.
    with pytest.MonkeyPatch.context() as patch:
        # A search visits at most 32 of the 50 cells of stored rows, as on a large map.
        patch.setattr(neighbors, "MAX_SCANNED_ROWS", 100)
        patch.setattr(neighbors, "SMALL_CELL_ROWS", 10)
        assert len(fitted.index.centers) == 50
        # The large groups have every fourth row, as on a large map.
        patch.setattr(fitted_rows, "DENSE_ROWS", 100)
        assert fitted.groups[1].step == 4
    cells = replace_placement(map_scene.estimator, replace(placement, fitted=fitted, penalty=1.0))
    network = replace_placement(map_scene.estimator, None)
    scenes |= {"cells": Scene(cells, digits), "network": Scene(network, digits)}
    return {"map": map_scene, "wine": table, **scenes}


def replace_placement(estimator, placement):
    """Return a fitted map with another placement; without one, the network places all rows."""
    other = copy.copy(estimator)
    other._state = replace(estimator._state, placement=placement)
    return other


@pytest.fixture(scope="module")
def exported(models, export_link):
    """Links to the exported files of the scenes."""
    return {name: export_link(scene) for name, scene in models.items()}


@pytest.fixture(scope="module")
def members(people):
    """A table of numbers, categories, dates and truth values, and one of other such rows."""
    frame = people.drop(columns="note")
    frame["called"] = frame["joined"] + pd.to_timedelta((1e6 * frame["spend"]).round(), "ms")
    frame["seen"] = frame["called"].dt.tz_localize("Europe/Berlin", "NaT", "NaT")
    frame["stay"] = pd.to_timedelta(((frame["age"] - 30) * 3000).round(), "s")  # Some are negative.
    return frame[:200], frame[200:]


@pytest.fixture(scope="module")
def table_map(members):
    return LatentMap(epochs=3, random_state=0).fit(members[0])


@pytest.fixture(scope="module", params=["map", "network", "dense"])
def table_file(request, members, export_link):
    """Scene of a table, and the link to its exported file."""
    if request.param == "dense":
        model = AutoEncoder(2, epochs=3, random_state=0).fit(members[0])
    else:
        model = request.getfixturevalue("table_map")
    if request.param == "network":
        model = replace_placement(model, None)
    scene = Scene(model, members[0], "members")
    return scene, export_link(scene)


@pytest.fixture(scope="module")
def served(models, start_server):
    """Links to the served pages of the map and of the table."""
    return {name: start_server(models[name]).url for name in ("map", "wine")}


@pytest.fixture(params=["served", "exported"])
def pages(request):
    """Links to the served pages or to the exported files."""
    return request.getfixturevalue(request.param)


def as_file(name, content):
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def as_png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def shown_position(page):
    """Wait until the panel shows a placed row, and return its position."""
    page.tab.wait_for_selector("#upload dl")
    text = page.text("#upload dl").split("position")[1]
    return [float(x) for x in text.replace("\N{MINUS SIGN}", "-").strip(" \n()").split(",")]


@pytest.mark.parametrize("name", ["map", "cells", "cosine", "network", "dense", "linear", "conv"])
def test_the_page_places_unseen_rows_like_transform(open_page, exported, models, unseen, name):
    page = open_page(exported[name])
    result = page.tab.evaluate(PLACE, unseen[:].reshape(200, -1).tolist())
    codes = models[name].estimator.transform(unseen)
    placed = np.array(result["points"])[:, : codes.shape[1]]
    assert np.abs(placed - codes).max() < 1e-3
    assert result["median"] < 20


ENCODE = """async ([description, content, rows]) => {
    const [{ createEncoder }, { decodeBase64 }] =
        await Promise.all([import("/page/encoder.js"), import("/page/exported_data.js")]);
    const encode = createEncoder(description, decodeBase64(content).buffer);
    return rows.map(row => [...encode(Float32Array.from(row))]);
}"""


def test_all_operations_equal_those_of_numpy(run_script):
    rng = np.random.default_rng(0)
    x = flatten(apply("scale", input_node((2, 2)), (2, 2), ()))
    flags = Node("is_missing", (x,), (2,), (), {"indices": np.array([0, 3])})
    x = Node("concatenate", (apply("replace_missing", x), flags), (6,))
    image = dense(x, 20)
    x = dense(x, 3)
    outputs = [dense(x, 2, name) for name in sorted(PAGE_ACTIVATIONS)]
    outputs += [apply("normalize", apply("dropout", x), (3,), (3,), (3,), (3,))]
    outputs += [apply("clip", apply("unscale", x, (), ()), low=-0.5, high=0.25)]
    outputs += [apply("activation", Node("add", (x, x), x.shape), activation="tanh")]
    for shape in ((4, 5, 1), (5, 2, 2)):
        kernel = ((3, 3, shape[2], 2), (2,))
        half = (-(-shape[0] // 2), -(-shape[1] // 2), 2)
        x_image = reshape(image, shape)
        outputs += [flatten(Node("convolution", (x_image,), half, kernel, {"activation": "relu"}))]
    mode = Node("around_mode", (dense(x, 5),), (3,), ((5, 2), (2, 2), ()))
    outputs += [Node("columns", (mode,), (2,), (), {"start": 1, "stop": 3})]
    output = outputs[0]
    for other in outputs[1:]:
        width = output.width + other.width
        output = Node("concatenate", (output, other), (width,))
    weights = {
        node: [rng.uniform(0.5, 1.5, shape).astype("f4") for shape in node.weights]
        for node in topological_order(output)
    }
    rows = rng.normal(size=(5, 2, 2)).astype("f4")
    rows[1:3, 0, 0] = np.nan
    arrays = ArrayBlock()
    description = {"nodes": describe_graph(output, weights, arrays), "placement": None}
    content = base64.b64encode(arrays.content).decode()
    result = run_script(ENCODE, [description, content, rows.reshape(5, 4).tolist()])
    assert np.abs(np.array(result) - Evaluator(output, weights)(rows)).max() < 1e-5
    assert {node["operation"] for node in description["nodes"]} == OPERATIONS


def test_the_served_page_places_unseen_rows_like_transform(open_page, served, models, unseen):
    page = open_page(served["map"])
    result = page.tab.evaluate(PLACE, unseen[:].reshape(200, -1).tolist())
    assert (
        np.abs(np.array(result["points"]) - models["map"].estimator.transform(unseen)).max() < 1e-3
    )
    assert result["median"] < 20


def test_a_fitted_row_is_placed_at_its_layout_position(open_page, exported, models, digits):
    page = open_page(exported["map"])
    result = page.tab.evaluate(PLACE, digits[:50].reshape(50, -1).tolist())
    assert np.array_equal(
        np.array(result["points"], np.float32), models["map"].estimator.embedding_[:50]
    )


def test_an_image_is_placed_by_the_page(open_page, pages, models, unseen):
    page = open_page(pages["map"])
    pixels = models["map"].images.to_display(unseen[[3]])[0, :, :, 0]
    page.tab.set_input_files("#file", as_file("seven.png", as_png(pixels)))
    row = models["map"].images.to_rows(pixels.reshape(1, 8, 8, 1))
    expected = models["map"].estimator.transform(row)[0]
    assert np.abs(np.subtract(shown_position(page), expected)).max() < 0.01
    assert (page.pixels("#upload figure:first-child canvas")[:, :, 0] == pixels).all()
    assert page.tab.locator("#upload .thumbnails button").count() == 12
    assert page.messages == []


def test_an_image_of_another_size_is_resized_and_the_page_says_so(open_page, pages):
    page = open_page(pages["map"])
    pixels = np.zeros((32, 24, 3), np.uint8)
    pixels[4:28, 8:16] = 255
    page.tab.set_input_files("#file", as_file("tall.png", as_png(pixels)))
    shown_position(page)
    assert "resized from 24×32 to 8×8 pixels" in page.text("#upload .note")


def test_the_file_reads_columns_by_their_names(open_page, exported, models, wine):
    page = open_page(exported["wine"])
    order = np.random.default_rng(0).permutation(13)
    header = ["kind", *(wine.feature_names[j] for j in order)]
    lines = [header, *(["red", *map(repr, map(float, row[order]))] for row in wine[[0, 1]])]
    content = "\n".join(map(",".join, lines)).encode()
    page.tab.set_input_files("#file", as_file("new.csv", content))
    expected = models["wine"].estimator.transform(wine.subset([0]))[0]
    assert np.abs(np.subtract(shown_position(page), expected)).max() < 0.01
    assert "1 of 2" in page.text("#upload .stepper")


def test_the_file_shows_columns_that_are_not_fitted(open_page, export_link, wine):
    rows = ArraySource(wine[:][:, :3], feature_names=["x", "y", "z"], name="wine")
    kinds = pd.DataFrame({"kind": ["red", "white"] * (len(rows) // 2), "year": range(len(rows))})
    model = AutoEncoder(2, network="linear", random_state=0).fit(rows)
    page = open_page(export_link(Scene(model, add_metadata(rows, kinds))))
    content = b"kind,x,y,z,year\nred,1.5,2,3,1984\n"
    page.tab.set_input_files("#file", as_file("new.csv", content))
    shown_position(page)
    assert {"red", "1984", "1.50"} <= set(page.text("#upload .body").split())


def test_the_file_refuses_rows_of_another_width(open_page, exported):
    page = open_page(exported["wine"])
    page.tab.set_input_files("#file", as_file("new.csv", b"1,2,3\n"))
    page.tab.wait_for_selector("#notice:not([hidden])")
    assert page.text("#notice p") == "new.csv: expected 13 columns of numbers, found 3."


def as_npy(rows):
    file = io.BytesIO()
    np.save(file, rows)
    return file.getvalue()


# Places the rows of a .npy file, and returns their points or an error.
PLACE_ARRAY = """async text => {
    const bytes = Uint8Array.from(atob(text), character => character.charCodeAt(0));
    const file = new File([bytes], "rows.npy");
    try {
        return (await window.latentmap.placeFile(file)).map(row => row.point);
    } catch (error) {
        return error.message;
    }
}"""


WRONG_ARRAYS = [
    (as_npy(np.zeros((3, 5))), "expected rows of 64 numbers, found an array of shape (3, 5)."),
    (as_npy(np.zeros(64)), "expected rows of 64 numbers, found an array of shape (64)."),
    (as_npy(np.full((1, 64), np.nan)), "expected numbers in row 0, counted from 0."),
    (as_npy(np.zeros((9, 64)))[:-8], "expected 9 rows, found the end of the file."),
    *(
        (content, "expected an array of numbers in C order, found another file.")
        for content in (as_npy(np.zeros((2, 64), order="F")), as_npy(np.full((1, 64), "a")), b"PK")
    ),
]


def test_the_file_places_the_rows_of_an_array(open_page, exported, models, unseen):
    page = open_page(exported["map"])

    def place(content):
        return page.tab.evaluate(PLACE_ARRAY, base64.b64encode(content).decode())

    for dtype in ("float32", "float64", "uint8"):
        rows = np.rint(unseen[:5]).astype(dtype)
        expected = models["map"].estimator.transform(rows.astype("f4"))
        assert np.abs(np.subtract(place(as_npy(rows)), expected)).max() < 1e-3
    for content, message in WRONG_ARRAYS:
        assert place(content) == f"rows.npy: {message}"


def test_a_drawing_is_placed_while_it_is_drawn(open_page, pages):
    page = open_page(pages["map"])
    page.tab.keyboard.press("d")
    pad = page.tab.locator("#pad").bounding_box()
    x, y = pad["x"] + pad["width"] / 2, pad["y"]
    before = page.pixels("#overlay")
    page.tab.mouse.move(x, y + 30)
    page.tab.mouse.down()
    page.tab.mouse.move(x, y + 130, steps=4)
    assert page.wait_until(lambda: (page.pixels("#overlay") != before).any())
    assert page.tab.locator("#upload").is_hidden()
    page.tab.mouse.up()
    shown_position(page)


# Places the rows of a .csv file, and returns their points.
PLACE_FILE = """async text => {
    const rows = await window.latentmap.placeFile(new File([text], "members.csv"));
    return rows.map(row => [row.point, row.original]);
}"""


def test_rows_of_a_table_are_placed_like_transform(open_page, table_file, members):
    scene, link = table_file
    page = open_page(link)
    result = page.tab.evaluate(PLACE_FILE, members[1].to_csv(index=False))
    points, originals = zip(*result, strict=True)
    expected = scene.estimator.transform(members[1])
    assert len(points) == 40
    assert np.abs(np.array(points) - expected).max() < 1e-3
    shown = scene.display.to_display(pa.Table.from_pandas(members[1], preserve_index=False))
    for j in range(len(scene.table.names)):
        column = [row[j] for row in originals]
        assert column == [None if x != x else x for x in shown[j].tolist()]


def test_the_file_names_a_column_that_a_table_lacks(open_page, table_file):
    page = open_page(table_file[1])
    page.tab.set_input_files("#file", as_file("new.csv", b"age,country\n1,Spain\n"))
    page.tab.wait_for_selector("#notice:not([hidden])")
    assert "expected a column member" in page.text("#notice p")


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("joined", "03/04/2024", "expected a date such as 2024-05-31, found 03/04/2024"),
        ("age", "old", "expected a number such as 12.5, found old"),
        ("stay", "long", "expected a duration such as 01:30:00, found long"),
    ],
)
def test_the_file_names_a_cell_that_it_cannot_read(
    open_page, table_file, members, column, cell, message
):
    page = open_page(table_file[1])
    content = members[1][:3].astype(object).assign(**{column: cell}).to_csv(index=False)
    page.tab.set_input_files("#file", as_file("new.csv", content.encode()))
    page.tab.wait_for_selector("#notice:not([hidden])")
    assert page.text("#notice p") == f"The column {column}: {message}."
