"""Columns beside images in a real browser: the metadata of photos."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from latentmap import AutoEncoder
from latentmap.data import ArraySource, Table
from latentmap.explorer import Scene

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def metadata():
    rng, n = np.random.default_rng(0), 120
    return pd.DataFrame(
        {
            "camera": np.array(["Alpha", "Beta"])[np.arange(n) % 2],
            "taken": pd.Timestamp("2024-01-01") + pd.to_timedelta(3 * np.arange(n), "D"),
            "ISO": rng.choice([100, 200, 400, np.nan], n),
            "note": [f"picture of day number {i}" for i in range(n)],
        }
    )


@pytest.fixture(scope="module")
def photo_pages(metadata, start_server, export_link):
    rng, n = np.random.default_rng(0), len(metadata)
    shade = np.where(metadata["camera"] == "Alpha", 60, 180)[:, None, None, None]
    pixels = np.clip(shade + rng.normal(0, 20, (n, 6, 8, 3)), 0, 255).astype(np.uint8)
    rows = ArraySource(pixels, name="photos")
    rows.metadata = Table(metadata)
    scene = Scene(AutoEncoder(2, network="linear", random_state=0).fit(rows), rows, "photos")
    return {"served": start_server(scene).url, "exported": export_link(scene)}


@pytest.fixture(params=["served", "exported"])
def photo_page(open_page, photo_pages, request):
    return open_page(photo_pages[request.param])


def test_metadata_is_shown_with_a_photo_and_in_the_table(photo_page, metadata):
    row = int(np.flatnonzero(metadata["ISO"].notna())[0])
    photo_page.tab.evaluate("i => window.latentmap.goTo(i)", row)
    assert photo_page.row() == row
    facts = photo_page.text("#row .facts").split("\n")
    values = dict(zip(facts[::2], facts[1::2], strict=True))
    assert values["camera"] == metadata["camera"][row]
    assert values["taken"] == str(metadata["taken"][row].date())
    assert values["ISO"] == f"{metadata['ISO'][row]:.0f}"
    photo_page.tab.keyboard.press("r")
    line = photo_page.tab.locator("#row-table tbody tr").first
    line.wait_for()
    first = int(line.get_attribute("data-row"))
    assert metadata["note"][first] in line.inner_text()
    assert line.locator("canvas").count() == 1
    assert photo_page.messages == []


def test_photos_can_be_filtered_searched_and_explained(photo_page, metadata):
    photo_page.tab.keyboard.press("f")
    photo_page.tab.click("#filters .bar-line[title=Alpha]")
    count = photo_page.tab.locator("#filters h2 .quiet")
    assert photo_page.wait_until(lambda: count.inner_text() == "60 of 120 rows")
    photo_page.tab.click("#clear-filters")
    photo_page.tab.fill("#search", "alpha")
    photo_page.tab.click("#results .button")
    assert photo_page.text("#selection h2") == "60 rows selected"
    photo_page.tab.wait_for_selector("#selection .difference:not(.head)")
    assert "camera: Alpha" in photo_page.text("#selection .differences")
    assert photo_page.messages == []


def test_the_csv_contains_the_metadata(photo_page, metadata, tmp_path):
    photo_page.tab.fill("#search", "alpha")
    photo_page.tab.click("#results .button")
    lines = photo_page.download(tmp_path)
    assert [line["note"] for line in lines] == metadata["note"][::2].tolist()
