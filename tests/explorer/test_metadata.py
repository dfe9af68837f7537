"""Metadata beside vectors on the page."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from latentmap import AutoEncoder
from latentmap.data import SparseSource, add_metadata, as_source
from latentmap.explorer import Scene, export_page
from latentmap.explorer.page_data import describe_scene
from latentmap.explorer.row_details import describe_row, place_rows
from latentmap.explorer.selection_export import write_csv

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(60, 5)).astype(np.float32)
ARTICLES = pd.DataFrame(
    {
        "title": [f"Article {i} <b>" for i in range(60)],
        "year": np.arange(60) % 7 + 2000,
        "topic": ["sea", None, "sky"] * 20,
        "day": pd.date_range("2024-01-01", periods=60),
    }
)


@pytest.fixture(scope="module")
def scene():
    estimator = AutoEncoder(2, epochs=1, random_state=0).fit(VECTORS)
    return Scene(estimator, add_metadata(VECTORS, ARTICLES, label="topic"))


def test_metadata_are_the_columns_of_the_page(scene):
    columns = describe_scene(scene)["row"]["columns"]
    assert [(c["name"], c["kind"], c["is_fitted"]) for c in columns] == [
        ("title", "text", False),
        ("year", "number", False),
        ("day", "date", False),
    ]


def test_metadata_colour_points(scene):
    scales = {scale.name: scale for scale in scene.color_scales}
    assert {"label", "year", "day"} <= scales.keys()
    years = scales["year"].compute()
    assert (years.low, years.high) == (2000, 2006)
    assert scales["label"].compute().categories == ["sea", "sky"]


def test_a_row_has_its_metadata_as_values_and_its_title_as_name(scene):
    details = describe_row(scene, 9)
    assert details["name"] == "Article 9 <b>"
    assert details["original"][:2] == ["Article 9 <b>", 2002.0]
    assert details["reconstruction"] == [None, None, None]


def test_placed_rows_have_no_metadata(scene):
    (row,) = place_rows(scene, as_source(VECTORS[:1]))
    assert row["original"] == [None, None, None]
    assert row["point"] == pytest.approx(scene.plane.to_points(scene.codes[:1])[0], abs=1e-5)


def test_selected_rows_are_saved_with_their_metadata(scene):
    lines = b"".join(write_csv(scene, np.array([4, 1]))).decode().splitlines()
    assert lines[0].startswith("row,label,title,year,day,")
    assert lines[1].startswith("4,,Article 4 <b>,2004,2024-01-05,")
    assert lines[2].startswith("1,,Article 1 <b>,2001,2024-01-02,")


def test_an_exported_page_holds_metadata(scene, tmp_path):
    export_page(scene, tmp_path / "page.html")
    assert "Article 59 \\u003cb>" not in (tmp_path / "page.html").read_text()
    assert '"name":"year"' in (tmp_path / "page.html").read_text()


def test_named_columns_are_shown_beside_metadata_of_the_same_name():
    from scipy.sparse import csr_array

    rows = SparseSource(csr_array(np.abs(VECTORS)), feature_names=["a", "year", "b", "c", "d"])
    estimator = AutoEncoder(2, epochs=1, random_state=0).fit(rows)
    table = Scene(estimator, add_metadata(rows, ARTICLES[["year"]])).table
    assert table.names == ["year", "a", "year (fitted)", "b", "c", "d"]
    np.testing.assert_allclose(table.column_values(2), np.abs(VECTORS[:, 1]))
