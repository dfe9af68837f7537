from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest

from latentmap.explorer.row_details import describe_row
from latentmap.explorer.selection_export import write_csv


def read(scene, numbers):
    text = b"".join(write_csv(scene, np.array(numbers))).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_selected_rows_are_in_order_with_all_digits(wide_scene, wine):
    lines = read(wide_scene, [7, 100, 3])
    assert [line["row"] for line in lines] == ["7", "100", "3"]
    assert [line["label"] for line in lines] == wine.labels[[7, 100, 3]].tolist()
    rows = [[float(line[name]) for name in wine.feature_names] for line in lines]
    assert rows == wine[[7, 100, 3]].tolist()
    codes = np.array([[line[f"code {i}"] for i in (1, 2, 3)] for line in lines], np.float32)
    assert codes.tolist() == wide_scene.codes[[7, 100, 3]].tolist()


def test_scores_are_written_and_pixels_are_not(map_scene):
    (line,) = read(map_scene, [5])
    details = describe_row(map_scene, 5)
    assert float(line["confidence"]) == pytest.approx(details["confidence"], rel=1e-3)
    assert float(line["error"]) == pytest.approx(details["error"], rel=1e-3)
    assert {"row", "label", "code 1", "code 2", "confidence", "error"} <= set(line)
    assert not any(name.startswith("c0") for name in line)


def test_many_rows_are_written_in_blocks(map_scene):
    numbers = np.tile(np.arange(500), 9)
    parts = list(write_csv(map_scene, numbers))
    assert len(parts) > 2
    lines = b"".join(parts).decode().splitlines()
    assert [int(line.split(",")[0]) for line in lines[1:]] == numbers.tolist()


def test_rows_of_a_mixed_table_are_written_as_they_are(mixed_scene, people):
    lines = read(mixed_scene, range(40))
    assert list(lines[0])[-8:] == list(people.columns)
    for line, (_, row) in zip(lines, people.iterrows(), strict=False):
        assert line["name"] == row["name"]
        assert line["country"] == ("" if pd.isna(row["country"]) else row["country"])
        assert line["age"] == ("" if pd.isna(row["age"]) else str(int(row["age"])))
        assert line["member"] == str(row["member"]).lower()
        assert float(line["spend"]) == row["spend"]
    days = [line["joined"][:10] for line in lines]
    assert days == people["joined"].dt.strftime("%Y-%m-%d").fillna("")[:40].tolist()
