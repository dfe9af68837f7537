"""Random tables have the same encoding from each kind of file, and decode to possible rows."""

import datetime

import numpy as np
import pandas as pd
import pytest

from latentmap.data import Table, open_data
from latentmap.preprocessing.table_encoder import TableEncoder

COLUMNS = {
    "whole": lambda rng, n: rng.integers(-50, 50, n),
    "count": lambda rng, n: rng.poisson(3, n),
    "amount": lambda rng, n: np.exp(2 * rng.normal(size=n)).round(2),
    "large": lambda rng, n: rng.normal(1e9, 1e3, n).round(2),
    "tiny": lambda rng, n: 1e-9 * rng.normal(size=n),
    "true": lambda rng, n: rng.random(n) < 0.4,
    "answer": lambda rng, n: rng.choice(["yes", "no"], n),
    "kind": lambda rng, n: rng.choice(["a", "c d", "x,y", 'q"z'], n),
    "code": lambda rng, n: np.array([f"{i:03d}" for i in rng.integers(0, 12, n)]),
    "share": lambda rng, n: np.array([f"{i} %" for i in rng.integers(0, 101, n)]),
    "day": lambda rng, n: (
        pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D")
    ),
    "time": lambda rng, n: np.array([datetime.time(h, 30) for h in rng.integers(0, 24, n)], object),
    "took": lambda rng, n: pd.to_timedelta(rng.integers(0, 10**6, n), "s"),
}


@pytest.fixture(params=range(12))
def rng(request):
    return np.random.default_rng(request.param)


@pytest.fixture
def frame(rng):
    """Return two to seven columns; some of them have missing values."""
    n = rng.integers(30, 80)
    columns = {}
    for name in rng.choice([*COLUMNS], rng.integers(2, 8), replace=False):
        column = pd.Series(COLUMNS[name](rng, n))
        has_gaps = rng.random() < 0.4
        columns[name] = column.astype(object).mask(rng.random(n) < 0.15) if has_gaps else column
    return pd.DataFrame(columns).infer_objects()


def test_files_and_data_frames_have_the_same_encoding(frame, tmp_path):
    frame.to_csv(tmp_path / "rows.csv", index=False)
    frame.to_parquet(tmp_path / "rows.parquet", index=False)
    table = Table(frame)
    encoder = TableEncoder.fit(table)
    for file in ("rows.csv", "rows.parquet"):
        rows = open_data(tmp_path / file)
        other = TableEncoder.fit(rows)
        assert [(c.name, c.role) for c in other.columns] == [
            (c.name, c.role) for c in encoder.columns
        ]
        assert np.allclose(
            other.encode(rows[:]), encoder.encode(table[:]), atol=1e-4, equal_nan=True
        )


def test_extreme_codes_decode_to_possible_rows(frame, rng):
    table = Table(frame)
    encoder = TableEncoder.fit(table)
    decoded = encoder.decode_arrow(rng.normal(scale=30, size=(200, encoder.width)).astype("f4"))
    for column in encoder.columns:
        values = decoded.column(column.name).to_pylist()
        known = [v for v in table.table.column(column.name).to_pylist() if v is not None]
        if column.role in ("category", "constant"):
            assert set(values) <= set(known)
        if column.role == "boolean":
            assert len(set(values)) <= 2
        if column.role == "integer":
            assert all(value % 1 == 0 for value in values)
        if column.role in ("number", "integer"):
            assert min(known) < 0 or min(values) >= 0
            assert column.unit != "%" or max(values) <= 100
        if column.name == "took":
            assert min(values) >= datetime.timedelta(0)
        if column.role == "date":
            assert decoded.column(column.name).type == table.table.column(column.name).type
