import datetime

import numpy as np
import pyarrow as pa
import pytest

from latentmap.errors import DataError
from latentmap.preprocessing.category_columns import OTHER, BooleanColumn, CategoryColumn
from latentmap.preprocessing.column_types import from_floats, to_floats, type_from_name, type_name
from latentmap.preprocessing.encoded_columns import ConstantColumn
from latentmap.preprocessing.number_columns import NumberColumn
from latentmap.preprocessing.vector_columns import TextColumn, VectorColumn

RNG = np.random.default_rng(0)


def fit(column_class, values, role, **properties):
    array = values if isinstance(values, pa.Array) else pa.array(values)
    properties = {"unit": None, **properties}
    return column_class.fit(
        array,
        name="a",
        role=role,
        type=type_name(array.type),
        has_missing_values=array.null_count > 0,
        **properties,
    ), array


def round_trip(column, values):
    return column.decode(column.encode(values).astype(np.float32)).to_pylist()


# -- types -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        pa.array([1, None, -3], pa.int8()),
        pa.array([0, 2**63, None], pa.uint64()),
        pa.array([1.5, None], pa.float32()),
        pa.array([datetime.date(2024, 2, 29), None]),
        pa.array([datetime.datetime(1969, 12, 31, 23, 59, 58), None], pa.timestamp("ms")),
        pa.array([datetime.datetime(2024, 3, 1, 12), None], pa.timestamp("us", "Europe/Paris")),
        pa.array([datetime.timedelta(hours=3), None], pa.duration("s")),
        pa.array([datetime.time(23, 59), None], pa.time32("s")),
    ],
    ids=lambda values: str(values.type),
)
def test_values_survive_the_conversion_to_floats(values):
    name = type_name(values.type)
    assert from_floats(to_floats(values, name), name).to_pylist() == values.to_pylist()
    assert type_from_name(name) == values.type


def test_numbers_outside_the_range_of_a_type_become_its_limits():
    assert from_floats(np.array([-np.inf, np.nan, 1e300]), "float").to_pylist() == pytest.approx(
        [-3.4028235e38, None, 3.4028235e38]
    )
    assert from_floats(np.array([np.inf]), "double").to_pylist() == [np.finfo(float).max]
    assert from_floats(np.array([-3.0, 300.0]), "uint8").to_pylist() == [0, 255]
    assert from_floats(np.array([1e300]), "int64").to_pylist()[0] > 9.2e18


def test_unknown_type_names_are_errors():
    for name in ("struct<a: int64>", "other", "timestamp[us, tz=../../x y]", ""):
        with pytest.raises(ValueError, match="name of a column type"):
            type_from_name(name)


# -- numbers ---------------------------------------------------------------------------------------


def test_numbers_have_mean_0_and_variance_1():
    column, values = fit(NumberColumn, RNG.normal(50.0, 9.0, 500), "number")
    encoded = column.encode(values)
    assert encoded.mean() == pytest.approx(0.0, abs=1e-9)
    assert encoded.var() == pytest.approx(1.0)
    assert np.allclose(round_trip(column, values), values.to_numpy(), atol=1e-4)


@pytest.mark.parametrize("fitted", [pa.date32(), pa.timestamp("us")])
@pytest.mark.parametrize("later", [pa.date32(), pa.timestamp("s"), pa.timestamp("ns", "UTC")])
def test_dates_are_encoded_whatever_their_type(fitted, later):
    dates = pa.array([datetime.date(2024, 1, 1), datetime.date(2024, 5, 1), None], pa.date32())
    column, values = fit(NumberColumn, dates.cast(fitted), "date")
    later_values = dates.cast(pa.timestamp("s")).cast(later)
    assert np.allclose(column.encode(later_values), column.encode(values), equal_nan=True)


def test_strings_that_are_not_numbers_count_as_missing():
    column, _ = fit(NumberColumn, [3, 4, 6, 8], "integer")
    strings = pa.array(["4", " 6 ", "rotary", None])
    assert np.isnan(column.encode(strings)[:, 0]).tolist() == [False, False, True, True]
    assert column.decode(column.encode(strings)[:2]).to_pylist() == [4, 6]
    assert column.count_unknown(strings) == 1
    with pytest.raises(pa.ArrowInvalid):
        column.encode(pa.array(["red", "green"]))


def test_missing_numbers_are_nan():
    column, values = fit(NumberColumn, [1.0, None, 3.0], "number")
    assert np.isnan(column.encode(values)[:, 0]).tolist() == [False, True, False]
    assert column.has_missing_values


def test_large_offsets_keep_their_digits():
    column, values = fit(NumberColumn, 1.7e9 + np.arange(20.0), "number")
    assert np.allclose(round_trip(column, values), values.to_numpy(), atol=1e-4)


def test_skewed_amounts_are_encoded_logarithmically():
    column, values = fit(NumberColumn, RNG.lognormal(8.0, 1.5, 1000), "number")
    encoded = column.encode(values)[:, 0]
    assert column.arsinh_scale == pytest.approx(np.median(values.to_numpy()))
    assert abs(((encoded - encoded.mean()) ** 3).mean()) < 1.5
    assert np.allclose(round_trip(column, values), values.to_numpy(), rtol=1e-4)


def test_decoded_skewed_amounts_are_hardly_larger_than_the_fitted_ones():
    column, values = fit(NumberColumn, RNG.lognormal(size=1000, sigma=2), "number")
    largest = max(values.to_pylist())
    assert largest < column.decode(np.array([[99.0]]))[0].as_py() < 2 * largest


def test_decoded_amounts_are_within_natural_bounds():
    column, _ = fit(NumberColumn, [0.0, 1.0, 2.0], "number")
    assert column.decode(np.array([[-9.0]])).to_pylist() == [0.0]
    percent, _ = fit(NumberColumn, [10.0, 50.0, 99.0], "number", unit="%")
    assert percent.decode(np.array([[9.0]])).to_pylist() == [100.0]
    signed, _ = fit(NumberColumn, [-1.0, 1.0, 2.0], "number")
    assert signed.decode(np.array([[-9.0]])).to_pylist()[0] < -1.0
    skewed, _ = fit(NumberColumn, RNG.lognormal(8.0, 1.5, 1000), "number")
    assert np.isfinite(skewed.decode(np.array([[1e4]])).to_pylist()[0])


def test_decoded_integers_are_whole_numbers():
    column, values = fit(NumberColumn, [3, 5, 8, 9], "integer")
    assert column.decode(np.array([[0.123]])).type == pa.int64()
    assert round_trip(column, values) == [3, 5, 8, 9]


def test_decoded_dates_have_the_type_of_the_column():
    column, values = fit(NumberColumn, [datetime.date(2024, 1, d) for d in (1, 9, 30)], "date")
    assert round_trip(column, values) == values.to_pylist()


@pytest.mark.parametrize(
    "values", [[7, 7, None], pa.array([None, None], pa.float64()), ["x", "x"]], ids=str
)
def test_columns_without_different_values_are_constant(values):
    array = values if isinstance(values, pa.Array) else pa.array(values)
    column_class = CategoryColumn if array.type == pa.string() else NumberColumn
    column, array = fit(column_class, array, "number")
    assert isinstance(column, ConstantColumn)
    assert column.encode(array).shape == (len(array), 0)
    known = array.drop_null()
    expected = known[0].as_py() if len(known) else None
    assert column.decode(np.empty((2, 0))).to_pylist() == [expected] * 2


def test_keys_in_model_files_do_not_change():
    column, _ = fit(NumberColumn, [1.0, 2.0, 900.0, *[1.5] * 20], "number")
    stored = column.to_json()
    assert {"curve", "has_gaps", "low", "high"} <= set(stored)
    assert NumberColumn.from_file(stored, {}) == column


# -- truth values and categories -------------------------------------------------------------------


def test_truth_values_have_variance_1_and_keep_their_type():
    for values in ([True, False, False, None], [1, 0, 0, None]):
        column, array = fit(BooleanColumn, values, "boolean")
        encoded = column.encode(array)
        assert np.nanvar(encoded) == pytest.approx(1.0)
        decoded = column.decode(np.nan_to_num(encoded))
        assert decoded.to_pylist() == [*values[:3], values[1]]
        assert decoded.type == array.type


def test_categories_have_variance_1_in_all():
    column, values = fit(CategoryColumn, ["a"] * 6 + ["b"] * 3 + ["c"], "category")
    assert column.encode(values).var(axis=0).sum() == pytest.approx(1.0)
    assert round_trip(column, values) == values.to_pylist()


def test_rare_categories_form_a_group_that_is_never_decoded():
    values = ["a"] * 600 + ["b"] * 600 + ["x", "y", "z"]
    column, array = fit(CategoryColumn, values, "category")
    assert column.levels == ["a", "b", OTHER]
    assert sorted(column.rare) == ["x", "y", "z"]
    assert column.encode(array)[-1].argmax() == 2
    assert set(round_trip(column, array)) == {"a", "b"}


def test_unknown_categories_count_as_missing():
    column, _ = fit(CategoryColumn, ["a", "b", "a"], "category")
    values = pa.array(["a", "q", None, "r"])
    assert column.count_unknown(values) == 2
    assert np.isnan(column.encode(values)[:, 0]).tolist() == [False, True, True, True]


def test_categories_are_found_with_and_without_spaces_around_them():
    column, values = fit(CategoryColumn, ["WD ", "New", "WD ", "New"], "category")
    assert round_trip(column, values) == ["WD ", "New", "WD ", "New"]
    assert round_trip(column, pa.array(["WD", " New"])) == ["WD ", "New"]
    assert column.count_unknown(pa.array(["WD", "Old", None])) == 1


@pytest.mark.parametrize("type_name", ["string", "large_string"])
def test_few_and_many_categories_are_encoded_equally(type_name):
    rng = np.random.default_rng(0)
    strings = pa.array(
        rng.choice(["a", "b ", "c", "rare", "rarest"], 400, p=[0.4, 0.3, 0.29, 0.005, 0.005])
    )
    column, _ = fit(CategoryColumn, strings.to_pylist(), "category")
    values = pa.array([*strings.to_pylist(), None, "b", " a", "new"]).cast(type_name)
    one_by_one = [column.encode(values[i : i + 1]) for i in range(len(values))]
    np.testing.assert_array_equal(column.encode(values), np.concatenate(one_by_one))
    counts = [column.count_unknown(values[i : i + 1]) for i in range(len(values))]
    assert column.count_unknown(values) == sum(counts) == 1


def test_categories_that_are_not_texts_keep_their_type():
    column, values = fit(CategoryColumn, [10115, 80331, 10115], "category")
    assert round_trip(column, values) == [10115, 80331, 10115]


# -- vectors and texts -----------------------------------------------------------------------------


def test_vectors_have_variance_1_in_all():
    vectors = RNG.normal(3.0, 2.0, (50, 4))
    column, values = fit(VectorColumn, pa.array(list(vectors)), "vector")
    assert column.encode(values).var(axis=0).sum() == pytest.approx(1.0)
    assert np.allclose(round_trip(column, values), vectors, atol=1e-5)


def test_vectors_of_different_lengths_are_an_error():
    with pytest.raises(DataError, match="column a: expected vectors of 2 numbers, found lengths"):
        fit(VectorColumn, [[1.0, 2.0], [1.0]], "vector")


def test_texts_with_the_same_terms_are_near_each_other():
    texts = ["the delivery was very late"] * 5 + ["friendly staff and a clean room"] * 5 + [None]
    column, values = fit(TextColumn, texts, "text")
    encoded = column.encode(values)
    assert np.isnan(encoded[-1]).all()
    assert np.linalg.norm(encoded[0] - encoded[1]) < 0.1 * np.linalg.norm(encoded[0] - encoded[5])
    assert "delivery" in column.decode(encoded[:1]).to_pylist()[0]


def test_texts_without_common_terms_are_constant():
    column, _ = fit(TextColumn, ["one two three", "four five six"], "text")
    assert isinstance(column, ConstantColumn)


def test_texts_of_unit_length_have_the_distances_of_the_cosine():
    texts = [
        "wind sail mast",
        "wind sail mast wind sail mast",
        "bread oven",
        "bread oven dough",
    ] * 3
    array = pa.array([*texts, "unknown"])
    properties = {"name": "a", "role": "text", "type": "string", "has_missing_values": False}
    column = TextColumn.fit(array, 20, 100, **properties)
    x = column.encode(array) * column.scale + column.mean
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), [1.0] * 12 + [0.0], atol=1e-6)
    np.testing.assert_allclose(x[0], x[1], atol=1e-6)
    column.validate()
    assert TextColumn.from_file(column.to_json(), column.to_arrays()).has_unit_length
