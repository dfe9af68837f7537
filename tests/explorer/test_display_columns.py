from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pytest

from latentmap.explorer.display_columns import DisplayColumn, as_display_strings
from latentmap.preprocessing.number_columns import NumberColumn


def date_column(values):
    values = pa.chunked_array([values])
    column = NumberColumn.fit(
        values, name="when", role="date", type=str(values.type), has_missing_values=False, unit=None
    )
    return DisplayColumn.from_fitted(column, slice(0, 1)), values


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([0, 1000], pa.date32()), {"format": "date"}),
        (pa.array([0, 86_400], pa.timestamp("s")), {"format": "date"}),
        (pa.array([0, 86_401], pa.timestamp("s")), {"format": "datetime"}),
        (
            pa.array([0, 5], pa.timestamp("s", "Europe/Paris")),
            {"format": "datetime", "time_zone": "Europe/Paris"},
        ),
        (pa.array([datetime.time(1), datetime.time(2)]), {"format": "time"}),
        (pa.array([1, 2], pa.duration("s")), {"format": "duration"}),
    ],
)
def test_dates_are_described_by_their_format(values, expected):
    column, values = date_column(values)
    description = column.describe(column.convert(values))
    shown = {key: description[key] for key in ("format", "time_zone") if key in description}
    assert shown == expected


def test_dates_become_seconds():
    column, values = date_column(pa.array(["2020-01-01", "2020-01-02", None]).cast(pa.date32()))
    day = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC).timestamp()
    np.testing.assert_array_equal(column.convert(values), [day, day + 86_400, np.nan])


def test_columns_that_are_not_fitted_are_not_decoded():
    column = DisplayColumn.from_unfitted("id", pa.int64())
    assert column.decode(np.zeros((2, 3))).tolist() == [None, None]
    assert column.convert(pa.array([7, None])).tolist() == ["7", None]


def test_texts_have_no_superfluous_zeros():
    minutes = pa.array([0, 60], pa.timestamp("s")).cast(pa.timestamp("us"))
    assert as_display_strings(minutes).to_pylist() == ["1970-01-01 00:00:00", "1970-01-01 00:01:00"]
    assert as_display_strings(minutes[:1]).to_pylist() == ["1970-01-01"]
    assert as_display_strings(pa.array([True, None])).to_pylist() == ["true", None]
    assert as_display_strings(pa.array(["a"]).dictionary_encode()).to_pylist() == ["a"]
