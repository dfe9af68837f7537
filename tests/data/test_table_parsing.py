import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

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
