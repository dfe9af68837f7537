"""Columns of a table for the page."""

from __future__ import annotations

import numpy as np
import pandas as pd

from latentmap.data import Table
from latentmap.explorer.page_columns import describe_columns, describe_unsupported_column
from latentmap.preprocessing.table_encoder import TableEncoder


def test_columns_are_described_in_the_order_of_their_encoded_numbers():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "kind": rng.permutation(["a"] * 50 + ["b"] * 40 + ["c", "d"] * 5),
            "same": 1.0,
            "size": rng.normal(size=100),
            "paid": rng.permutation(["yes", "no"] * 50),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, 100), "D"),
        }
    )
    table = TableEncoder.fit(Table(frame))
    columns = describe_columns(table)
    assert describe_unsupported_column(table) is None
    assert [column["name"] for column in columns] == ["kind", "size", "paid", "day"]
    widths = [len(column.get("shares", [0.0])) for column in columns]
    assert sum(widths) == table.width
    assert columns[3]["kind"] == "date"
    assert columns[0]["levels"] == [["a"], ["b"], ["c"], ["d"]]
    assert columns[2]["levels"] == [["yes"], ["no"]]


def test_the_page_cannot_encode_a_column_of_texts(mixed_scene):
    unsupported = describe_unsupported_column(mixed_scene.estimator.table_)
    assert unsupported == "the page cannot encode the column note, which contains texts"


def test_durations_are_not_dates():
    hours = np.random.default_rng(0).integers(0, 99, 100)
    stay = pd.to_timedelta(hours, "h")
    start = pd.Timestamp("2024-01-01", tz="Europe/Berlin") + stay
    table = TableEncoder.fit(Table(pd.DataFrame({"stay": stay, "start": start})))
    assert [column["kind"] for column in describe_columns(table)] == ["duration", "date"]
