"""Small fitted scenes: a map of images, a table (three components), images (one component)."""

from __future__ import annotations

import base64
import csv
import http.client
import json
import os
import shutil
import threading
import time
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest

from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder
from latentmap.data import ArraySource, Table, load_dataset
from latentmap.explorer import Scene, Server, export_page
from latentmap.explorer.page import Page

MALICIOUS_TEXT = "<img src=x onerror=alert(1)>"
BROWSER_IS_REQUIRED = bool(os.environ.get("LATENTMAP_NEED_BROWSER"))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

PIXELS = """selector => {
    const canvas = document.querySelector(selector);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let bytes = "";
    for (let i = 0; i < data.length; i += 32768)
        bytes += String.fromCharCode(...data.subarray(i, i + 32768));
    return [canvas.height, canvas.width, btoa(bytes)];
}"""


@pytest.fixture(scope="session")
def digits():
    """500 digits, 8×8 floats from 0 to 16."""
    return load_dataset("digits").subset(np.arange(500))


@pytest.fixture(scope="session")
def map_scene(digits):
    return Scene(LatentMap(epochs=3, random_state=0).fit(digits), digits, "digits.safetensors")


@pytest.fixture(scope="session")
def wine():
    """A table with HTML in the names of labels and columns."""
    wine = load_dataset("wine")
    names = [MALICIOUS_TEXT, "</script>", *wine.feature_names[2:]]
    labels = np.array([MALICIOUS_TEXT, "b", "c"])[np.unique(wine.labels, return_inverse=True)[1]]
    return ArraySource(wine[:], feature_names=names, labels=labels, name="wine.csv")


@pytest.fixture(scope="session")
def wide_scene(wine):
    model = VariationalAutoEncoder(3, scaling="columns", epochs=3, random_state=0).fit(wine)
    return Scene(model, wine, "wine.safetensors")


@pytest.fixture(scope="session")
def people():
    """A table of three groups with columns of all kinds, and gaps."""
    rng, n = np.random.default_rng(0), 240
    group = rng.integers(0, 3, n)
    days = pd.to_timedelta(400 * group + rng.integers(0, 300, n), "D")
    notes = np.array(["late again and again today", "fast and friendly delivery here", "ok"])
    frame = pd.DataFrame(
        {
            "name": [f"{MALICIOUS_TEXT} {i:03}" for i in range(n)],
            "age": rng.normal(25 + 20 * group, 5).round(),
            "country": np.array(["France", MALICIOUS_TEXT, "Spain"])[group],
            "member": rng.random(n) < 0.2 + 0.3 * group,
            "joined": pd.Timestamp("2020-01-01") + days,
            "visits": rng.poisson(2 + 3 * group),
            "spend": np.exp(rng.normal(2 + group, 0.5)).round(2),
            "note": notes[group],
        }
    )
    for column in ("age", "country", "joined"):
        frame.loc[rng.random(n) < 0.1, column] = None
    return frame


@pytest.fixture(scope="session")
def mixed_scene(people):
    table = Table(people, roles={"note": "text"}, units={"spend": "€"}, name="people.csv")
    return Scene(AutoEncoder(2, epochs=20, random_state=0).fit(table), table, "people")


@pytest.fixture(scope="session")
def line_scene():
    """Colour images of 4×6 bytes and increasing brightness, encoded with one component."""
    rng = np.random.default_rng(0)
    shade = np.linspace(30, 220, 200)[:, None, None, None]
    rows = np.clip(shade + rng.normal(0, 9, (200, 4, 6, 3)), 0, 255).astype(np.uint8)
    source = ArraySource(rows, name="shades")
    return Scene(AutoEncoder(1, network="linear", random_state=0).fit(source), source, "shades")


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """A minimal page: a style sheet and two modules."""
    folder = tmp_path_factory.mktemp("page")
    markers = [f"<!-- {name} -->" for name in ("policy", "style", "data", "script")]
    (folder / "explorer.html").write_text("<!doctype html>" + "\n".join(markers))
    (folder / "explorer.css").write_text("h1 { color: teal }")
    (folder / "one.js").write_text("export const one = 1;\n")
    (folder / "main.js").write_text('import { one } from "./one.js";\nconst two = one + 1;\n')
    return Page(folder)


class Client:
    """A persistent connection to a server."""

    def __init__(self, server):
        self.server, self.address = server, urlsplit(server.url).netloc
        self.connection = http.client.HTTPConnection(self.address, timeout=20)

    def __call__(self, method, target, body=None, **headers):
        all_headers = {"X-Latentmap": "1"} if method == "POST" else {}
        all_headers |= {name.replace("_", "-"): value for name, value in headers.items()}
        all_headers = {name: value for name, value in all_headers.items() if value is not None}
        self.connection.request(method, target, body, all_headers)
        response = self.connection.getresponse()
        response.body = response.read()
        return response

    def json(self, method, target, body=None, status=200):
        response = self(method, target, body)
        assert response.status == status, response.body
        return json.loads(response.body)


@pytest.fixture(scope="session")
def start_server():
    """Serve a scene until the end of the session."""
    servers = []

    def start_server(scene, **options):
        servers.append(Server(scene, **options))
        threading.Thread(target=servers[-1].serve, daemon=True).start()
        return servers[-1]

    yield start_server
    for server in servers:
        server.stop()
        server.close()


@pytest.fixture(scope="session")
def serve(start_server, page):
    """Serve a scene with a minimal page, and connect to it."""
    clients = []

    def serve(scene, **options):
        clients.append(Client(start_server(scene, page=page, **options)))
        return clients[-1]

    yield serve
    for client in clients:
        client.connection.close()


@pytest.fixture(scope="session")
def client(serve, map_scene):
    return serve(map_scene)


def skip_or_fail(program):
    """Skip the test, or fail if LATENTMAP_NEED_BROWSER is set."""
    (pytest.fail if BROWSER_IS_REQUIRED else pytest.skip)(f"{program} is not installed")


@pytest.fixture(scope="session")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        skip_or_fail("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        skip_or_fail("playwright")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def export_link(tmp_path_factory):
    """Export a scene, and return the link to the file."""

    def export_link(scene):
        path = tmp_path_factory.mktemp("exported") / "page.html"
        export_page(scene, path)
        return path.as_uri()

    return export_link


@pytest.fixture(scope="session")
def scenes(map_scene, wide_scene, mixed_scene):
    """A map of images and two tables."""
    return {"digits": map_scene, "wine": wide_scene, "people": mixed_scene}


@pytest.fixture(scope="session")
def served_links(scenes, start_server):
    """Links to the served pages of the scenes."""
    return {name: start_server(scene).url for name, scene in scenes.items()}


@pytest.fixture(scope="session")
def files(scenes, export_link):
    """Links to the exported files of the scenes."""
    return {name: export_link(scene) for name, scene in scenes.items()}


class OpenPage:
    """A page in a browser tab, with the messages of the browser."""

    def __init__(self, browser, link, **options):
        defaults = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"}
        self.context = browser.new_context(**(defaults | options))
        self.tab, self.messages = self.context.new_page(), []
        self.tab.on("console", self.record)
        self.tab.on("pageerror", lambda error: self.messages.append(str(error)))
        self.tab.on("dialog", lambda dialog: self.messages.append(dialog.message))
        if link.startswith("file:"):
            self.context.set_offline(True)
            self.context.route("http*://**", lambda route: route.abort())
        self.tab.goto(link)
        self.tab.wait_for_selector("body[data-state=ready]")
        # The first frame draws the points.
        self.tab.evaluate("() => new Promise(requestAnimationFrame)")

    def record(self, message):
        """Record a message, except advice on reading pixels, which only these tests do."""
        if "willReadFrequently" not in message.text:
            self.messages.append(message.text)

    def pixel_of(self, point):
        """Return the pixel of the window at a point of the map."""
        left, top = self.tab.evaluate("([x, y]) => window.latentmap.toScreen(x, y)", list(point))
        frame = self.tab.locator("#map").bounding_box()
        return frame["x"] + left, frame["y"] + top

    def pixel_of_row(self, i):
        return self.pixel_of(self.tab.evaluate("i => window.latentmap.positionOf(i)", i))

    def decode_at(self, pixel):
        """Move the mouse to a pixel, wait for the decoded row, and return the point it is at."""

        def decoded_point():
            text = self.tab.evaluate("document.body.dataset.decoded ?? ''")
            return np.array(text.split(), float)

        def is_decoded():
            point = decoded_point()
            return point.size and np.abs(np.subtract(self.pixel_of(point), pixel)).max() < 0.51

        self.tab.mouse.move(*pixel)
        assert self.wait_until(is_decoded), f"the row at {pixel} is not decoded"
        return decoded_point()

    def wait_until(self, condition):
        """Wait up to thirty seconds for a condition, and return its last value."""
        end = time.monotonic() + 30
        while not (result := condition()) and time.monotonic() < end:
            self.tab.wait_for_timeout(50)
        return result

    def row(self):
        """Wait until the panel shows a row, and return its index."""
        self.tab.wait_for_selector("#row[data-row]")
        return int(self.tab.get_attribute("#row", "data-row"))

    def drag(self, *pixels):
        self.tab.mouse.move(*pixels[0])
        self.tab.mouse.down()
        for pixel in pixels[1:]:
            self.tab.mouse.move(*pixel, steps=4)
        self.tab.mouse.up()

    def select_left_half(self):
        """Draw a box around the left half of the map, and return its left and right edge."""
        frame = self.tab.locator("#map").bounding_box()
        self.tab.keyboard.press("b")
        left, right = frame["x"] + 4, frame["x"] + frame["width"] / 2
        self.drag((left, frame["y"] + frame["height"] - 4), (right, frame["y"] + 4))
        self.tab.wait_for_selector("#save")
        return left, right

    def download(self, folder):
        with self.tab.expect_download() as download:
            self.tab.click("#save")
        download.value.save_as(folder / "rows.csv")
        with (folder / "rows.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def pixels(self, selector):
        # A list of millions of numbers would take seconds to transfer.
        height, width, text = self.tab.evaluate(PIXELS, selector)
        return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)

    def legend_names(self):
        """Return the full names of the categories of the legend, which shortens long names."""
        titles = self.tab.eval_on_selector_all("#legend .entry", "all => all.map(e => e.title)")
        return [title.split("\nClick")[0].strip() for title in titles]

    def text(self, selector):
        return self.tab.locator(selector).inner_text()


@pytest.fixture
def open_page(browser):
    pages = []

    def open_page(link, **options):
        pages.append(OpenPage(browser, link, **options))
        return pages[-1]

    yield open_page
    for page in pages:
        page.context.close()


@pytest.fixture(params=["served", "exported"])
def people_page(open_page, request):
    """The served page and the exported file of the table of people."""
    fixtures = {"served": "served_links", "exported": "files"}
    return open_page(request.getfixturevalue(fixtures[request.param])["people"])


@pytest.fixture(scope="session")
def run_script(browser, served_links):
    """Run a script in a page that all tests share, and that they do not change."""
    page = OpenPage(browser, served_links["people"])
    yield page.tab.evaluate
    page.context.close()
