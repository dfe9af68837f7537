import numpy as np
import pytest

from latentmap import AutoEncoder, load_model
from latentmap.data import ArraySource
from latentmap.preprocessing.scaling import ShiftedRows, find_offset

RNG = np.random.default_rng(0)
TIMES = 1.7e9 + RNG.normal(size=(300, 1)) * [10.0, 5.0] + RNG.normal(size=(300, 2))


def test_offsets_are_the_means_of_columns_that_float32_cannot_resolve():
    rows = np.column_stack([TIMES[:, 0], RNG.normal(3.0, 1.0, 300)])
    offset = find_offset(ArraySource(rows))
    assert offset[0] == pytest.approx(1.7e9, abs=10)
    assert offset[1] == 0.0


@pytest.mark.parametrize(
    "rows",
    [RNG.normal(100.0, 1.0, (50, 3)), TIMES.astype("float32"), np.full((50, 2), 1e12)],
    ids=["small means", "float32", "constants"],
)
def test_other_rows_have_no_offset(rows):
    assert find_offset(ArraySource(rows)) is None


def test_shifted_rows_keep_the_digits_of_the_rows():
    rows = ShiftedRows(ArraySource(TIMES), np.array([1.7e9, 1.7e9]))
    assert rows.dtype == np.float32
    assert np.allclose(rows[5:8], TIMES[5:8] - 1.7e9, atol=1e-5)


def test_a_model_of_large_numbers_reconstructs_them_also_after_loading(tmp_path):
    model = AutoEncoder(1, network="linear", random_state=0).fit(TIMES)
    codes = model.transform(TIMES)
    restored = model.inverse_transform(codes)
    assert restored.dtype == np.float64
    assert np.abs(restored - TIMES).mean() < 1.5
    model.save(tmp_path / "times.safetensors")
    loaded = load_model(tmp_path / "times.safetensors")
    assert np.array_equal(loaded.transform(TIMES), codes)
    assert np.array_equal(loaded.inverse_transform(codes), restored)
