"""Columns of a table for the page."""

from __future__ import annotations

import numpy as np
import pandas as pd

from latentmap.data import Table
from latentmap.explorer.page_columns import describe_columns, find_column_obstacle
from latentmap.preprocessing.table_encoder import TableEncoder


def test_columns_are_described_in_the_order_of_their_encoded_numbers():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "kind": rng.permutation(["a"] * 50 + ["b"] * 40 + ["c", "d"] * 5),
            "same": 1.0,
            "size": rng.normal(size=100),
            "paid": rng.permutation(["yes", "no"] * 50),
        }
    )
    table = TableEncoder.fit(Table(frame))
    columns = describe_columns(table)
    assert find_column_obstacle(table) is None
    assert [column["name"] for column in columns] == ["kind", "size", "paid"]
    widths = [len(column.get("shares", [0.0])) for column in columns]
    assert sum(widths) == table.width
    assert columns[0]["levels"] == [["a"], ["b"], ["c"], ["d"]]
    assert columns[2]["levels"] == [["yes"], ["no"]]


def test_a_column_of_dates_is_an_obstacle(mixed_scene):
    obstacle = find_column_obstacle(mixed_scene.estimator.table_)
    assert obstacle == "the page cannot encode the column joined, which contains dates"
