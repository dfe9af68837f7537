import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from latentmap.data import Table, open_data
from latentmap.preprocessing.table_encoder import TableEncoder

COLUMNS = {
    "price": ["1,50 €", "2,25 €", "-"],
    "member": ["yes", "no", None],
    "joined": ["2024-01-31", "2024-02-01", ""],
    "visits": ["1", "2", "3"],
    "code": ["007", "011", "012"],
    "kind": ["a", "NA", " b "],
}
VALUES = {
    "price": [1.5, 2.25, None],
    "member": [True, False, None],
    "joined": [datetime.date(2024, 1, 31), datetime.date(2024, 2, 1), None],
    "visits": [1, 2, 3],
    "code": ["007", "011", "012"],
    "kind": ["a", None, "b"],
}


@pytest.mark.parametrize("suffix", ["csv", "parquet", "frame", "arrow"])
def test_texts_are_typed_in_every_format(tmp_path, suffix):
    frame = pd.DataFrame(COLUMNS)
    path = tmp_path / f"rows.{suffix}"
    if suffix == "frame":
        table = Table(frame)
    elif suffix == "arrow":
        schema = pa.schema([(name, pa.large_string()) for name in COLUMNS])
        table = Table(pa.table(COLUMNS, schema))
    else:
        frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
        table = open_data(path)
    expected = VALUES if suffix == "csv" else {**VALUES, "kind": ["a", None, " b "]}
    assert table[:].to_pydict() == expected
    assert table.table_schema.units == {"price": "€"}
    assert table.table_schema.boolean_strings == {"member": ("no", "yes")}


def test_texts_with_a_role_stay_texts():
    roles = {"visits": "category", "member": "identifier", "joined": "text"}
    table = Table(pd.DataFrame(COLUMNS), roles=roles)
    assert table[:]["visits"].to_pylist() == ["1", "2", "3"]
    assert table[:]["member"].to_pylist() == ["yes", "no", None]
    assert table[:]["joined"].to_pylist() == ["2024-01-31", "2024-02-01", None]


def test_categorical_columns_stay_as_they_are():
    table = Table(pd.DataFrame({"a": pd.Categorical(["1", "2"])}))
    assert pa.types.is_dictionary(table[:]["a"].type)


def test_texts_of_booleans_are_decoded_and_encoded_again():
    table = Table(pd.DataFrame({"member": ["yes", "no", None, "no"], "size": [1.0, 2, 3, 5]}))
    encoder = TableEncoder.fit(table)
    encoded = encoder.encode(table[:])
    decoded = encoder.decode(encoded)
    assert decoded["member"].tolist()[::3] == ["yes", "no"]
    assert np.allclose(encoder.encode(pa.Table.from_pandas(decoded))[::3], encoded[::3])


@pytest.mark.parametrize(("day_first", "month"), [(None, 3), (True, 4)])
def test_the_order_of_dates_is_an_option_of_a_data_frame(day_first, month):
    table = Table(pd.DataFrame({"day": ["03/04/2024", "05/06/2024"]}), day_first=day_first)
    assert table[:]["day"][0].as_py().month == month
    assert table.table_schema.notes == (f"day: {'day' if day_first else 'month'} first",)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "frame", "streamed"])
def test_integers_that_are_all_dates_are_dates_in_every_format(tmp_path, monkeypatch, suffix):
    if suffix == "streamed":
        monkeypatch.setattr("latentmap.data.parquet_tables.fits_in_memory", lambda *_: False)
    days = [20240131, 19991231, 20240229, 20231105]
    frame = pd.DataFrame({"day": days, "number": [20240131, 20240132, 20240133, 20240134]})
    path = tmp_path / ("rows.csv" if suffix == "csv" else "rows.parquet")
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    table = Table(frame) if suffix == "frame" else open_data(path)
    assert [str(day) for day in table[:]["day"].to_pylist()][:2] == ["2024-01-31", "1999-12-31"]
    assert table[:]["number"].to_pylist() == frame["number"].tolist()
    assert table.table_schema.notes == ("day: dates as yyyymmdd",)
    encoder = TableEncoder.fit(table)
    new = pa.table({"day": [20240131, 19991231], "number": [1, 2]})
    expected = encoder.encode(table[:]).astype(float)[:2, 0]
    np.testing.assert_allclose(encoder.encode(new)[:, 0], expected)
    new = pa.table({"day": [20240131, 5], "number": [1, 2]})
    assert np.isnan(encoder.encode(new)[:, 0]).all() and encoder.count_unknown(new) == {"day": 2}


def test_integers_with_a_role_are_not_dates():
    frame = pd.DataFrame({"day": [20240131, 19991231, 20240229]})
    table = Table(frame, roles={"day": "integer"})
    assert table[:]["day"].to_pylist() == frame["day"].tolist()


CELLS = [
    st.integers(-(10**9), 10**9),
    st.none() | st.integers(0, 9),
    st.none() | st.floats(-1e6, 1e6).map(lambda x: round(x, 3)),
    st.none() | st.booleans(),
    st.none() | st.sampled_from(["red", "dark blue", "Ärger, groß"]),
    st.none() | st.dates(datetime.date(1900, 1, 1), datetime.date(2099, 1, 1)),
]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.tuples(*CELLS), min_size=12, max_size=30, unique_by=lambda row: row[0]))
def test_a_table_is_fitted_equally_in_every_format(tmp_path, rows):
    values = dict(zip("abcdef", zip(*rows, strict=True), strict=True))
    dtypes = ("Int64", "Int64", "Float64", "boolean", "str", "object")
    columns = zip(values.items(), dtypes, strict=True)
    frame = pd.DataFrame({name: pd.Series(cells, dtype=dtype) for (name, cells), dtype in columns})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    frame.to_parquet(tmp_path / "rows.parquet")
    tables = [Table(frame), *(open_data(tmp_path / f"rows.{s}") for s in ("csv", "parquet"))]
    encoders = [TableEncoder.fit(table) for table in tables]
    expected = encoders[0].encode(tables[0][:])
    for table, encoder in zip(tables[1:], encoders[1:], strict=True):
        assert encoder.summary() == encoders[0].summary()
        np.testing.assert_array_equal(encoder.encode(table[:]), expected)
