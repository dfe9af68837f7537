from __future__ import annotations

import numpy as np
import pandas as pd

from latentmap.analysis.group_columns import name_row_groups, read_group_columns
from latentmap.data import Table


def test_columns_of_all_kinds_are_read():
    n = 60
    frame = pd.DataFrame(
        {
            "size": np.arange(n),
            "member": [True, None, False] * 20,
            "kind": pd.Categorical(["a", "b"] * 30),
            "title": [f"a text of number {i}" for i in range(n)],
            "标题": [f"今天的足球比赛{i}" for i in range(n)],
            "name": [f"n{i}" for i in range(n)],
        }
    )
    columns, texts = read_group_columns(Table(frame), np.arange(n))
    assert set(columns) == {"size", "member", "kind"}
    assert columns["member"][:3].tolist() == ["true", None, "false"]
    assert [text[0] for text in texts] == ["a text of number 0", "今天的足球比赛0"]


def test_groups_are_named_by_truth_values():
    frame = pd.DataFrame({"member": [True, False] * 30, "x": 1.0})
    assert name_row_groups(Table(frame), np.arange(60) % 2, 2) == ["member yes", "member no"]


def test_groups_are_named_by_dates_and_durations():
    rng, groups = np.random.default_rng(0), np.arange(400) % 2
    days = pd.to_timedelta(300 * groups + rng.integers(0, 200, 400), "D")
    frame = pd.DataFrame(
        {
            "born": pd.Timestamp("2020-01-01", tz="Europe/Berlin") + days,
            "stay": pd.to_timedelta(rng.integers(1, 9, 400) * (1 + groups), "m"),
            "size": rng.normal(size=400),
        }
    )
    frame.loc[:9, "born"] = pd.NaT
    names = name_row_groups(Table(frame), groups, 2)
    assert names == ["born early, stay low", "born late, stay high"]
