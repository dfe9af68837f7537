from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from latentmap import AutoEncoder
from latentmap.data import ArraySource, Table, add_metadata
from latentmap.errors import DataError
from latentmap.explorer import Scene
from latentmap.explorer.json_values import encode_rows
from latentmap.explorer.row_details import count_unknown, describe_row, place_rows


def test_row_details_of_an_image(map_scene, digits):
    description = describe_row(map_scene, 17)
    assert description["number"] == 17
    assert description["label"] == digits.labels[17]
    assert description["original"] == encode_rows(map_scene.original(17))[0]
    assert description["reconstruction"] == encode_rows(map_scene.reconstruction(17))[0]
    assert 0 <= description["confidence"] <= 1
    expected = map_scene.estimator.reconstruction_error(digits.subset([17]))[0]
    assert description["error"] == pytest.approx(expected, rel=1e-3)


def test_row_details_of_a_table_are_in_the_units_of_the_data(wide_scene, wine):
    description = describe_row(wide_scene, 3)
    assert description["original"] == pytest.approx(wine[3].tolist())
    assert description["confidence"] is None
    assert len(description["reconstruction"]) == 13


def test_row_details_of_a_mixed_table_are_in_its_own_columns(mixed_scene, people):
    details = describe_row(mixed_scene, 5)
    original = dict(zip(people.columns, details["original"], strict=True))
    row = people.iloc[5]
    assert details["name"] == original["name"] == row["name"]
    assert original["visits"] == row["visits"]
    assert original["spend"] == row["spend"]
    assert original["member"] == str(row["member"]).lower()
    assert original["note"] == row["note"]
    json.dumps(details, allow_nan=False)


def test_missing_values_of_a_mixed_table_are_null(mixed_scene, people):
    for column in ("age", "country", "joined"):
        j, i = people.columns.get_loc(column), int(np.flatnonzero(people[column].isna())[0])
        assert describe_row(mixed_scene, i)["original"][j] is None
        assert describe_row(mixed_scene, i)["reconstruction"][j] is not None


def test_new_rows_of_a_mixed_table_are_placed(mixed_scene, people):
    new = people.iloc[:3].drop(columns="name").assign(country=["Atlantis", "Spain", None])
    source = Table(new.assign(name="new")[list(people.columns)]).subset([0, 1, 2])
    assert count_unknown(mixed_scene, source) == {"country": 1}
    rows = place_rows(mixed_scene, source)
    assert [row["original"][2] for row in rows] == ["Atlantis", "Spain", None]
    assert rows[0]["original"][0] == "new"
    assert rows[1]["error"] > 0


def test_columns_of_new_rows_are_matched_by_their_names(mixed_scene, people):
    rows = place_rows(mixed_scene, Table(people[:3]))
    shuffled = (
        people[:3].drop(columns="name").assign(other=1)[["note", "other", *people.columns[1:7]]]
    )
    matched = place_rows(mixed_scene, Table(shuffled))
    assert [row["point"] for row in matched] == [row["point"] for row in rows]
    assert [row["original"][1:] for row in matched] == [row["original"][1:] for row in rows]
    assert matched[0]["original"][0] is None


def test_new_rows_without_a_fitted_column_are_refused(mixed_scene, people):
    with pytest.raises(DataError, match="no 'age'"):
        place_rows(mixed_scene, Table(people[:3].drop(columns="age")))


def test_columns_beside_the_numbers_of_new_rows_are_shown():
    rng = np.random.default_rng(0)
    rows = ArraySource(rng.normal(size=(60, 3)), feature_names=["x", "y", "z"])
    frame = pd.DataFrame({"kind": ["red", "white"] * 30, "year": range(60)})
    model = AutoEncoder(2, network="linear", random_state=0).fit(rows)
    scene = Scene(model, add_metadata(rows, frame))
    new = {"year": [1984, 1985], "x": [1.0, 4.0], "y": [2.0, 5.0], "z": [3.0, 6.0]}
    placed = place_rows(scene, Table(pd.DataFrame({**new, "kind": ["red", None]})))
    assert placed[0]["original"] == ["red", 1984.0, 1.0, 2.0, 3.0]
    assert placed[1]["original"][:2] == [None, 1985.0]
    new["year"] = ["old", "new"]  # The page shows numbers in this column.
    assert place_rows(scene, Table(pd.DataFrame(new)))[0]["original"][:2] == [None, None]
