"""The served page and the exported file in a real browser."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from latentmap import AutoEncoder
from latentmap.data import ArraySource, Table
from latentmap.explorer import Scene
from latentmap.explorer.page import Page

pytestmark = pytest.mark.browser

POINT_PIXELS = """() => {
    const canvas = document.querySelector("#points");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Uint32Array(data.buffer);
    return { n_colors: new Set(pixels).size, hash: pixels.reduce((h, p) => (31 * h + p) | 0, 0) };
}"""
BACKGROUND = "window.getComputedStyle(document.querySelector('#map')).backgroundColor"


def decoded(scene, point):
    """Return the grey levels of the row that the model decodes at a point."""
    row = scene.estimator.inverse_transform(np.array([point], np.float32))
    return scene.images.to_display(row)[0, :, :, 0]


def rows_between(page, count, left, right):
    """Return the rows between two vertical lines of the window."""
    positions = """count => Array.from({ length: count }, (_, i) =>
        window.latentmap.toScreen(...window.latentmap.positionOf(i))[0])"""
    map_left = page.tab.locator("#map").bounding_box()["x"]
    x = map_left + np.array(page.tab.evaluate(positions, count))
    return np.flatnonzero((x > left) & (x < right))


def test_the_page_loads_without_messages(open_page, served_links):
    page = open_page(served_links["digits"])
    assert page.text("#title") == "digits"
    assert "500 rows" in page.text("#subtitle")
    assert page.tab.locator(".entry").count() == 10
    assert page.tab.evaluate(POINT_PIXELS)["n_colors"] > 20
    page.tab.wait_for_timeout(200)
    assert page.messages == []


def test_the_row_at_the_pointer_is_that_of_inverse_transform(open_page, served_links, map_scene):
    page = open_page(served_links["digits"])
    images = []
    for pixel in ((420, 300), (520, 420), (600, 520)):
        point = page.decode_at(pixel)
        shown = page.pixels("#decoded canvas")
        # Another block size than that of inverse_transform can change the last bit of a float.
        difference = shown[:, :, 0].astype(int) - decoded(map_scene, point)
        assert np.abs(difference).max() <= 1
        assert (shown[:, :, 0] == shown[:, :, 2]).all()
        assert (page.pixels("#lens canvas") == shown).all()
        images.append(shown)
    assert any((a != b).any() for a, b in itertools.pairwise(images))


def test_a_row_decoded_far_from_the_data_is_pale(open_page, served_links):
    page = open_page(served_links["digits"])
    opacity = "getComputedStyle(document.querySelector('#decoded canvas')).opacity"
    page.decode_at(page.pixel_of_row(7))
    opacity_at_row = float(page.tab.evaluate(opacity))
    page.decode_at((700, 780))
    assert page.text(".density") == "no data here"
    assert float(page.tab.evaluate(opacity)) < 0.3 < opacity_at_row


def test_a_row_at_the_pointer_is_compared_with_its_reconstruction(
    open_page, served_links, map_scene, digits
):
    page = open_page(served_links["digits"])
    page.tab.mouse.move(*page.pixel_of_row(7))
    i = page.row()
    original = page.pixels("#row figure:first-child canvas")[:, :, 0]
    assert (original == map_scene.images.to_display(digits[[i]])[0, :, :, 0]).all()
    assert f"Row {i}" in page.text("#row h2")
    assert {"label", "confidence", "error"} <= set(page.text("#row dl").split("\n"))


def test_a_click_shows_similar_rows_that_can_be_chosen(open_page, served_links, map_scene):
    page = open_page(served_links["digits"])
    page.tab.mouse.click(*page.pixel_of_row(7))
    page.tab.wait_for_selector("#similar .thumbnails button")
    i = page.row()
    shown = page.tab.eval_on_selector_all(
        "#similar button", "buttons => buttons.map(b => Number(b.dataset.row))"
    )
    assert len(shown) == 12
    assert i not in shown
    assert set(shown) == set(map_scene.similar(map_scene.codes[[i]], 12, i)[0][0])
    page.tab.mouse.move(4, 4)
    page.tab.locator("#similar button").first.click()
    page.tab.wait_for_selector(f"#row[data-row='{shown[0]}']")


def test_selected_rows_are_downloaded(open_page, served_links, map_scene, tmp_path):
    page = open_page(served_links["digits"])
    left, right = page.select_left_half()
    inside = rows_between(page, 500, left, right)
    assert 50 < len(inside) < 450
    assert page.text("#selection h2") == f"{len(inside)} rows selected"
    lines = page.download(tmp_path)
    assert [int(line["row"]) for line in lines] == inside.tolist()
    assert [line["label"] for line in lines] == [str(map_scene.rows.labels[i]) for i in inside]
    page.tab.keyboard.press("Escape")
    assert page.tab.locator("#selection").is_hidden()


def test_a_closed_lasso_selects_only_visible_categories(open_page, served_links, tmp_path):
    page = open_page(served_links["digits"])
    frame = page.tab.locator("#map").bounding_box()
    left, top = frame["x"] + 2, frame["y"] + 2
    right, bottom = left + frame["width"] - 4, top + frame["height"] - 4
    page.tab.keyboard.press("l")
    corners = [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
    page.drag(*corners)
    page.tab.wait_for_selector("#save")
    assert page.text("#selection h2") == "500 rows selected"
    page.tab.locator("#legend [data-category='0']").click()
    lines = page.download(tmp_path)
    assert 300 < len(lines) < 500
    assert page.text("#selection h2") == f"{len(lines)} rows selected"
    assert len({line["label"] for line in lines}) == 9


def test_an_interpolation_starts_and_ends_at_the_clicked_points(open_page, served_links, map_scene):
    page = open_page(served_links["digits"])
    page.tab.keyboard.press("i")
    ends = [(400, 300), (620, 520)]
    for end in ends:
        page.tab.mouse.click(*end)
    page.tab.wait_for_selector("#interpolation[data-points]")
    assert page.tab.locator("#interpolation canvas").count() == 11
    for end, position in zip(ends, ("first", "last"), strict=True):
        point = page.decode_at(end)
        shown = page.pixels(f"#interpolation canvas:{position}-child")[:, :, 0].astype(int)
        assert np.abs(shown - decoded(map_scene, point)).max() <= 1


def test_the_legend_hides_shows_and_isolates(open_page, served_links):
    page = open_page(served_links["digits"])
    entries = page.tab.locator(".entry")

    def pressed():
        return entries.evaluate_all("all => all.map(e => e.getAttribute('aria-pressed'))")

    initial = page.tab.evaluate(POINT_PIXELS)
    entries.nth(3).click()
    assert pressed() == ["true"] * 3 + ["false"] + ["true"] * 6
    assert page.wait_until(lambda: page.tab.evaluate(POINT_PIXELS) != initial)
    entries.nth(5).dblclick()
    assert pressed() == ["false"] * 5 + ["true"] + ["false"] * 4
    entries.nth(5).dblclick()
    assert pressed() == ["true"] * 10
    assert page.wait_until(lambda: page.tab.evaluate(POINT_PIXELS) == initial)


def test_the_legend_of_a_score_has_a_range(open_page, served_links):
    page = open_page(served_links["digits"])
    page.tab.select_option("#color-scale", label="error")
    page.tab.wait_for_selector(".scale")
    numbers = [float(text) for text in page.text("#legend .ends").split()]
    assert len(numbers) in (2, 3)
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_zooming_keeps_the_point_below_the_mouse(open_page, served_links, motion):
    page = open_page(served_links["digits"], reduced_motion=motion)
    point = page.decode_at((500, 400))

    def distance():
        return page.pixel_of_row(1)[0] - page.pixel_of_row(0)[0]

    initial = distance()
    page.tab.mouse.wheel(0, -400)
    assert page.wait_until(lambda: abs(distance()) > 1.4 * abs(initial))
    assert np.abs(np.subtract(page.pixel_of(point), (500, 400))).max() < 0.1
    page.tab.keyboard.press("0")
    assert page.wait_until(lambda: distance() == pytest.approx(initial))


def test_a_drawing_is_placed_on_the_map(open_page, served_links):
    page = open_page(served_links["digits"])
    page.tab.keyboard.press("d")
    pad = page.tab.locator("#pad").bounding_box()
    x, y = pad["x"] + pad["width"] / 2, pad["y"]
    page.drag((x, y + 30), (x, y + 130))
    page.tab.wait_for_selector("#upload figure")
    pixels = page.pixels("#upload figure:first-child canvas")[:, :, 0]
    assert pixels.shape == (8, 8)
    assert pixels[3, 3:5].min() > 60
    assert pixels[:, [0, 1, 6, 7]].max() == 0
    assert page.tab.locator("#upload .thumbnails button").count() > 0


@pytest.mark.parametrize(("name", "content"), [("<b>notes.doc", b"hello"), ("a.png", b"broken")])
def test_an_unreadable_file_shows_the_error_of_the_server(open_page, served_links, name, content):
    page = open_page(served_links["digits"])
    file = {"name": name, "mimeType": "text/plain", "buffer": content}
    page.tab.set_input_files("#file", file)
    page.tab.wait_for_selector("#notice:not([hidden])")
    assert page.text("#notice p").startswith(name)
    assert page.text("#notice p").endswith(("the suffix '.doc'", "that Pillow reads)"))
    assert page.tab.locator("#notice b").count() == 0


@pytest.mark.parametrize("source", ["served", "exported"])
def test_html_in_the_data_is_shown_as_text(open_page, served_links, files, wine, source):
    page = open_page({"served": served_links, "exported": files}[source]["wine"])
    html = wine.feature_names[0]
    assert html in page.legend_names()
    page.tab.mouse.click(*page.pixel_of_row(0))
    page.tab.wait_for_selector("#similar button")
    page.select_left_half()
    page.tab.wait_for_selector("#selection .preview button")
    assert html in page.tab.locator("#color-scale").inner_text()
    assert page.tab.locator("img").count() == 0
    assert page.messages == []


def test_a_table_shows_values_in_the_units_of_the_data(open_page, served_links, wide_scene):
    page = open_page(served_links["wine"])
    point = page.decode_at((500, 400))
    shown = page.tab.locator("#decoded .chart-line")
    assert shown.count() == 13
    names = wide_scene.rows.feature_names
    row = np.concatenate(wide_scene.decode_points([point]))
    for line in shown.all():
        name, value = line.locator(".chart-name, .chart-value").all_text_contents()
        number = float(value.replace(",", "").replace("−", "-"))
        assert number == pytest.approx(row[names.index(name)], rel=0.02, abs=0.06)


def test_the_file_decodes_without_a_network(open_page, files, map_scene):
    page = open_page(files["digits"])
    for pixel in ((420, 300), (600, 520)):
        point = page.decode_at(pixel)
        shown = page.pixels("#decoded canvas")[:, :, 0].astype(float)
        # Grid images are interpolated and compressed; the unit is a grey level of 255.
        assert np.abs(shown - decoded(map_scene, point)).mean() < 8
    page.tab.mouse.click(*page.pixel_of_row(7))
    page.tab.wait_for_selector("#similar .thumbnails button")
    page.tab.wait_for_selector("#row figure canvas")
    page.tab.keyboard.press("i")
    page.drag((400, 300), (620, 520))
    page.tab.wait_for_selector("#interpolation[data-points]")
    assert page.messages == []


@pytest.mark.parametrize("name", ["digits", "wine"])
def test_the_file_downloads_selected_rows(open_page, files, request, tmp_path, name):
    scene = request.getfixturevalue({"digits": "map_scene", "wine": "wide_scene"}[name])
    page = open_page(files[name])
    left, right = page.select_left_half()
    inside = rows_between(page, len(scene.rows), left, right)
    lines = page.download(tmp_path)
    assert [int(line["row"]) for line in lines] == inside.tolist()
    assert [line["label"] for line in lines] == [str(scene.rows.labels[i]) for i in inside]
    if name == "wine":
        last = scene.rows.feature_names[-1]
        values = np.array([float(line[last]) for line in lines])
        assert np.allclose(values, scene.rows[inside][:, -1], rtol=1e-3)


def test_the_file_quotes_texts_in_csv(open_page, export_link, tmp_path):
    rng = np.random.default_rng(0)
    names, labels = ['a "quoted", name', " blank"], np.array(['x, "y"', "two\nlines", "plain"])
    rows = rng.normal(size=(60, 2)) * [1, 50]
    source = ArraySource(rows, feature_names=names, labels=labels[rng.integers(0, 3, 60)])
    model = AutoEncoder(2, network="linear", scaling="columns", random_state=0).fit(source)
    page = open_page(export_link(Scene(model, source, "csv")))
    left, right = page.select_left_half()
    inside = rows_between(page, 60, left, right)
    lines = page.download(tmp_path)
    assert [line["label"] for line in lines] == source.labels[inside].tolist()
    values = [[float(line[name]) for name in names] for line in lines]
    assert np.allclose(values, rows[inside], rtol=1e-3, atol=0.01)


def test_the_file_writes_integer_labels_and_codes_of_one_component(
    open_page, export_link, tmp_path
):
    rng = np.random.default_rng(0)
    labels = rng.permutation(9_000_000)[:1200]
    source = ArraySource(rng.normal(size=(1200, 3)), labels=labels)
    model = AutoEncoder(1, network="linear", random_state=0).fit(source)
    page = open_page(export_link(Scene(model, source, "line")))
    page.select_left_half()
    lines = page.download(tmp_path)
    assert len(lines) > 100
    assert all(int(line["label"]) == labels[int(line["row"])] for line in lines)
    assert [name for name in lines[0] if name.startswith("code")] == ["code 1"]


@pytest.mark.parametrize(
    ("name", "unsupported"), [("wine", "components"), ("people", "which contains texts")]
)
def test_the_file_explains_why_it_cannot_place_rows(open_page, files, name, unsupported):
    page = open_page(files[name])
    page.tab.click("#open")
    assert unsupported in page.text("#notice p")
    assert "This page is an exported file" in page.text("#notice p")


def test_the_theme_follows_the_system_and_the_button(open_page, served_links):
    page = open_page(served_links["digits"], color_scheme="dark")
    dark = page.tab.evaluate(BACKGROUND)
    page.tab.click("#theme")
    light = page.tab.evaluate(BACKGROUND)
    assert dark == "rgb(16, 19, 24)"
    assert light == "rgb(251, 251, 252)"
    corner = "document.querySelector('#points').getContext('2d').getImageData(0, 0, 1, 1).data[0]"
    page.tab.wait_for_function(f"() => {corner} === 251")


@pytest.mark.parametrize("name", ["digits", "wine"])
def test_the_map_is_above_the_panel_on_a_phone(open_page, served_links, name):
    page = open_page(
        served_links[name], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    boxes = {name: page.tab.locator(name).bounding_box() for name in ("#map", ".panel")}
    assert all(box["width"] == 390 for box in boxes.values())
    assert boxes["#map"]["y"] < boxes[".panel"]["y"]
    page.tab.touchscreen.tap(*page.pixel_of_row(7))
    page.tab.wait_for_selector("#decoded .summary:not([hidden])")
    assert page.tab.evaluate("document.documentElement.scrollWidth") == 390
    assert page.messages == []


def test_points_are_beside_a_high_legend_in_a_small_window(open_page, served_links):
    page = open_page(served_links["digits"], viewport={"width": 968, "height": 640})
    corners = page.tab.evaluate(
        "Array.from({ length: 100 }, (_, i) => latentmap.toScreen(...latentmap.positionOf(i)))"
    )
    legend, section = (page.tab.locator(name).bounding_box() for name in ("#legend", "#map"))
    assert legend["height"] > section["height"] / 2
    left, top = np.min(corners, axis=0)
    _, bottom = np.max(corners, axis=0)
    assert left > legend["width"]
    assert bottom - top > section["height"] / 3


def test_controls_fit_into_small_windows(open_page, served_links):
    page = open_page(served_links["people"], viewport={"width": 800, "height": 600})
    page.tab.keyboard.press("r")
    page.tab.wait_for_selector("#row-table tbody tr")
    map_box, tools = (page.tab.locator(name).bounding_box() for name in ("#map", "[role=toolbar]"))
    assert tools["y"] + tools["height"] <= map_box["y"] + map_box["height"]
    page.tab.set_viewport_size({"width": 390, "height": 844})
    page.tab.fill("#search", "France")
    select = page.tab.locator("#results .button")
    select.wait_for()
    assert select.bounding_box()["width"] > 300


def test_the_served_page_loads_the_modules_that_the_file_bundles(browser, served_links):
    context = browser.new_context()
    page, loaded = context.new_page(), {}

    def record(response):
        if response.url.endswith(".js"):
            loaded[response.url.rpartition("/")[2]] = response.text()

    page.on("response", record)
    page.goto(served_links["digits"])
    page.wait_for_selector("body[data-state=ready]")
    context.close()
    assert loaded == Page().modules


def lines_of(page, section):
    """Return the texts of the values in each line of a section, by the name of the column."""
    script = """lines => Object.fromEntries(lines.map(line => [
        line.querySelector(".chart-name").firstChild?.textContent ?? "",
        [...line.querySelectorAll(".chart-value")].map(value => value.textContent)]))"""
    return page.tab.eval_on_selector_all(f"{section} .chart-line", script)


def row_with(people, condition):
    """Return the first row that is complete except as the condition says."""
    return int(np.flatnonzero(condition(people))[0])


def test_a_row_of_a_mixed_table_is_next_to_the_decoded_row(people_page, mixed_scene, people):
    i = row_with(people, lambda p: p.notna().all(axis=1))
    people_page.tab.evaluate("i => window.latentmap.goTo(i)", i)
    assert people_page.row() == i
    row, lines = people.iloc[i], lines_of(people_page, "#row")
    decoded = dict(zip(people.columns, mixed_scene.reconstruction([i]), strict=True))
    assert lines["name"] == [row["name"]]
    assert lines["country"][0] == row["country"]
    assert lines["country"][1].removeprefix("≠") == decoded["country"][0]
    assert lines["member"][0] == str(row["member"]).lower()
    assert lines["joined"][0] == row["joined"].strftime("%Y-%m-%d")
    assert lines["visits"][0] == str(row["visits"])
    assert lines["visits"][1].removeprefix("≠").isdigit()
    assert float(lines["spend"][0]) == pytest.approx(row["spend"], rel=0.01)
    assert float(lines["spend"][1].removeprefix("≠")) == pytest.approx(decoded["spend"][0], rel=0.2)
    assert lines["note"] == [row["note"], decoded["note"][0]]
    assert row["name"] in people_page.text("#row h2")
    assert people_page.text("#row .unit").strip() == "€"
    assert people_page.tab.locator("img").count() == 0
    assert people_page.messages == []


def test_gaps_are_dashes_and_are_decoded(people_page, people):
    for column in ("age", "country", "joined"):
        i = row_with(people, lambda p, column=column: p[column].isna())
        people_page.tab.evaluate("i => window.latentmap.goTo(i)", i)
        people_page.tab.wait_for_selector(f"#row[data-row='{i}']")
        original, decoded = lines_of(people_page, "#row")[column]
        assert original == "–"
        assert decoded not in ("–", "")
        assert "≠" not in decoded


def test_different_values_are_marked(people_page, mixed_scene, people):
    difference = np.abs(mixed_scene.reconstruction(np.arange(240))[5] - people["visits"])
    assert difference.max() > 1.5 * people["visits"].std()
    for i, is_marked in ((difference.argmax(), True), (difference.argmin(), False)):
        people_page.tab.evaluate("i => window.latentmap.goTo(i)", int(i))
        people_page.tab.wait_for_selector(f"#row[data-row='{i}']")
        assert ("≠" in lines_of(people_page, "#row")["visits"][1]) == is_marked


def test_a_point_of_a_mixed_table_is_decoded_in_its_own_columns(people_page, mixed_scene, people):
    i = row_with(people, lambda p: p["country"] == "France")
    point = people_page.decode_at(people_page.pixel_of_row(i))
    lines = lines_of(people_page, "#decoded")
    assert list(lines) == list(people.columns[1:])
    columns = mixed_scene.decode_points([point])
    decoded = {name: column[0] for name, column in zip(people.columns, columns, strict=True)}
    assert lines["country"] == [decoded["country"]]
    assert lines["note"] == [decoded["note"]]
    assert abs(int(lines["visits"][0]) - decoded["visits"]) <= 1
    assert float(lines["age"][0]) == pytest.approx(decoded["age"], abs=1)
    day = np.datetime64(lines["joined"][0]).astype("datetime64[s]").astype(int)
    assert day == pytest.approx(decoded["joined"], abs=20 * 86_400)


def test_columns_of_a_mixed_table_colour_the_map(people_page, people):
    tab = people_page.tab
    tab.select_option("#color-scale", label="country")
    names = [*sorted(people["country"].dropna().unique()), "(missing)"]
    # Until the values arrive, the legend is that of the clusters.
    assert people_page.wait_until(lambda: people_page.legend_names() == names)
    tab.select_option("#color-scale", label="joined")
    tab.wait_for_selector(".scale")
    ends = [people["joined"].min(), people["joined"].max()]
    assert people_page.text(".ends").split() == [f"{day:%Y-%m-%d}" for day in ends]
    assert people_page.text(".missing").split() == ["(missing)", str(people["joined"].isna().sum())]
    tab.select_option("#color-scale", label="spend (€)")
    assert people_page.wait_until(lambda: "2" not in people_page.text(".ends").split()[0][:1])
    assert people_page.messages == []


def test_rows_are_found_by_their_names(people_page, people):
    people_page.tab.keyboard.press("/")
    people_page.tab.keyboard.type("013")
    people_page.tab.wait_for_selector("#results button")
    shown = people_page.tab.locator("#results .result").all_inner_texts()
    assert shown == [people["name"][13]]
    people_page.tab.keyboard.press("Enter")
    people_page.tab.wait_for_selector("#row[data-row='13']")
    people_page.tab.fill("#search", "RON")
    people_page.tab.wait_for_selector("#results .empty")
    people_page.tab.fill("#search", '"> 01"')
    people_page.tab.click("#results .button")
    assert people_page.text("#selection h2") == "10 rows selected"
    assert people_page.tab.locator("img").count() == 0
    assert people_page.messages == []


def test_an_interpolation_shows_categories(people_page):
    people_page.tab.keyboard.press("i")
    for pixel in ((300, 250), (640, 560)):
        people_page.tab.mouse.click(*pixel)
    people_page.tab.wait_for_selector("#interpolation[data-points]")
    assert people_page.tab.locator("#interpolation .column-line").count() == 6
    assert people_page.messages == []


def test_selected_rows_of_a_mixed_table_are_downloaded(people_page, people, tmp_path):
    people_page.select_left_half()
    lines = people_page.download(tmp_path)
    rows = people.iloc[[int(line["row"]) for line in lines]]
    assert len(rows) > 10
    assert [line["name"] for line in lines] == rows["name"].tolist()
    assert [line["country"] for line in lines] == rows["country"].fillna("").tolist()
    days = rows["joined"].dt.strftime("%Y-%m-%d").fillna("")
    assert [line["joined"][:10] for line in lines] == days.tolist()


@pytest.fixture(scope="module")
def wide_table_file(export_link):
    """Link to the exported file of a table with 60 columns, every fourth one of categories."""
    rng, n = np.random.default_rng(0), 120
    group = rng.integers(0, 3, n)
    columns = {
        f"column {j}": np.array(["red", "green", "blue"])[group]
        if j % 4 == 0
        else rng.normal(group * (j % 3), 1)
        for j in range(60)
    }
    table = Table(pd.DataFrame(columns))
    scene = Scene(AutoEncoder(2, epochs=3, random_state=0).fit(table), table)
    return export_link(scene)


def test_a_wide_table_shows_all_columns_on_request(open_page, wide_table_file):
    page = open_page(wide_table_file)
    page.decode_at(page.pixel_of_row(3))
    lines = page.tab.locator("#decoded .chart-line:visible")
    assert lines.count() == 12
    page.tab.click("#decoded .toggle")
    assert lines.count() == 60
    page.tab.click("#decoded .toggle")
    assert lines.count() == 12


FORMATS = [
    (1_586_376_675, {"kind": "date", "format": "date"}, "2020-04-09"),
    (1_586_376_675, {"kind": "date", "format": "datetime"}, "2020-04-08 20:11"),
    (1_586_376_675, {"kind": "date", "format": "datetime", "resolution": 5000}, "2020-04-08"),
    (
        1_586_376_675,
        {"kind": "date", "format": "datetime", "time_zone": "Europe/Berlin"},
        "2020-04-08 22:11",
    ),
    (28_145, {"kind": "date", "format": "time"}, "07:49:05"),
    (-787_098, {"kind": "date", "format": "duration"}, "−9 d 02:38:18"),
    (1e300, {"kind": "date", "format": "date"}, "–"),
    (None, {"kind": "category"}, "–"),
    (2007, {"kind": "number", "is_integer": True, "std": 1}, "2007"),
    (-12_345, {"kind": "number", "is_integer": True, "std": 100}, "−12,345"),
    (7.74, {"kind": "number", "std": 34}, "7.74"),
    (107.74, {"kind": "number", "std": 34}, "108"),
    (0, {"kind": "number", "std": 34}, "0"),
]


@pytest.mark.parametrize(("value", "column", "expected"), FORMATS)
def test_values_are_formatted_by_their_kind(run_script, value, column, expected):
    script = "async ([v, c]) => (await import('/page/format.js')).formatValue(v, c)"
    assert run_script(script, [value, column]) == expected


def test_the_file_says_that_it_shows_a_sample(open_page, export_link, map_scene):
    page = open_page(export_link(map_scene.limit_rows(40)))
    assert page.text("#subtitle").startswith("a sample of 40 of 500 rows")


def test_missing_labels_are_grey_and_have_no_name(open_page, export_link, people):
    rows = people[["visits", "spend"]].to_numpy()
    labels = np.where(np.arange(240) % 3 == 0, None, people["note"].to_numpy())
    source = ArraySource(rows, labels=labels)
    model = AutoEncoder(2, network="linear", scaling="columns", random_state=0).fit(source)
    page = open_page(export_link(Scene(model, source, "gaps")))
    entry = page.tab.locator(".entry").last
    assert entry.inner_text().split() == ["(missing)", "80"]
    swatch = "e => getComputedStyle(e.querySelector('.swatch')).backgroundColor"
    assert entry.evaluate(swatch) == "rgb(180, 182, 186)"
    page.tab.evaluate("window.latentmap.goTo(3)")
    page.tab.wait_for_selector("#row[data-row='3'] dl")
    assert page.text("#row dl").split("\n")[:2] == ["label", "–"]
    page.tab.wait_for_selector("#similar button")
    assert "null" not in page.text("#similar")
    assert page.messages == []
