"""The address, saved selections, contours and thumbnails of the page in a real browser."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.browser

SELECTED = "window.latentmap.selectedRows()"


def test_a_link_restores_the_state_of_the_page(open_page, people_page):
    people_page.select_left_half()
    selected = people_page.tab.evaluate(SELECTED)
    people_page.tab.select_option("#color-scale", label="country")
    people_page.tab.locator("#legend .entry", has_text="Spain").wait_for()
    people_page.tab.fill("#search", "again")
    people_page.tab.click("#title")
    people_page.tab.evaluate("window.latentmap.goTo(13)")
    people_page.tab.mouse.move(500, 400)
    people_page.tab.mouse.wheel(0, -300)
    people_page.tab.click("#contours")
    assert people_page.wait_until(
        lambda: all(
            f"{part}=" in people_page.tab.url
            for part in ("view", "color", "search", "row", "selected", "contours")
        )
    )
    pixel = people_page.pixel_of_row(13)
    people_page.tab.wait_for_timeout(400)
    copy = open_page(people_page.tab.url)
    assert copy.tab.evaluate(SELECTED) == selected
    assert copy.tab.locator("#search").input_value() == "again"
    assert copy.row() == 13
    assert np.allclose(copy.pixel_of_row(13), pixel, atol=0.1)
    assert copy.tab.locator("#legend .entry", has_text="Spain").count() == 1
    assert copy.tab.get_attribute("#contours", "aria-pressed") == "true"
    assert copy.messages == []


@pytest.mark.parametrize("links", ["served_links", "files"])
def test_labels_are_shown_after_a_reload_with_other_colours(open_page, request, links):
    page = open_page(request.getfixturevalue(links)["digits"] + "#color=1")
    page.tab.keyboard.press("r")
    label = page.tab.locator("#row-table tbody tr").first.locator("td.category")
    assert page.wait_until(lambda: label.inner_text() == "0")
    assert page.messages == []


def test_a_link_restores_the_filters(open_page, people_page):
    people_page.tab.keyboard.press("f")
    bar = people_page.tab.locator("#filters .bar-line[title=France]")
    bar.click()
    count = people_page.tab.locator("#filters h2 .quiet")
    assert people_page.wait_until(lambda: "of 240" in count.inner_text())
    assert people_page.wait_until(lambda: "filter=" in people_page.tab.url)
    copy = open_page(people_page.tab.url)
    copy.tab.keyboard.press("f")
    expected = count.inner_text()
    assert copy.wait_until(lambda: copy.text("#filters h2 .quiet") == expected)


@pytest.mark.parametrize(
    "state",
    ["view=a,b", "selected=%%%", "selected=____", "color=99&row=-7&filter=99:1-2", "filter=x", "q"],
)
def test_a_broken_link_opens_the_page(open_page, served_links, state):
    page = open_page(f"{served_links['people']}#{state}")
    assert page.text("#title") == "people.csv"
    assert page.messages == []


def test_selections_are_saved_in_the_browser(open_page, served_links):
    page = open_page(served_links["people"])
    page.tab.keyboard.press("s")
    assert page.text("#notice p").startswith("No rows are selected")
    page.tab.keyboard.press("Escape")
    page.select_left_half()
    selected = page.tab.evaluate(SELECTED)
    page.tab.keyboard.press("s")
    name = page.tab.locator("#saved input")
    name.fill("<b>left</b>")
    name.press("Enter")
    page.tab.locator("body").click(position={"x": 4, "y": 4})
    page.tab.goto("about:blank")
    page.tab.goto(served_links["people"])
    page.tab.wait_for_selector("body[data-state=ready]")
    assert page.tab.locator("#saved input").input_value() == "<b>left</b>"
    assert page.tab.evaluate(SELECTED) == []
    page.tab.keyboard.press("n")
    assert page.tab.evaluate(SELECTED) == selected
    page.tab.keyboard.press("Escape")
    page.tab.click("#saved .button")
    assert page.tab.evaluate(SELECTED) == selected
    page.tab.click("#saved .close")
    assert page.tab.locator("#saved").is_hidden()


MASKS = """async rows => {
    const { encodeMask, decodeMask } = await import("/page/address.js");
    const mask = new Uint8Array(240);
    for (const row of rows) mask[row] = 1;
    const decoded = decodeMask(encodeMask(mask));
    return [...decoded.keys()].filter(i => decoded[i]);
}"""


@pytest.mark.parametrize("rows", [[0], [239], [], [0, 1, 2, 130, 200, 239], list(range(240))])
def test_encoded_selections_have_the_same_rows(run_script, rows):
    assert run_script(MASKS, rows) == rows


CONTOURS = """async share => {
    const { contourPaths } = await import("/page/contours.js");
    const { Points } = await import("/page/points.js");
    const buffer = await (await fetch("/data/points")).arrayBuffer();
    const points = new Points(buffer);
    const paths = contourPaths(points);
    return paths.length;
}"""


def test_contours_enclose_the_densest_rows(open_page, served_links):
    page = open_page(served_links["digits"])
    assert page.tab.evaluate(CONTOURS) == 5
    before = page.pixels("#overlay")
    page.tab.keyboard.press("c")
    assert page.wait_until(lambda: (page.pixels("#overlay") != before).mean() > 0.005)
    page.tab.keyboard.press("c")
    assert page.wait_until(lambda: (page.pixels("#overlay") == before).all())


@pytest.mark.parametrize("source", ["served", "exported"])
def test_thumbnails_replace_points_at_high_zoom(
    open_page, served_links, files, source, map_scene, digits
):
    page = open_page({"served": served_links, "exported": files}[source]["digits"])
    row = 7
    page.tab.mouse.move(4, 4)
    for _ in range(12):
        page.tab.evaluate(
            """i => {
                const [left, top] = window.latentmap.toScreen(...window.latentmap.positionOf(i));
                const overlay = document.querySelector("#overlay");
                const frame = overlay.getBoundingClientRect();
                overlay.dispatchEvent(new WheelEvent("wheel", {
                    clientX: frame.x + left, clientY: frame.y + top, deltaY: -240,
                    bubbles: true, cancelable: true }));
            }""",
            row,
        )
    page.tab.mouse.move(300, 700)  # The pointer must leave the row, which has a ring.
    page.tab.mouse.move(4, 4)
    left, top = page.pixel_of_row(row)
    frame = page.tab.locator("#map").bounding_box()
    x, y = left - frame["x"], top - frame["y"]
    expected = map_scene.images.to_display(digits[[row]])[0, :, :, 0].astype(int)

    def shown():
        overlay = page.pixels("#overlay")[..., 0].astype(int)
        # The centres of the 8 × 8 pixels of the image, of which each has a side of 44 / 8 pixels.
        steps = (np.arange(8) - 3.5) * 44 / 8
        return overlay[np.ix_(np.rint(y + steps).astype(int), np.rint(x + steps).astype(int))]

    tolerance = 3 if source == "served" else 40
    assert page.wait_until(lambda: np.abs(shown() - expected).max() <= tolerance)
