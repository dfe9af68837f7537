import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from latentmap.data import Table
from latentmap.errors import DataError
from latentmap.preprocessing.encoded_rows import EncodedRows
from latentmap.preprocessing.table_encoder import TableEncoder

RNG = np.random.default_rng(0)
N = 80


def make_frame():
    return pd.DataFrame(
        {
            "age": np.where(np.arange(N) % 9 == 0, np.nan, RNG.normal(40.0, 9.0, N)),
            "visits": RNG.poisson(3.0, N),
            "country": pd.Categorical(RNG.choice(["France", "Spain", "Malta"], N)),
            "member": RNG.random(N) < 0.3,
            "joined": pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 900, N), "D"),
            "name": [f"person {i}" for i in range(N)],
            "unit": "m",
        }
    )


FRAME = make_frame()
ENCODER = TableEncoder.fit(Table(FRAME))


def test_columns_come_back_in_their_order_with_their_types():
    decoded = ENCODER.decode(ENCODER.encode(Table(FRAME)[:]))
    expected = FRAME.drop(columns="name")
    assert decoded.columns.tolist() == expected.columns.tolist()
    assert decoded["country"].dtype == "category"
    assert decoded["visits"].dtype == np.int64
    assert decoded["joined"].dtype.kind == "M"
    assert decoded["visits"].tolist() == expected["visits"].tolist()
    assert decoded["country"].tolist() == expected["country"].tolist()
    assert np.allclose(decoded["age"], expected["age"], equal_nan=True, atol=1e-4)


def test_every_column_has_the_same_weight():
    variances = np.nanvar(ENCODER.encode(Table(FRAME)[:]), axis=0)
    weights = [variances[column_slice].sum() for column_slice in ENCODER.slices]
    assert weights == pytest.approx([1.0, 1.0, 1.0, 1.0, 1.0, 0.0], abs=1e-4)


def test_summary_names_roles_and_ignored_columns():
    assert ENCODER.summary() == (
        f"2 numbers, 1 boolean, 1 category, 1 date, 1 constant; ignored: name ({N} distinct values)"
    )


def test_ignored_columns_may_be_absent():
    with_name, without = (
        EncodedRows(Table(frame), ENCODER)[:] for frame in (FRAME, FRAME.drop(columns="name"))
    )
    assert np.array_equal(with_name, without, equal_nan=True)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda frame: frame.drop(columns="age"), "no 'age'"),
        (lambda frame: frame.rename(columns={"age": "Age"}), "no 'age', 'Age'"),
        (lambda frame: frame[frame.columns[::-1]], "them in another order"),
    ],
)
def test_other_columns_are_errors(change, problem):
    with pytest.raises(DataError, match=problem):
        EncodedRows(Table(change(FRAME)), ENCODER)


def test_values_of_another_type_are_errors():
    with pytest.raises(DataError, match="column age: expected values of the type double"):
        EncodedRows(Table(FRAME.assign(age="old")), ENCODER)[:]


def test_arrow_tables_are_decoded_to_arrow_tables():
    table = pa.table({"a": [1.0, 2.0, 4.0], "b": ["x", "y", "x"]})
    encoder = TableEncoder.fit(Table(table))
    assert encoder.decode(encoder.encode(table)).schema == table.schema


def test_types_of_strings_are_kept():
    strings = pa.array(["oak", "elm", "ash", "oak"], pa.large_string())
    table = pa.table({"large": strings, "small": strings.cast(pa.string()), "size": [1, 2, 3, 4]})
    encoder = TableEncoder.fit(Table(table))
    decoded = encoder.decode(encoder.encode(Table(table)[:]))
    assert decoded.schema == table.schema


@pytest.mark.parametrize(
    ("times", "step"),
    [
        (["2024-01-01", "2024-03-01"], "D"),
        (["2024-01-01 10:00", "2024-03-01 12:00"], "h"),
        (["2024-01-01 10:05", "2024-03-01 12:30"], "min"),
        (["2024-01-01 10:05:07", "2024-03-01 12:30:00"], "s"),
    ],
)
def test_decoded_times_are_as_exact_as_the_fitted_ones(times, step):
    frame = pd.DataFrame({"time": pd.to_datetime(times, format="ISO8601")})
    encoder = TableEncoder.fit(Table(frame))
    decoded = encoder.decode(np.linspace(-1, 1, 1000, dtype=np.float32)[:, None])["time"]
    assert decoded.eq(decoded.dt.round(step)).all()
    assert decoded.nunique() > 50
    restored = encoder.decode(encoder.encode(Table(frame)[:]))["time"]
    assert (restored - frame["time"]).abs().max() < pd.Timedelta(10, "s")


def test_texts_without_a_common_word_are_ignored():
    texts = [" ".join(f"w{i}{j}" for j in range(6)) for i in range(30)]
    encoder = TableEncoder.fit(Table(pd.DataFrame({"size": range(2, 32), "text": texts})))
    assert encoder.ignored == {"text": "no word occurs in two texts"}


def test_a_constant_beside_nan_is_restored():
    table = pa.table({"a": [np.nan, 2.0, 2.0], "b": [1.0, 2.0, 4.0]})
    encoder = TableEncoder.fit(Table(table))
    assert encoder.decode(encoder.encode(Table(table)[:]))["a"].to_pylist() == [2.0, 2.0, 2.0]


def test_an_encoder_survives_its_file_form():
    values = json.loads(json.dumps(ENCODER.to_json()))
    loaded = TableEncoder.from_file(values, ENCODER.to_arrays())
    assert loaded.summary() == ENCODER.summary()
    rows = Table(FRAME)[:]
    assert np.array_equal(loaded.encode(rows), ENCODER.encode(rows), equal_nan=True)


@pytest.mark.parametrize(
    "damage",
    [
        lambda v: v["columns"][0].update(scale=0.0),
        lambda v: v["columns"][0].update(role="magic"),
        lambda v: v["columns"][0].update(type="object"),
        lambda v: v["columns"][2].update(levels=["France"]),
        lambda v: v["columns"][3].update(share=1.5),
        lambda v: v["columns"][1].update(name="age"),
        lambda v: v.update(container="pickle"),
        lambda v: v.update(ignored={"name": 3}),
    ],
)
def test_a_damaged_description_is_an_error(damage):
    values = json.loads(json.dumps(ENCODER.to_json()))
    damage(values)
    with pytest.raises((ValueError, KeyError, TypeError)):
        TableEncoder.from_file(values, ENCODER.to_arrays())
