"""The page as people meet it: in a real browser, served and from a file."""

from __future__ import annotations

import csv
import itertools
import os
import shutil
import threading
import time

import numpy as np
import pytest

from latentmap import AutoEncoder
from latentmap.data import ArraySource
from latentmap.explorer import Scene, Server, export_page
from latentmap.explorer.page import Page

pytestmark = pytest.mark.browser

NEEDED = bool(os.environ.get("LATENTMAP_NEED_BROWSER"))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

PIXELS = """selector => {
    const canvas = document.querySelector(selector);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [canvas.height, canvas.width, ...data];
}"""
DRAWN = """() => {
    const canvas = document.querySelector("#points");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Uint32Array(data.buffer);
    return { kinds: new Set(pixels).size, sum: pixels.reduce((sum, p) => (31 * sum + p) | 0, 0) };
}"""
PALE = "window.getComputedStyle(document.querySelector('#map')).backgroundColor"


def missing(what):
    """Skip, or fail where a browser must be there."""
    (pytest.fail if NEEDED else pytest.skip)(f"{what} is not installed")


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        missing("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def links(map_scene, wide_scene):
    """Serve a map of images and a plane of a table, with the page that users get."""
    scenes = {"digits": map_scene, "wine": wide_scene}
    servers = {name: Server(scene) for name, scene in scenes.items()}
    for server in servers.values():
        threading.Thread(target=server.serve, daemon=True).start()
    yield {name: server.url for name, server in servers.items()}
    for server in servers.values():
        server.stop()
        server.close()


@pytest.fixture(scope="module")
def files(map_scene, wide_scene, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    for name, scene in {"digits": map_scene, "wine": wide_scene}.items():
        export_page(scene, folder / f"{name}.html")
    return {name: (folder / f"{name}.html").as_uri() for name in ("digits", "wine")}


class Visit:
    """A page that is open, and a hand on its mouse."""

    def __init__(self, browser, link, **options):
        self.context = browser.new_context(
            **{
                "viewport": {"width": 1280, "height": 800},
                "reduced_motion": "reduce",
                **options,
            }
        )
        self.page, self.complaints = self.context.new_page(), []
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        if link.startswith("file:"):
            self.context.set_offline(True)
            self.context.route("http*://**", lambda route: route.abort())
        self.page.goto(link)
        self.page.wait_for_selector("body[data-state=ready]")
        self.page.evaluate("() => new Promise(requestAnimationFrame)")  # and drawn

    def hear(self, said):
        """Keep what the browser says, but for its advice on reading pixels, which only we do."""
        if "willReadFrequently" not in said.text:
            self.complaints.append(said.text)

    def place(self, spot):
        """Give the window's pixel of a spot."""
        inside = self.page.evaluate("([x, y]) => window.latentmap.toScreen(x, y)", list(spot))
        frame = self.page.locator("#map").bounding_box()
        return frame["x"] + inside[0], frame["y"] + inside[1]

    def place_of(self, i):
        return self.place(self.page.evaluate("i => window.latentmap.positionOf(i)", i))

    def read(self, place):
        """Move the mouse; give the spot of that place, once it is decoded and shown."""

        def shown():
            return np.array(
                self.page.evaluate("document.body.dataset.decoded ?? ''").split(), float
            )

        def is_there():
            spot = shown()
            return spot.size and np.abs(np.subtract(self.place(spot), place)).max() < 0.51

        self.page.mouse.move(*place)
        assert self.until(is_there), f"what lives at {place} is not shown"
        return shown()

    def until(self, holds):
        """Look for up to thirty seconds whether something holds; give what was found."""
        end = time.monotonic() + 30
        while not (found := holds()) and time.monotonic() < end:
            self.page.wait_for_timeout(50)
        return found

    def row(self):
        """Give the row that the panel shows, once it shows one."""
        self.page.wait_for_selector("#row[data-row]")
        return int(self.page.get_attribute("#row", "data-row"))

    def drag(self, *places):
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=4)
        self.page.mouse.up()

    def select_left_half(self):
        """Draw a box around the left half of the map; give where it ends."""
        frame = self.page.locator("#map").bounding_box()
        self.page.keyboard.press("b")
        middle = frame["x"] + frame["width"] / 2
        bottom = frame["y"] + frame["height"] - 4
        self.drag((frame["x"] + 4, bottom), (middle, frame["y"] + 4))
        self.page.wait_for_selector("#save")
        return frame["x"] + 4, middle

    def download(self, folder):
        with self.page.expect_download() as coming:
            self.page.click("#save")
        coming.value.save_as(folder / "rows.csv")
        with (folder / "rows.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def pixels(self, selector):
        height, width, *data = self.page.evaluate(PIXELS, selector)
        return np.array(data, np.uint8).reshape(height, width, 4)

    def text(self, selector):
        return self.page.locator(selector).inner_text()


@pytest.fixture
def visit(browser):
    visits = []

    def visit(link, **options):
        visits.append(Visit(browser, link, **options))
        return visits[-1]

    yield visit
    for made in visits:
        made.context.close()


def decoded(scene, spot):
    """Give what the model itself decodes at a spot, as the grey bytes of a picture."""
    row = scene.estimator.inverse_transform(np.array([spot], np.float32))
    return scene.images.to_display(row)[0, :, :, 0]


def rows_between(visit, count, left, right):
    """Find the points between two pixels of the window."""
    places = """count => Array.from({ length: count }, (_, i) =>
        window.latentmap.toScreen(...window.latentmap.positionOf(i))[0])"""
    across = visit.page.locator("#map").bounding_box()["x"]
    across += np.array(visit.page.evaluate(places, count))
    return np.flatnonzero((across > left) & (across < right))


def test_it_loads_without_a_complaint(visit, links):
    page = visit(links["digits"])
    assert page.text("#title") == "digits"
    assert "500 rows" in page.text("#subtitle")
    assert page.page.locator(".entry").count() == 10
    assert page.page.evaluate(DRAWN)["kinds"] > 20
    page.page.wait_for_timeout(200)
    assert page.complaints == []


def test_moving_decodes_what_inverse_transform_gives(visit, links, map_scene):
    page = visit(links["digits"])
    seen = []
    for place in ((420, 300), (520, 420), (600, 520)):
        spot = page.read(place)
        shown = page.pixels("#decoded canvas")
        # The model may be asked in blocks of another size: the last bit of a float may differ.
        difference = shown[:, :, 0].astype(int) - decoded(map_scene, spot)
        assert np.abs(difference).max() <= 1
        assert (shown[:, :, 0] == shown[:, :, 2]).all()
        assert (page.pixels("#lens canvas") == shown).all()
        seen.append(shown)
    assert any((a != b).any() for a, b in itertools.pairwise(seen))


def test_where_no_data_is_it_fades_and_says_so(visit, links):
    page = visit(links["digits"])
    fading = "getComputedStyle(document.querySelector('#decoded canvas')).opacity"
    page.read(page.place_of(7))
    within = float(page.page.evaluate(fading))
    page.read((700, 780))
    assert page.text(".density") == "no data here"
    assert float(page.page.evaluate(fading)) < 0.3 < within


def test_a_point_shows_the_row_beside_its_reconstruction(visit, links, map_scene, digits):
    page = visit(links["digits"])
    page.page.mouse.move(*page.place_of(7))
    i = page.row()
    original = page.pixels("#row figure:first-child canvas")[:, :, 0]
    assert (original == map_scene.images.to_display(digits[[i]])[0, :, :, 0]).all()
    assert f"Row {i}" in page.text("#row h2")
    assert {"label", "confidence", "error"} <= set(page.text("#row dl").split("\n"))


def test_a_click_finds_similar_rows_and_goes_there(visit, links, map_scene):
    page = visit(links["digits"])
    page.page.mouse.click(*page.place_of(7))
    page.page.wait_for_selector("#similar .thumbnails button")
    i = page.row()
    shown = page.page.eval_on_selector_all(
        "#similar button", "buttons => buttons.map(b => Number(b.dataset.row))"
    )
    assert len(shown) == 12
    assert i not in shown
    assert set(shown) == set(map_scene.similar(map_scene.codes[[i]], 12, i)[0][0])
    page.page.mouse.move(4, 4)
    page.page.locator("#similar button").first.click()
    page.page.wait_for_selector(f"#row[data-row='{shown[0]}']")


def test_a_selection_exports_its_rows(visit, links, map_scene, tmp_path):
    page = visit(links["digits"])
    left, right = page.select_left_half()
    inside = rows_between(page, 500, left, right)
    assert 50 < len(inside) < 450
    assert page.text("#selection h2") == f"{len(inside)} rows selected"
    lines = page.download(tmp_path)
    assert [int(line["row"]) for line in lines] == inside.tolist()
    assert [line["label"] for line in lines] == [str(map_scene.rows.labels[i]) for i in inside]
    page.page.keyboard.press("Escape")
    assert page.page.locator("#selection").is_hidden()


def test_a_lasso_may_end_where_it_began_and_what_is_hidden_is_not_saved(visit, links, tmp_path):
    page = visit(links["digits"])
    frame = page.page.locator("#map").bounding_box()
    left, top = frame["x"] + 2, frame["y"] + 2
    right, bottom = left + frame["width"] - 4, top + frame["height"] - 4
    page.page.keyboard.press("l")
    corners = [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
    page.drag(*corners)
    page.page.wait_for_selector("#save")
    assert page.text("#selection h2") == "500 rows selected"
    page.page.locator("#legend [data-category='0']").click()
    lines = page.download(tmp_path)
    assert 300 < len(lines) < 500
    assert page.text("#selection h2") == f"{len(lines)} rows selected"
    assert len({line["label"] for line in lines}) == 9


def test_a_walk_starts_and_ends_at_its_marks(visit, links, map_scene):
    page = visit(links["digits"])
    page.page.keyboard.press("i")
    marks = [(400, 300), (620, 520)]
    for mark in marks:
        page.page.mouse.click(*mark)
    page.page.wait_for_selector("#interpolation[data-points]")
    assert page.page.locator("#interpolation canvas").count() == 11
    for mark, which in zip(marks, ("first", "last"), strict=True):
        spot = page.read(mark)
        shown = page.pixels(f"#interpolation canvas:{which}-child")[:, :, 0].astype(int)
        assert np.abs(shown - decoded(map_scene, spot)).max() <= 1


def test_the_legend_hides_shows_and_isolates(visit, links):
    page = visit(links["digits"])
    entries = page.page.locator(".entry")

    def pressed():
        return entries.evaluate_all("all => all.map(e => e.getAttribute('aria-pressed'))")

    whole = page.page.evaluate(DRAWN)
    entries.nth(3).click()
    assert pressed() == ["true"] * 3 + ["false"] + ["true"] * 6
    assert page.until(lambda: page.page.evaluate(DRAWN) != whole)
    entries.nth(5).dblclick()
    assert pressed() == ["false"] * 5 + ["true"] + ["false"] * 4
    entries.nth(5).dblclick()
    assert pressed() == ["true"] * 10
    assert page.until(lambda: page.page.evaluate(DRAWN) == whole)


def test_a_number_has_a_scale(visit, links):
    page = visit(links["digits"])
    page.page.select_option("#color-scale", label="error")
    page.page.wait_for_selector(".scale")
    low, high = (float(text) for text in page.text(".ends").split())
    assert low < high


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_zoom_keeps_the_spot_under_the_mouse(visit, links, motion):
    page = visit(links["digits"], reduced_motion=motion)
    spot = page.read((500, 400))

    def apart():
        return page.place_of(1)[0] - page.place_of(0)[0]

    whole = apart()
    page.page.mouse.wheel(0, -400)
    assert page.until(lambda: abs(apart()) > 1.4 * abs(whole))
    assert np.abs(np.subtract(page.place(spot), (500, 400))).max() < 0.1
    page.page.keyboard.press("0")
    assert page.until(lambda: apart() == pytest.approx(whole))


def test_a_drawing_lands_on_the_map(visit, links):
    page = visit(links["digits"])
    page.page.keyboard.press("d")
    pad = page.page.locator("#pad").bounding_box()
    x, y = pad["x"] + pad["width"] / 2, pad["y"]
    page.drag((x, y + 30), (x, y + 130))
    page.page.wait_for_selector("#upload figure")
    sent = page.pixels("#upload figure:first-child canvas")[:, :, 0]
    assert sent.shape == (8, 8)
    assert sent[3, 3:5].min() > 60
    assert sent[:, [0, 1, 6, 7]].max() == 0
    assert page.page.locator("#upload .thumbnails button").count() > 0


@pytest.mark.parametrize(("name", "content"), [("<b>notes.txt", b"hello"), ("a.png", b"broken")])
def test_a_file_that_is_no_row_gets_the_servers_sentence(visit, links, name, content):
    page = visit(links["digits"])
    file = {"name": name, "mimeType": "text/plain", "buffer": content}
    page.page.set_input_files("#file", file)
    page.page.wait_for_selector("#notice:not([hidden])")
    assert page.text("#notice p").startswith(name)
    assert page.text("#notice p").endswith(("found '.txt'", "WEBP or PPM)"))
    assert page.page.locator("#notice b").count() == 0


@pytest.mark.parametrize("where", ["served", "exported"])
def test_evil_texts_stay_texts(visit, links, files, wine, where):
    page = visit({"served": links, "exported": files}[where]["wine"])
    evil = wine.feature_names[0]
    assert evil in [e.strip() for e in page.page.locator(".entry-name").all_inner_texts()]
    page.page.mouse.click(*page.place_of(0))
    page.page.wait_for_selector("#similar button")
    page.select_left_half()
    page.page.wait_for_selector("#selection .preview button")
    assert evil in page.page.locator("#color-scale").inner_text()
    assert page.page.locator("img").count() == 0
    assert page.complaints == []


def test_a_table_shows_values_in_their_own_units(visit, links, wide_scene):
    page = visit(links["wine"])
    spot = page.read((500, 400))
    shown = page.page.locator("#decoded .chart-line")
    assert shown.count() == 8
    names = wide_scene.rows.feature_names
    row = wide_scene.decode_points([spot])[0]
    for line in shown.all():
        name, value = line.locator(".chart-name, .chart-value").all_text_contents()
        told = float(value.replace(",", "").replace("−", "-"))
        assert told == pytest.approx(row[names.index(name)], rel=0.02, abs=0.06)


def test_the_file_reads_backwards_without_a_network(visit, files, map_scene):
    page = visit(files["digits"])
    for place in ((420, 300), (600, 520)):
        spot = page.read(place)
        shown = page.pixels("#decoded canvas")[:, :, 0].astype(float)
        # From a grid and lossy pictures; grey levels of 255.
        assert np.abs(shown - decoded(map_scene, spot)).mean() < 8
    page.page.mouse.click(*page.place_of(7))
    page.page.wait_for_selector("#similar .thumbnails button")
    page.page.wait_for_selector("#row figure canvas")
    page.page.keyboard.press("i")
    page.drag((400, 300), (620, 520))
    page.page.wait_for_selector("#interpolation[data-points]")
    assert page.complaints == []


@pytest.mark.parametrize("which", ["digits", "wine"])
def test_the_file_gives_selected_rows(visit, files, request, tmp_path, which):
    scene = request.getfixturevalue({"digits": "map_scene", "wine": "wide_scene"}[which])
    page = visit(files[which])
    left, right = page.select_left_half()
    inside = rows_between(page, len(scene.rows), left, right)
    lines = page.download(tmp_path)
    assert [int(line["row"]) for line in lines] == inside.tolist()
    assert [line["label"] for line in lines] == [str(scene.rows.labels[i]) for i in inside]
    if which == "wine":
        last = scene.rows.feature_names[-1]
        values = np.array([float(line[last]) for line in lines])
        assert np.allclose(values, scene.rows[inside][:, -1], rtol=1e-3)


def test_the_files_csv_quotes_what_needs_it(visit, tmp_path):
    rng = np.random.default_rng(0)
    names, labels = ['a "quoted", name', " blank"], np.array(['x, "y"', "two\nlines", "plain"])
    rows = rng.normal(size=(60, 2)) * [1, 50]
    source = ArraySource(rows, feature_names=names, labels=labels[rng.integers(0, 3, 60)])
    model = AutoEncoder(2, network="linear", random_state=0).fit(source)
    export_page(Scene(model, source, "odd"), tmp_path / "odd.html")
    page = visit((tmp_path / "odd.html").as_uri())
    left, right = page.select_left_half()
    inside = rows_between(page, 60, left, right)
    lines = page.download(tmp_path)
    assert [line["label"] for line in lines] == source.labels[inside].tolist()
    told = [[float(line[name]) for name in names] for line in lines]
    assert np.allclose(told, rows[inside], rtol=1e-3, atol=0.01)


def test_the_file_keeps_labels_whole_and_a_line_has_one_number(visit, tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.permutation(9_000_000)[:1200]
    source = ArraySource(rng.normal(size=(1200, 3)), labels=labels)
    model = AutoEncoder(1, network="linear", random_state=0).fit(source)
    export_page(Scene(model, source, "line"), tmp_path / "line.html")
    page = visit((tmp_path / "line.html").as_uri())
    page.select_left_half()
    lines = page.download(tmp_path)
    assert len(lines) > 100
    assert all(int(line["label"]) == labels[int(line["row"])] for line in lines)
    assert [name for name in lines[0] if name.startswith("code")] == ["code 1"]


@pytest.mark.parametrize("button", ["#open", "#draw"])
def test_the_file_says_what_it_cannot_do(visit, files, button):
    page = visit(files["digits"])
    page.page.click(button)
    assert "latentmap explore" in page.text("#notice p")


def test_light_and_dark(visit, links):
    page = visit(links["digits"], color_scheme="dark")
    dark = page.page.evaluate(PALE)
    page.page.click("#theme")
    light = page.page.evaluate(PALE)
    assert dark == "rgb(16, 19, 24)"
    assert light == "rgb(251, 251, 252)"
    corner = "document.querySelector('#points').getContext('2d').getImageData(0, 0, 1, 1).data[0]"
    page.page.wait_for_function(f"() => {corner} === 251")


@pytest.mark.parametrize("which", ["digits", "wine"])
def test_a_phone_has_the_map_above_the_panel(visit, links, which):
    page = visit(
        links[which], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    boxes = {name: page.page.locator(name).bounding_box() for name in ("#map", ".panel")}
    assert all(box["width"] == 390 for box in boxes.values())
    assert boxes["#map"]["y"] < boxes[".panel"]["y"]
    page.page.touchscreen.tap(*page.place_of(7))
    page.page.wait_for_selector("#decoded .summary:not([hidden])")
    assert page.page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.complaints == []


def test_the_served_page_loads_the_modules_that_the_file_bundles(browser, links):
    context = browser.new_context()
    page, loaded = context.new_page(), {}

    def remember(response):
        if response.url.endswith(".js"):
            loaded[response.url.rpartition("/")[2]] = response.text()

    page.on("response", remember)
    page.goto(links["digits"])
    page.wait_for_selector("body[data-state=ready]")
    context.close()
    assert loaded == Page().modules
