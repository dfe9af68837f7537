import datetime

import numpy as np
import pyarrow as pa
import pytest

from latentmap.errors import DataError
from latentmap.preprocessing.column_roles import infer_roles

N = 60
WORDS = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]


def role_of(name, values, **given):
    table = pa.table({name: values, "other": np.arange(len(values)) % 7 / 3})
    return infer_roles(table, given)[name]


@pytest.mark.parametrize(
    ("values", "role"),
    [
        (np.linspace(0, 1, N), "number"),
        (np.arange(N, dtype=float), "number"),
        (np.arange(N), "integer"),
        (np.arange(N) % 2, "boolean"),
        (np.arange(N) % 2 == 0, "boolean"),
        ([0.0, 1.0, None] * 20, "boolean"),
        (["a", "b", None] * 20, "category"),
        ([f"name {i}" for i in range(N)], "identifier"),
        ([" ".join(np.roll(WORDS, i)) + f" {i}" for i in range(N)], "text"),
        ([datetime.date(2024, 1, 1)] * N, "date"),
        ([[1.0, 2.0]] * N, "vector"),
        ([{"x": 1}] * N, "identifier"),
        (pa.array([f"{i}" for i in range(N)]).dictionary_encode(), "category"),
    ],
    ids=["floats", "whole floats", "integers", "0 and 1", "truth values", "0 and 1 with gaps",
         "repeated texts", "names", "sentences", "dates", "lists", "records", "categorical"],
)  # fmt: skip
def test_roles_are_inferred_from_type_and_values(values, role):
    assert role_of("column", values).name == role


@pytest.mark.parametrize(
    "name",
    ["", "id", "Unnamed: 0", "customer_id", "index", "rownames", "PassengerId", "Sr. No.", "Nr"],
)
def test_a_counter_is_not_fitted(name):
    role = role_of(name, np.arange(N))
    assert (role.name, role.reason) == ("identifier", "it numbers the rows")
    assert role_of(name, np.arange(N) // 2).name == "integer"


def test_given_roles_take_precedence():
    assert role_of("column", np.arange(N) % 5, column="category").name == "category"
    assert role_of("column", np.arange(N), column="identifier").name == "identifier"


def test_all_problems_of_given_roles_are_reported_together():
    table = pa.table({"a": ["x", "y"], "b": [1.5, 2.5], "c": [1, 2]})
    with pytest.raises(DataError) as caught:
        infer_roles(table, {"a": "number", "b": "date"})
    assert "column a: expected numbers for the role 'number', found 'x'" in str(caught.value)
    assert "column b: expected dates for the role 'date', found '1.5'" in str(caught.value)


def test_a_table_without_a_column_to_fit_is_an_error():
    with pytest.raises(DataError, match="expected at least one column that can be fitted"):
        infer_roles(pa.table({"name": [f"name {i}" for i in range(N)]}), {})


def test_columns_beside_those_to_fit_are_metadata():
    table = pa.table({"a": [1.5, 2.5], "b": [1, 2], "c": ["x", "y"]})
    roles = infer_roles(table, {"b": "integer"}, ["b"])
    assert {name: (role.name, role.reason) for name, role in roles.items()} == {
        "a": ("identifier", "metadata"),
        "b": ("integer", None),
        "c": ("identifier", "metadata"),
    }
