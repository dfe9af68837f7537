"""Differences of a selection and of a neighbourhood in a real browser."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from latentmap.analysis import explain_groups

pytestmark = pytest.mark.browser

DIFFERENCES = """async members => {
    const { findDifferences, GROUP_ROW, OTHER_ROW } = await import("/page/differences.js");
    const { ServerSource } = await import("/page/sources.js");
    const { scene } = await import("/page/scene.js");
    const levels = new Uint8Array(scene.n).fill(OTHER_ROW);
    for (const row of members) levels[row] = GROUP_ROW;
    const differences = await findDifferences(new ServerSource(), levels, 100);
    return differences.map(d => [d.isWord ? "" : d.colors.name, d.value ?? null, d.effect]);
}"""


def test_effect_sizes_are_those_of_the_library(open_page, served_links, people):
    page = open_page(served_links["people"])
    members = np.flatnonzero(people["note"].str.startswith("late"))
    groups = np.isin(np.arange(len(people)), members).astype(int)
    seconds = (people["joined"] - pd.Timestamp("1970-01-01")).dt.total_seconds()
    columns = {
        "age": people["age"],
        "country": people["country"].where(people["country"].notna(), None),
        "member": people["member"].astype(str).str.lower(),
        "joined": seconds,
        "visits": people["visits"],
        "spend": people["spend"],
    }
    (_, expected) = explain_groups(groups, columns, [people["note"].tolist()], 1000)
    effects = {(item.column, item.value): item.effect for item in expected}
    differences = page.tab.evaluate(DIFFERENCES, members.tolist())
    # Scores that another page has computed are compared, too.
    assert {name for name, *_ in differences} >= {*columns, ""}
    for name, value, effect in differences:
        if name in {*columns, ""}:
            assert effect == pytest.approx(effects[name, value], abs=0.01)
    sizes = [abs(effect) for *_, effect in differences]
    assert sizes == sorted(sizes, reverse=True)


def lines(page, section):
    page.tab.wait_for_selector(f"{section} .difference:not(.head)")
    texts = page.tab.locator(f"{section} .difference:not(.head)").all_inner_texts()
    return [text.split("\n") for text in texts]


def test_a_selection_shows_what_distinguishes_it(people_page, people):
    people_page.tab.fill("#search", "france")
    people_page.tab.click("#results .button")
    shown = {
        name: (member, other, effect)
        for name, member, other, effect in lines(people_page, "#selection")
    }
    is_french = people["country"] == "France"
    share, others = shown["country: France"][:2]
    assert (share, others) == ("100 %", "0 %")
    member, other, effect = shown["age"]
    assert float(member) == pytest.approx(people["age"][is_french].mean(), abs=1)
    assert float(other) == pytest.approx(people["age"][~is_french].mean(), abs=1)
    assert effect.startswith("−")
    assert people_page.messages == []


def test_the_neighborhood_of_a_point_shows_what_distinguishes_it(people_page, people):
    row = int(np.flatnonzero(people["country"] == "Spain")[0])
    people_page.tab.mouse.click(*people_page.pixel_of_row(row))
    shown = lines(people_page, "#neighborhood")
    assert people_page.text("#neighborhood h2") == "Nearest 12 rows on the map"
    assert "country: Spain" in [name for name, *_ in shown]
    people_page.tab.keyboard.press("Escape")
    assert people_page.tab.locator("#neighborhood").is_hidden()
    # A position without a row has a neighbourhood too.
    frame = people_page.tab.locator("#map").bounding_box()
    people_page.tab.mouse.click(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] - 5)
    people_page.tab.wait_for_selector("#neighborhood:not([hidden])")
    assert people_page.tab.get_attribute("#row", "data-row") is None
    people_page.tab.click("#neighborhood .close")
    assert people_page.tab.locator("#neighborhood").is_hidden()
    people_page.tab.mouse.move(4, 4)
    people_page.tab.locator("#map").focus()  # Enter would press a button that has the focus.
    people_page.tab.keyboard.press("ArrowUp")
    people_page.tab.keyboard.press("Enter")
    people_page.tab.wait_for_selector("#neighborhood:not([hidden])")


def test_rows_without_columns_have_labels_to_compare(open_page, files):
    page = open_page(files["digits"])
    page.tab.mouse.click(*page.pixel_of_row(3))
    names = [name for name, *_ in lines(page, "#neighborhood")]
    assert any(name.startswith("label: ") for name in names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Maps of 70 digits", ["the", "maps", "of", "digits"]),
        ("今天的足球比赛非常精彩", ["今天", "足球", "比赛", "非常", "精彩"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
    ],
)
def test_texts_are_split_into_words(run_script, text, expected):
    script = "async text => (await import('/page/text_words.js')).splitWords(text)"
    assert run_script(script, text) == expected
