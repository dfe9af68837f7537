"""Search, filters, the table of rows, and shortcuts of the page in a real browser."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from latentmap import AutoEncoder, LatentMap
from latentmap.data import ArraySource, add_metadata
from latentmap.explorer import Scene

pytestmark = pytest.mark.browser


def search(page, query):
    """Search, and return the numbers of the rows that the page lists in its table."""
    page.tab.fill("#search", query)
    page.tab.wait_for_selector("#results:not([hidden])")
    page.tab.wait_for_timeout(100)
    return {
        int(text.removeprefix("row ").replace(",", ""))
        for text in page.tab.locator("#results .quiet").all_inner_texts()
    }


def first_ten(condition):
    return set(np.flatnonzero(condition)[:10].tolist())


def test_the_search_covers_texts_categories_numbers_and_dates(people_page, people):
    is_french = people["country"] == "France"
    assert search(people_page, "FRÀNCE") == first_ten(is_french)
    is_late = people["note"].str.contains("again") & is_french
    assert search(people_page, "again france") == first_ten(is_late)
    assert search(people_page, '"friendly delivery"') == first_ten(
        people["note"].str.contains("friendly delivery")
    )
    spend = people["spend"].iloc[17]
    assert 17 in search(people_page, f"{spend}")
    month = people["joined"].dt.strftime("%Y-%m") == "2021-03"
    assert search(people_page, "2021-03 true") == first_ten(month & people["member"])
    assert people_page.messages == []


@pytest.fixture(scope="module")
def articles_file(export_link):
    """Link to the exported file of vectors with columns beside them, which are not fitted."""
    rng, n = np.random.default_rng(0), 60
    texts = [f"{'🧪 padding ' * (i % 9)}about Zürich, number {i}" for i in range(n)]
    topics = np.array(["red", "blue"])[np.arange(n) % 2]
    frame = pd.DataFrame({"text": texts, "price": 10.0 ** (np.arange(n) % 7), "topic": topics})
    rows = add_metadata(rng.normal(size=(n, 6)), frame, label="topic")
    return export_link(Scene(LatentMap(epochs=1, random_state=0).fit(rows), rows, "articles"))


def test_the_results_show_and_mark_the_words_of_the_search(open_page, articles_file):
    page = open_page(articles_file)
    page.tab.fill("#search", "zurich")
    results = page.tab.locator("#results .result")
    assert page.wait_until(lambda: results.count() == 10)
    marks = page.tab.locator("#results mark")
    assert marks.all_inner_texts() == ["Zürich"] * 10
    assert "\ufffd" not in page.text("#results")
    for i in range(10):
        result, mark = results.nth(i).bounding_box(), marks.nth(i).bounding_box()
        assert mark["x"] + mark["width"] <= result["x"] + result["width"]


def test_the_file_contains_small_numbers_of_skewed_columns(open_page, articles_file, tmp_path):
    page = open_page(articles_file)
    page.select_left_half()
    rows = page.download(tmp_path)
    assert {float(row["price"]) for row in rows} <= {10.0**k for k in range(7)}
    assert len(rows) > 5 and page.messages == []


def test_columns_that_are_not_fitted_leave_no_empty_parts(open_page, articles_file):
    page = open_page(articles_file)
    assert page.text("#decoded h2") == "Density at the pointer"
    assert page.tab.locator("button[data-tool=interpolate]").is_hidden()
    page.tab.evaluate("window.latentmap.goTo(5)")
    assert page.row() == 5
    assert "Zürich, number 5" in page.text("#row")
    assert "decoded" not in page.text("#row")
    page.tab.keyboard.press("i")
    assert page.tab.get_attribute("button[data-tool=move]", "aria-pressed") == "true"
    assert page.messages == []


def test_the_map_marks_the_rows_that_the_search_finds(open_page, served_links):
    page = open_page(served_links["people"])
    page.tab.mouse.move(4, 4)
    row = 13
    left, top = (round(x) for x in page.pixel_of_row(row))
    frame = page.tab.locator("#map").bounding_box()
    ring = (left - round(frame["x"]), top - round(frame["y"]))

    def darkest():
        pixels = page.pixels("#points")[ring[1] - 8 : ring[1] + 9, ring[0] - 8 : ring[0] + 9]
        return pixels[..., :3].sum(axis=-1).min()

    before = darkest()
    search(page, '"013"')
    assert page.wait_until(lambda: darkest() < before)


def test_the_found_rows_can_be_selected_and_zoomed_to(people_page, people):
    search(people_page, "france")
    people_page.tab.click("#results .button")
    count = int((people["country"] == "France").sum())
    assert people_page.text("#selection h2") == f"{count} rows selected"
    before = people_page.pixel_of_row(0)
    people_page.tab.keyboard.press("z")
    assert people_page.wait_until(lambda: people_page.pixel_of_row(0) != before)


def test_the_tooltip_shows_the_text_of_the_row(people_page, people):
    i = int(np.flatnonzero(people.notna().all(axis=1))[3])
    people_page.tab.mouse.move(*people_page.pixel_of_row(i))
    people_page.tab.wait_for_selector("#tooltip:not([hidden])")
    row = int(people_page.tab.get_attribute("#tooltip", "data-row"))
    text = people_page.text("#tooltip")
    assert people["name"][row] in text
    assert people["note"][row] in text
    people_page.tab.mouse.move(4, 4)
    assert people_page.tab.locator("#tooltip").is_hidden()


def open_filters(page, title):
    """Open the filters, and return the block with this title."""
    if page.tab.locator("#filters").is_hidden():
        page.tab.keyboard.press("f")
    heading = page.tab.locator(f"#filters .filter:has(h3:text-is('{title}'))")
    # The charts of later columns have been added, so the layout does not change any more.
    page.tab.locator(
        "#filters .filter:last-child .bar-line, #filters .filter:last-child canvas"
    ).first.wait_for()
    heading.scroll_into_view_if_needed()
    return heading


def brush(page, block, start, end):
    box = block.locator("canvas").bounding_box()
    y = box["y"] + box["height"] / 2
    page.drag((box["x"] + start * box["width"], y), (box["x"] + end * box["width"], y))


def test_a_brushed_range_filters_the_map_the_charts_and_the_table(people_page, people):
    block = open_filters(people_page, "visits")
    brush(people_page, block, 0.5, 0.999)
    people_page.tab.wait_for_selector("#clear-filters:not([hidden])")
    low, high = (int(text) for text in block.locator(".ends span").all_inner_texts())
    passing = people[people["visits"] >= low]
    assert high == people["visits"].max()
    assert 5 < len(passing) < 200
    assert people_page.text("#filters h2 .quiet") == f"{len(passing)} of 240 rows"
    country = open_filters(people_page, "country")
    lines = country.locator(".bar-line")
    counts = {
        line.get_attribute("title"): line.inner_text().split("\n")[-1] for line in lines.all()
    }
    expected = passing["country"].fillna("(missing)").value_counts()
    assert {name: int(count) for name, count in counts.items() if int(count)} == expected.to_dict()
    country.locator(".bar-line", has_text="France").click()
    both = passing[passing["country"] == "France"]
    people_page.tab.keyboard.press("r")
    assert people_page.wait_until(
        lambda: people_page.text("#row-table .count").split()[0] == str(len(both))
    )
    people_page.tab.click("#clear-filters")
    assert people_page.wait_until(lambda: people_page.text("#row-table .count") == "240 rows")
    assert people_page.messages == []


def test_a_brushed_range_of_dates_has_whole_months(people_page, people):
    block = open_filters(people_page, "joined")
    brush(people_page, block, 0.3, 0.6)
    people_page.tab.wait_for_selector("#clear-filters:not([hidden])")
    low, high = (pd.Timestamp(text) for text in block.locator(".ends span").all_inner_texts())
    assert low.is_month_start
    assert (high + pd.Timedelta(days=1)).is_month_start
    joined = people["joined"].dropna()
    share = (joined.max() - joined.min()) / (high - low)
    assert 2 < share < 5
    expected = people["joined"].between(low, high).sum()
    count = people_page.tab.locator("#filters h2 .quiet")
    assert people_page.wait_until(lambda: count.inner_text() == f"{expected} of 240 rows")
    assert people_page.messages == []


EDGES = """async ([low, high]) => {
    const { createBins } = await import("/page/bins.js");
    const { columns } = await import("/page/scene.js");
    const column = columns.findIndex(c => c.kind === "date");
    columns[column].format = "datetime";
    const values = Uint16Array.from({ length: 1000 }, (_, i) => Math.round(i * 65534 / 999));
    const { edges } = createBins({ name: "time", column, low, high, values });
    return edges.map(edge => low + edge / 65534 * (high - low));
}"""


@pytest.mark.parametrize(
    ("start", "end", "frequency"),
    [
        ("2021-03-04 10:00", "2021-03-04 10:40", "min"),
        ("2021-03-04", "2021-03-05 18:00", "h"),
        ("2021-03-04", "2021-04-20", "D"),
        ("2021-03-04", "2022-02-20", "W-MON"),
        ("2018-05-04", "2022-02-20", "MS"),
        ("2008-05-04", "2020-02-20", "QS"),
        ("1970-05-04", "2020-02-20", "YS"),
    ],
)
def test_bins_of_dates_start_with_units_of_the_calendar(run_script, start, end, frequency):
    first, last = pd.Timestamp(start), pd.Timestamp(end)
    edges = run_script(EDGES, [first.timestamp(), last.timestamp()])
    expected = [time.timestamp() for time in pd.date_range(first, last, freq=frequency)]
    tolerance = (last - first).total_seconds() / 65534
    inner = [edge for edge in edges if first.timestamp() < edge <= last.timestamp()]
    assert np.allclose(inner[-len(expected) :], expected[-len(inner) :], rtol=0, atol=tolerance)
    assert len(edges) <= 63
    assert edges[0] <= first.timestamp() + tolerance
    assert edges[-1] >= last.timestamp() - tolerance


def test_the_keyboard_chooses_a_range(open_page, served_links):
    page = open_page(served_links["people"])
    block = open_filters(page, "age")
    block.locator("canvas").focus()
    initial = block.locator(".ends").inner_text()
    page.tab.keyboard.press("ArrowRight")
    assert page.wait_until(lambda: "of 240 rows" in page.text("#filters h2 .quiet"))
    chosen = block.locator(".ends").inner_text()
    assert chosen != initial
    page.tab.keyboard.press("Delete")
    assert page.wait_until(lambda: block.locator(".ends").inner_text() == initial)


def table_rows(page):
    script = "rows => rows.map(row => Number(row.dataset.row))"
    return page.tab.eval_on_selector_all("#row-table tbody tr", script)


def test_the_table_lists_selected_rows_in_the_order_of_a_column(people_page, people):
    people_page.tab.keyboard.press("r")
    people_page.tab.wait_for_selector("#row-table tbody tr")
    people_page.select_left_half()
    people_page.tab.wait_for_function(
        "() => document.querySelector('[data-rows=selected]').ariaPressed === 'true'"
    )
    selected = people_page.tab.evaluate("window.latentmap.selectedRows()")
    assert people_page.wait_until(lambda: table_rows(people_page) == selected[:50])
    people_page.tab.click("#row-table th:has-text('spend') button")
    expected = people["spend"].iloc[selected].sort_values().to_numpy()[:50]

    def is_sorted():
        spend = people["spend"].iloc[table_rows(people_page)].to_numpy()
        return spend.shape == expected.shape and np.allclose(spend, expected, rtol=1e-3)

    assert people_page.wait_until(is_sorted)  # The table is empty while rows are loaded.
    cells = people_page.tab.locator("#row-table tbody tr").first.locator("td").all_inner_texts()
    row = people.iloc[table_rows(people_page)[0]]
    assert cells[1] == row["name"]
    assert cells[-1] == row["note"]
    assert people_page.tab.locator("#row-table img").count() == 0


def test_the_table_adds_rows_while_it_scrolls(open_page, served_links):
    page = open_page(served_links["digits"])
    page.tab.keyboard.press("r")
    page.tab.wait_for_selector("#row-table tbody canvas")
    assert page.wait_until(lambda: len(table_rows(page)) == 50)

    def scroll():
        # The table begins anew when the map has adapted to its smaller height.
        page.tab.evaluate("document.querySelector('.scroller').scrollTop = 1e6")
        page.tab.wait_for_timeout(100)
        return len(table_rows(page))

    assert page.wait_until(lambda: scroll() >= 100)


def test_a_picked_row_shows_its_whole_text(open_page, export_link):
    long_text = "A long sentence about nothing in particular. " * 40
    words = ["red apples", "blue rivers", "green hills"]
    frame = pd.DataFrame(
        {"text": [f"{words[i % 3]} number{i} {long_text}" for i in range(60)], "x": np.arange(60.0)}
    )
    frame["y"] = frame["x"] % 7
    model = AutoEncoder(2, network="linear", random_state=0).fit(frame)
    page = open_page(export_link(Scene(model, frame, "texts")))
    page.tab.keyboard.press("r")
    page.tab.wait_for_selector("#row-table tbody tr")
    cell = page.tab.locator("#row-table tbody tr").first.locator("td.text div")
    assert page.wait_until(lambda: cell.evaluate("e => e.scrollHeight > e.clientHeight + 20"))
    cell.click()
    page.tab.wait_for_selector("#row-table tr.picked")
    assert cell.evaluate("e => e.scrollHeight <= e.clientHeight + 1")
    assert cell.inner_text().count("particular") == 40


def test_the_shortcuts_are_listed_and_work(open_page, served_links):
    page = open_page(served_links["digits"])
    page.tab.keyboard.press("?")
    keys = page.tab.locator("#shortcut-list kbd").all_inner_texts()
    assert {"/", "F", "R", "Z", "M", "L", "B", "I", "0", "T", "O", "D", "Esc", "?"} <= set(keys)
    assert len(keys) == len(set(keys))
    page.tab.keyboard.press("Escape")
    assert page.tab.locator("#shortcuts").is_hidden()
    scale = page.tab.locator("#color-scale")
    page.tab.keyboard.press("]")
    assert scale.input_value() == "1"
    page.tab.keyboard.press("[")
    assert scale.input_value() == "0"


NAMES = ["", "数据可视化", "مرحبا بالعالم", "👩‍👩‍👧‍👦🧪" * 20, "a long name " * 20, "<b>bold</b>"]


@pytest.fixture(scope="module")
def names_file(export_link):
    """Link to the exported file of rows with 100 labels, among them unusual names."""
    rng = np.random.default_rng(0)
    labels = np.array(
        [*NAMES[1:], *(f"a category with a long name, {i}" for i in range(95))], object
    )
    classes = np.repeat(np.arange(100), 6)
    rows = rng.normal(0, 9, (100, 3))[classes] + rng.normal(size=(600, 3))
    source = ArraySource(rows, feature_names=["x", "", "长度"], labels=labels[classes])
    model = AutoEncoder(2, network="linear", scaling="columns", random_state=0).fit(source)
    return export_link(Scene(model, source, "names"))


def test_a_hundred_unusual_names_are_shown(open_page, names_file):
    page = open_page(names_file)
    shown = page.tab.locator("#legend .entry-name").all_text_contents()
    assert len(set(shown)) == 100
    assert {"数据可视化", "مرحبا بالعالم", "<b>bold</b>"} <= set(shown)
    assert any(name.startswith("a cat") and name.endswith(", 94") and "…" in name for name in shown)
    is_cut = "all => all.some(e => e.scrollWidth > e.clientWidth)"
    assert not page.tab.eval_on_selector_all("#legend .entry-name", is_cut)
    assert {name.strip() for name in NAMES[1:]} <= set(page.legend_names())
    colors = page.tab.eval_on_selector_all(
        "#legend .swatch", "all => all.map(e => getComputedStyle(e).backgroundColor)"
    )
    assert len(set(colors)) == 100
    assert page.tab.locator("#legend").bounding_box()["width"] < 220
    assert search(page, "数据") == set(range(6))
    assert page.tab.evaluate("document.documentElement.scrollWidth") == 1280
    assert page.tab.locator("b").count() == 0
    assert page.messages == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("short", "short"),
        ("👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦…"),
        ("abcdefgh", "abcd…"),
    ],
)
def test_texts_are_cut_between_characters(run_script, text, expected):
    script = "async text => (await import('/page/format.js')).shorten(text, 5)"
    assert run_script(script, text) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Spain", "Spain"),
        ("abcdefgh", "ab…gh"),
        ("👩‍👩‍👧‍👦" * 9, "👩‍👩‍👧‍👦👩‍👩‍👧‍👦…👩‍👩‍👧‍👦👩‍👩‍👧‍👦"),
    ],
)
def test_names_are_cut_in_the_middle(run_script, name, expected):
    script = "async name => (await import('/page/format.js')).shortenName(name, 5)"
    assert run_script(script, name) == expected


def test_an_empty_category_has_a_name(run_script):
    script = "async text => (await import('/page/format.js')).categoryTitle(text)"
    assert run_script(script, " ") == "(empty)"


RANKS = """async numbers => {
    const { numberRanks } = await import("/page/palette.js");
    const low = Math.min(...numbers), high = Math.max(...numbers);
    const values = Uint16Array.from(numbers, x => Math.round((x - low) / (high - low) * 65534));
    const { ranks, isSkewed } = numberRanks({ values });
    return [isSkewed, Array.from(values, value => ranks[value])];
}"""


def test_colours_of_skewed_numbers_are_ranks(run_script):
    rng = np.random.default_rng(0)
    skewed = np.sort(np.exp(2 * rng.normal(size=2000)))
    is_skewed, positions = run_script(RANKS, skewed.tolist())
    assert is_skewed
    # The smallest numbers share a quantised value.
    assert np.abs(np.array(positions) - np.arange(2000) / 2000).max() < 0.12
    symmetric = np.sort(rng.normal(size=2000))
    is_skewed, positions = run_script(RANKS, symmetric.tolist())
    assert not is_skewed
    expected = (symmetric - symmetric[0]) / np.ptp(symmetric)
    assert np.abs(np.array(positions) - expected).max() < 1e-4


def test_clusters_have_other_colours_than_labels(open_page, served_links):
    page = open_page(served_links["digits"])
    colors = "all => all.map(e => getComputedStyle(e).backgroundColor)"
    labels = page.tab.eval_on_selector_all("#legend .swatch", colors)
    page.tab.select_option("#color-scale", label="cluster")
    title = page.tab.locator("#legend .entry-name").first
    assert page.wait_until(
        lambda: (
            page.tab.locator("#legend .entry").count() not in (0, 10) or title.inner_text() != "0"
        )
    )
    clusters = page.tab.eval_on_selector_all("#legend .swatch", colors)
    assert not set(labels[:10]) & set(clusters[:10])
