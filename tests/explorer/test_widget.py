"""The explorer as a notebook widget."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from latentmap.errors import DataError, SettingError
from latentmap.explorer.widget import SCRIPT, make_widget

ADDRESS = "http://notebook.test/"
# The part of a model of anywidget that the script uses.
RENDER = """page => {
    window.values = { page, height: 600, selected_points: [] };
    const model = {
        get: name => values[name],
        set: (name, value) => { values[name] = value; },
        save_changes() {},
    };
    window.stop = window.widget.render({ model, el: document.body });
}"""


@pytest.fixture
def widget(map_scene, digits):
    pytest.importorskip("anywidget", reason="the extra notebook is not installed")
    return make_widget(map_scene.estimator, digits, labels=digits.labels)


def test_selected_points_are_row_numbers(widget):
    assert widget.selected.tolist() == []
    widget.selected_points = [4, 7]
    assert widget.selected.tolist() == [4, 7]
    assert widget.get_state()["height"] == 640


def test_row_numbers_are_those_before_sampling(map_scene, digits, monkeypatch):
    pytest.importorskip("anywidget", reason="the extra notebook is not installed")
    monkeypatch.setattr("latentmap.explorer.scene.MAX_ROWS", 40)
    widget = make_widget(map_scene.estimator, digits)
    widget.selected_points = [39]
    assert widget.selected.tolist() == [digits.sample(40).original_index(39)]


def test_labels_and_metadata_are_in_the_page():
    pytest.importorskip("anywidget", reason="the extra notebook is not installed")
    from latentmap import AutoEncoder

    X = np.random.default_rng(0).normal(size=(30, 4))
    estimator = AutoEncoder(2, epochs=1, random_state=0).fit(X)
    metadata = pd.DataFrame({"shelf": ["sea", "kitchen"] * 15})
    widget = estimator.explore(X, labels=["left", "right"] * 15, metadata=metadata, height=300)
    assert '"categories":["kitchen","sea"]' in widget.page
    assert '"categories":["left","right"]' in widget.page
    with pytest.raises(DataError, match=r"expected labels of shape \(30,\), found \(2,\)"):
        estimator.explore(X, labels=["left", "right"])


def test_metadata_beside_a_table_are_an_error_that_names_the_fix():
    pytest.importorskip("anywidget", reason="the extra notebook is not installed")
    from latentmap import AutoEncoder
    from latentmap.data import Table

    frame = pd.DataFrame({"size": np.arange(30.0), "shelf": ["sea", "kitchen"] * 15})
    titles = [f"title {i}" for i in range(30)]
    estimator = AutoEncoder(2, epochs=1, random_state=0).fit(frame)
    with pytest.raises(SettingError, match="metadata: expected a model of rows of numbers"):
        estimator.explore(frame, metadata=pd.DataFrame({"title": titles}))
    table = Table(frame.assign(title=titles), roles={"title": "identifier"})
    page = AutoEncoder(2, epochs=1, random_state=0).fit(table).explore(table).page
    assert '"name":"title"' in page


def test_a_missing_package_is_an_error(map_scene, digits, monkeypatch):
    from latentmap.explorer.widget import _widget_class

    monkeypatch.setitem(sys.modules, "anywidget", None)
    _widget_class.cache_clear()
    with pytest.raises(SettingError, match=r"install latentmap\[notebook\]"):
        make_widget(map_scene.estimator, digits)


@pytest.mark.browser
def test_a_selection_on_the_page_reaches_python(browser, widget):
    tab = browser.new_page(viewport={"width": 1200, "height": 700})
    messages = []
    tab.on("pageerror", lambda error: messages.append(str(error)))
    tab.route(ADDRESS, lambda route: route.fulfill(body="<body></body>", content_type="text/html"))
    tab.goto(ADDRESS)
    tab.evaluate(SCRIPT.read_text().replace("export default", "window.widget ="))
    tab.evaluate(RENDER, widget.page)
    frame = tab.frame_locator("iframe")
    frame.locator("body[data-state=ready]").wait_for()
    box = frame.locator("#map").bounding_box()
    left, top = box["x"] + 2, box["y"] + 2
    right, bottom = left + box["width"] - 4, top + box["height"] - 4
    tab.mouse.click(right, bottom)  # The frame gets the focus.
    tab.keyboard.press("l")
    tab.mouse.move(left, bottom)
    tab.mouse.down()
    for corner in ((right, bottom), (right, top), (left, top), (left, bottom)):
        tab.mouse.move(*corner, steps=4)
    tab.mouse.up()
    tab.wait_for_function("() => window.values.selected_points.length > 0")
    widget.selected_points = tab.evaluate("window.values.selected_points")
    assert widget.selected.tolist() == list(range(500))
    assert messages == []
    tab.close()
