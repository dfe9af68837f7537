import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from latentmap.data.sources import ArraySource
from latentmap.data.sparse import SparseSource
from latentmap.errors import DataError, DataWarning, SettingError, UnknownNameError
from latentmap.preprocessing import scaling
from latentmap.preprocessing.scaling import SCALINGS, Statistics, choose_scale, row_statistics

RNG = np.random.default_rng(0)


def make_statistics(low, high, mean=(0.5,), variance=(0.04,)):
    return Statistics(low, high, np.array(mean, float), np.array(variance, float))


# -- statistics ------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_numbers", [1, 40, 1000, 1 << 22])
@pytest.mark.parametrize(
    "rows",
    [
        RNG.normal(3.0, 2.0, (101, 4)),
        1e8 + RNG.normal(size=(101, 4)),
        RNG.integers(0, 256, (50, 5, 3)).astype(np.uint8),
        RNG.normal(size=(64, 4)).astype(np.float32),
    ],
)
def test_statistics_do_not_depend_on_batches(rows, batch_numbers, monkeypatch):
    monkeypatch.setattr(scaling, "BATCH_NUMBERS", batch_numbers)
    result = row_statistics(ArraySource(rows))
    flat = rows.reshape(len(rows), -1).astype(float)
    assert (result.low, result.high) == (flat.min(), flat.max())
    assert np.allclose(result.mean, flat.mean(axis=0), rtol=1e-12)
    assert np.allclose(result.variance, flat.var(axis=0), rtol=1e-6)


@pytest.mark.parametrize(("value", "text"), [(np.nan, "NaN"), (np.inf, "inf"), (-1e39, r"-1e\+39")])
def test_message_names_an_invalid_number(value, text, monkeypatch):
    monkeypatch.setattr(scaling, "BATCH_NUMBERS", 20)
    rows = np.ones((30, 4))
    rows[17, 2] = value
    source = ArraySource(rows, name="rows.csv", feature_names=["a", "b", "age", "d"])
    with pytest.raises(DataError, match=f"rows.csv, row 17, column age: .* found {text}"):
        row_statistics(source)


def sparse(low=0.0, high=1.0, density=0.2, dtype=float):
    """Rows of which few numbers are stored, in columns of different spread."""
    rows = random_array((101, 7), density=density, rng=np.random.default_rng(1), format="csr")
    rows.data = low + rows.data * np.linspace(0.1, 1, 7)[rows.indices] * (high - low)
    return rows.astype(dtype)


@pytest.mark.parametrize("batch_numbers", [1, 40, 1 << 22])
@pytest.mark.parametrize(
    "rows",
    [
        sparse(),
        sparse(-7.0, -3.0),
        sparse(1e6, 1e6 + 1, dtype="f4"),
        sparse(0, 100, dtype="u1"),
        sparse(2.0, 3.0, density=1.0),
        csr_array((101, 7)),
    ],
)
def test_sparse_and_dense_rows_have_the_same_statistics(rows, batch_numbers, monkeypatch):
    expected = row_statistics(ArraySource(rows.toarray()))
    monkeypatch.setattr(scaling, "BATCH_NUMBERS", batch_numbers)
    result = row_statistics(SparseSource(rows))
    assert (result.low, result.high) == (expected.low, expected.high)
    assert np.allclose(result.mean, expected.mean, rtol=1e-12)
    assert np.allclose(result.variance, expected.variance, rtol=1e-9)


@pytest.mark.parametrize("word", SCALINGS)
@pytest.mark.parametrize(
    "rows", [sparse(), sparse(-1, 3), sparse(0, 255, dtype="u1"), sparse(0, 9, dtype=int)]
)
def test_sparse_and_dense_rows_have_the_same_scale(rows, word):
    sparse, dense = SparseSource(rows), ArraySource(rows.toarray())
    result, expected = (choose_scale(word, row_statistics(r), r.dtype) for r in (sparse, dense))
    assert np.allclose(result.offset, expected.offset, rtol=1e-6)
    assert np.allclose(result.scale, expected.scale, rtol=1e-6)
    assert result.in_unit_range == expected.in_unit_range


def test_message_names_an_invalid_number_of_sparse_rows(monkeypatch):
    monkeypatch.setattr(scaling, "BATCH_NUMBERS", 4)
    rows = np.zeros((30, 4))
    rows[::2, 1], rows[17, 2] = 1.0, np.nan
    source = SparseSource(csr_array(rows), name="words.npz").subset(np.arange(3, 30))
    with pytest.raises(DataError, match=r"words.npz, row 17, column 2: .* found NaN"):
        row_statistics(source)


def test_statistics_do_not_convert_sparse_rows_to_dense(monkeypatch):
    monkeypatch.setattr(SparseSource, "take", lambda *_: pytest.fail("rows are converted to dense"))
    assert row_statistics(SparseSource(csr_array((10**6, 10**5)))).high == 0.0


# -- the choice ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "dtype", "offset", "scale"),
    [
        (0, 255, "uint8", 0, 255),
        (0, 128, "uint8", 0, 255),
        (0, 127, "uint8", 0, 127),
        (0, 16, "uint8", 0, 16),
        (0, 16, "int64", 0, 16),
        (0, 200, "int16", 0, 255),
        (0, 1, "uint8", 0, 1),
        (0, 0, "uint8", 0, 1),
        (0, 60000, "uint16", 0, 65535),
        (0.0, 1.0, "float32", 0, 1),
        (0.2, 0.7, "float64", 0, 1),
    ],
)
@pytest.mark.parametrize("word", ["auto", "unit"])
def test_images_are_scaled_to_0_1(word, low, high, dtype, offset, scale):
    scale_ = choose_scale(word, make_statistics(low, high), np.dtype(dtype), are_images=True)
    assert (float(scale_.offset), float(scale_.scale), scale_.in_unit_range) == (
        offset,
        scale,
        True,
    )


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [(-0.1, 0.9, "float64"), (0.0, 1.1, "float32"), (0, 16, "int64"), (0.3, 0.3, "float64")],
)
def test_other_rows_are_divided_by_one_number(low, high, dtype):
    scale = choose_scale(
        "auto", make_statistics(low, high, (1.0, 5.0), (1.0, 7.0)), np.dtype(dtype)
    )
    assert scale.offset.tolist() == [1.0, 5.0]
    assert float(scale.scale) == 2.0
    assert not scale.in_unit_range


def test_unit_maps_any_range_to_0_1():
    scale = choose_scale("unit", make_statistics(-3.0, 5.0), np.dtype(float))
    assert (float(scale.offset), float(scale.scale), scale.in_unit_range) == (-3.0, 8.0, True)


def test_each_column_is_divided_by_its_standard_deviation():
    statistic = make_statistics(-9, 9, (1.0, 5.0, 1e6), (4.0, 0.25, 1e-4))
    scale = choose_scale("columns", statistic, np.dtype(float))
    assert scale.offset.tolist() == [1.0, 5.0, 1e6]
    assert scale.scale.tolist() == [2.0, 0.5, 1.0]  # the last is constant, but for rounding


@pytest.mark.parametrize(("low", "high", "unit"), [(0.0, 1.0, True), (-1.0, 1.0, False)])
def test_none_does_not_scale(low, high, unit):
    scale = choose_scale("none", make_statistics(low, high), np.dtype(float))
    assert (float(scale.offset), float(scale.scale), scale.in_unit_range) == (0.0, 1.0, unit)


@pytest.mark.parametrize("word", SCALINGS)
@pytest.mark.parametrize("value", [0.0, 0.1, 5.1, -1e5, 1e-45])
def test_scale_of_constant_rows_is_not_zero(word, value):
    rows = ArraySource(np.full((30, 2), value))
    scale = choose_scale(word, row_statistics(rows), rows.dtype)
    scaled = (rows[:].astype("float32") - scale.offset) / scale.scale
    assert np.isfinite(scaled).all()
    assert np.ptp(scaled) == 0


@pytest.mark.parametrize("word", ["unitt", "", "Auto"])
def test_unknown_scaling_raises(word):
    with pytest.raises(UnknownNameError, match=f"unknown scaling '{word}'"):
        choose_scale(word, make_statistics(0, 1), np.dtype(float))


@pytest.mark.parametrize("word", [None, 1, ["unit"]])
def test_scaling_of_another_type_raises(word):
    with pytest.raises(SettingError, match="scaling: expected one of"):
        choose_scale(word, make_statistics(0, 1), np.dtype(float))


# -- units of columns ------------------------------------------------------------------------------


def choose_for(rows):
    return choose_scale("auto", row_statistics(ArraySource(rows)), rows.dtype)


def test_columns_of_measurements_in_different_units_are_divided_by_their_own_deviation():
    rows = RNG.normal(5.0, 1.0, (300, 20)) * np.where(np.arange(20) < 2, 1000.0, 1.0)
    assert choose_for(rows).scale.shape == (20,)


def test_principal_components_are_divided_by_one_number():
    rows = RNG.normal(size=(300, 20)) * 0.6 ** np.arange(20)
    assert choose_for(rows).scale.shape == ()


def test_rare_counts_are_divided_by_one_number():
    rows = RNG.poisson(0.05 * np.where(np.arange(40) < 4, 100.0, 1.0), (300, 40))
    assert choose_for(rows).scale.shape == ()


def test_the_type_of_whole_numbers_does_not_change_the_scale():
    rows = RNG.poisson(3.0, (300, 40))
    rows[0, 0] = 60_000
    scales = [choose_for(rows.astype(dtype)) for dtype in ("uint16", "int32", "int64", "float64")]
    assert all(scale.in_unit_range == scales[0].in_unit_range for scale in scales)
    assert all(np.array_equal(scale.scale, scales[0].scale) for scale in scales)


def test_a_dominant_column_that_may_be_meant_is_reported():
    rows = RNG.normal(size=(300, 2)) * [100.0, 1.0]
    with pytest.warns(DataWarning, match="column 0 holds 100.0% of the variance"):
        assert choose_for(rows).scale.shape == ()


@pytest.mark.parametrize(("smallest", "has_own_scales"), [(1e-25, True), (1e-16, False)])
def test_columns_that_float32_would_lose_get_their_own_scale(smallest, has_own_scales):
    """Noise of computations in float64, such as that of constant columns, is not scaled up."""
    rows = RNG.normal(size=(200, 6)) * np.array([1, 2, 1, 3, 2, smallest])
    scale = choose_scale("auto", row_statistics(ArraySource(rows)), rows.dtype).scale
    assert (scale.ndim == 1) == has_own_scales
