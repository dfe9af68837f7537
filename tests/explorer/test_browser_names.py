"""Names on the map in a real browser: two levels without overlap, and names of all scripts."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from latentmap import LatentMap
from latentmap.data import ArraySource, add_metadata
from latentmap.explorer import Scene

pytestmark = pytest.mark.browser

# Record the names of a frame, with their boxes: left, top, right, bottom.
DRAWN_NAMES = """async () => {
    const { fillText } = CanvasRenderingContext2D.prototype;
    const names = [];
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
        const size = this.measureText(text);
        const [top, bottom] = [y - size.actualBoundingBoxAscent, y + size.actualBoundingBoxDescent];
        names.push([text, x - size.width / 2, top, x + size.width / 2, bottom]);
        fillText.call(this, text, x, y);
    };
    document.querySelector("#contours").click();
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    document.querySelector("#contours").click();
    CanvasRenderingContext2D.prototype.fillText = fillText;
    return names;
}"""

WORDS = ["graph nodes edges", "colours axes figure", "matrix vector product", "file path reading"]


def overlaps(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def drawn_names(page):
    """Return the names on the map; they do not overlap."""
    names = page.tab.evaluate(DRAWN_NAMES)
    for (_, *a), (_, *b) in itertools.combinations(names, 2):
        assert not overlaps(a, b)
    return [name for name, *_ in names]


@pytest.fixture(scope="module")
def topics():
    """Points of four topics, each with a second word that differs from left to right."""
    rng, n = np.random.default_rng(0), 800
    topic = np.arange(n) % 4
    points = rng.normal(0, 1, (n, 2)) + 12 * np.column_stack([topic % 2, topic // 2])
    side = np.where(points[:, 0] - 12 * (topic % 2) < 0, "sparse", "dense")
    texts = [f"{WORDS[t]} with {s} content" for t, s in zip(topic, side, strict=True)]
    frame = pd.DataFrame({"text": [f"{text} {i:04}" for i, text in enumerate(texts)]})
    frame["size"] = rng.normal(size=n)
    return add_metadata(ArraySource(points, name="topics"), frame)


@pytest.fixture(scope="module")
def topic_pages(topics, start_server, export_link):
    scene = Scene(LatentMap(epochs=3, random_state=0).fit(topics), topics, "topics")
    return {"served": start_server(scene).url, "exported": export_link(scene)}


@pytest.mark.parametrize("kind", ["served", "exported"])
def test_names_of_parts_appear_when_the_map_is_zoomed_in(open_page, topic_pages, kind):
    page = open_page(topic_pages[kind])
    page.tab.select_option("#color-scale", label="size")
    first_words = {word for words in WORDS for word in words.split()}
    areas = page.wait_until(lambda: drawn_names(page))
    assert len(areas) >= 4
    assert all(set(name.split(", ")) <= first_words for name in areas)
    for _ in range(3):
        page.tab.keyboard.press("+")
        page.tab.wait_for_timeout(50)
    assert page.wait_until(lambda: set(drawn_names(page)) - set(areas))
    parts = {name for name in drawn_names(page) if name not in areas}
    assert parts <= {"sparse", "dense"}
    assert page.messages == []


def test_names_are_beside_the_panels(open_page, export_link):
    points = np.repeat([[0.0, 0.0], [10.0, 9.0], [20.0, 0.0]], 40, axis=0)
    points += np.random.default_rng(0).normal(0, 0.3, points.shape)
    names = [f"{side} name of a category of some length" for side in ("first", "second", "third")]
    rows = ArraySource(points, labels=np.repeat(names, 40), name="three")
    scene = Scene(LatentMap(epochs=3, random_state=0).fit(rows), rows, "three")
    page = open_page(export_link(scene))
    page.wait_until(lambda: len(drawn_names(page)) == 3)
    legend = page.tab.locator("#legend").bounding_box()
    toolbar = page.tab.locator("[role=toolbar]").bounding_box()
    for _, left, _, right, _ in page.tab.evaluate(DRAWN_NAMES):
        assert legend["x"] + legend["width"] < left and right < toolbar["x"]


def test_any_name_is_shown_as_text(open_page, export_link):
    names = [
        *(
            "</script><script>window.attacked = 1</script>",
            '<img src=x onerror="window.attacked=1">',
        ),
        *("a\nb", "a\0b", "x" * 10_000, "\x1b[31m\x07\u202e", "\u2028", "__proto__", "constructor"),
        *("toString", "label", "row", "null", " ", "../../x", "${window.attacked = 1}", "\\", '"'),
    ]
    rng, n = np.random.default_rng(0), 90
    values = np.array(names, object)[np.arange(n) % len(names)]
    columns = {name: values if i % 2 else rng.normal(size=n) for i, name in enumerate(names)}
    rows = ArraySource(rng.normal(size=(n, 3)), labels=values, name=names[0])
    rows = add_metadata(rows, pd.DataFrame(columns))
    scene = Scene(LatentMap(epochs=1, random_state=0).fit(rows), rows, names[1])
    page = open_page(export_link(scene))
    options = page.tab.locator("#color-scale option")
    assert {*options.all_inner_texts()} >= {"__proto__", "constructor", "toString", "null"}
    for value in options.evaluate_all("options => options.map(option => option.value)"):
        page.tab.select_option("#color-scale", value=value)
    page.tab.mouse.click(*page.pixel_of_row(5))
    page.tab.wait_for_selector("text=Most similar")
    assert page.messages == []
    assert page.tab.evaluate("window.attacked") is None
    assert page.tab.evaluate("document.body.scrollWidth") <= 1280
