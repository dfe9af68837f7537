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
