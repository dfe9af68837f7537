import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentmap.analysis.quantize import (
    UNITS_PER_OCTAVE,
    Quantizer,
    clip_outliers,
    fit_quantizer,
    sensitivity,
    step_exponent_range,
)
from latentmap.errors import FileError


@pytest.fixture(scope="module")
def codes():
    rng = np.random.default_rng(0)
    return rng.normal(size=(4000, 3)) * [5.0, 1.0, 0.2] + [100.0, 0.0, -3.0]


class CurvedDecoder:
    """Decodes (a, b) to (3a, a², 5b, 5b)."""

    def inverse_transform(self, codes):
        a, b = codes.T
        return np.stack([3 * a, a**2, 5 * b, 5 * b], axis=1)


def rounding_errors(quantizer, codes):
    return quantizer.codes(quantizer.levels(codes)) - codes


# -- sensitivity -----------------------------------------------------------------------------------


def test_sensitivity_is_the_mean_squared_derivative():
    codes = np.random.default_rng(0).normal(size=(256, 2))
    expected = [(9 + np.mean(4 * codes[:, 0] ** 2)) / 4, 50 / 4]
    assert sensitivity(CurvedDecoder(), codes) == pytest.approx(expected, rel=1e-3)


def test_sensitivity_is_in_scaled_units():
    codes = np.random.default_rng(0).normal(size=(50, 2))
    unscaled = sensitivity(CurvedDecoder(), codes)
    assert sensitivity(CurvedDecoder(), codes, 10.0) == pytest.approx(unscaled / 100)
    columns = np.array([np.inf, np.inf, 1.0, 5.0])
    assert sensitivity(CurvedDecoder(), codes, columns) == pytest.approx([0, 26 / 4], rel=1e-4)


@pytest.mark.parametrize("rows", [1, 2])
def test_sensitivity_of_constant_codes(rows):
    result = sensitivity(CurvedDecoder(), np.ones((rows, 2)))
    assert result == pytest.approx([13 / 4, 50 / 4], rel=1e-3)


def test_sensitivity_predicts_the_rounding_error():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3000, 20)) @ rng.normal(size=(20, 20))
    pca = PCA(8).fit(rows)
    codes = pca.transform(rows)
    quantizer = fit_quantizer(codes, sensitivity(pca, codes), step_exponent=-UNITS_PER_OCTAVE)
    restored, exact = (
        pca.inverse_transform(z) for z in (codes + rounding_errors(quantizer, codes), codes)
    )
    expected = 8 * 2**-2 / 12
    assert np.mean((restored - exact) ** 2) == pytest.approx(expected, rel=0.05)


# -- quantisation ----------------------------------------------------------------------------------


def test_rounding_is_uniform_noise(codes):
    noise = rounding_errors(
        fit_quantizer(codes, np.ones(3), step_exponent=-4 * UNITS_PER_OCTAVE), codes
    )
    assert np.abs(noise).max() <= 0.55 / 16
    assert noise[:, :2].var(axis=0) == pytest.approx([1 / 16**2 / 12] * 2, rel=0.05)
    assert np.abs(noise.mean(axis=0)).max() < 0.001


def test_smaller_steps_have_smaller_errors(codes):
    errors = [
        np.mean(rounding_errors(fit_quantizer(codes, np.ones(3), k), codes) ** 2)
        for k in (-1200, 0, 400)
    ]
    assert errors[0] < errors[1] < errors[2]


def test_sensitive_components_have_smaller_steps():
    codes = np.random.default_rng(0).normal(size=(100, 3))
    steps = fit_quantizer(codes, np.array([1.0, 4.0, 100.0]), step_exponent=0).steps
    assert steps == pytest.approx([1, 1 / 2, 1 / 10], rel=0.01)


def test_insensitive_component_has_one_level():
    codes = np.random.default_rng(0).normal(size=(100, 2))
    quantizer = fit_quantizer(codes, np.array([1.0, 0.0]), step_exponent=-800)
    assert not quantizer.levels(codes)[:, 1].any()


def test_levels_are_decoded_to_the_mean_of_their_codes():
    codes = np.random.default_rng(0).normal(size=(50_000, 1))
    fitted = fit_quantizer(
        codes, np.ones(1), step_exponent=UNITS_PER_OCTAVE // 2
    )  # steps of 1.41 deviations
    centers = fitted._replace(offsets=np.zeros_like(fitted.offsets))
    levels = fitted.levels(codes)
    assert fitted.codes(levels[levels == 1][:1, None]) == pytest.approx(
        codes[levels == 1].mean(), rel=0.01
    )
    errors = [np.mean(rounding_errors(q, codes) ** 2) for q in (fitted, centers)]
    assert errors[0] < 0.95 * errors[1]


def test_equal_codes():
    codes = np.full((5, 2), [1e6, -0.3])
    quantizer = fit_quantizer(codes, np.ones(2), step_exponent=-1600)
    assert (
        np.abs(rounding_errors(quantizer, codes)) <= quantizer.steps / 32 + 0.04
    ).all()  # float32 of 1e6
    assert (quantizer.levels(codes) == 0).all()


@pytest.mark.parametrize("far", [1e10, -3e38])
def test_outlying_codes_exceed_the_maximum_level(codes, far):
    quantizer = fit_quantizer(codes, np.ones(3), step_exponent=-400)
    assert (np.abs(quantizer.levels(np.full((1, 3), far))) > quantizer.max_levels).all()


def test_minimum_and_maximum_step_exponent(codes):
    sensitivities = np.array([1.0, 2.0, 3.0])
    low, high = step_exponent_range(codes, sensitivities)
    quantizer = fit_quantizer(codes, sensitivities, low)
    assert 900 < quantizer.levels(codes).std(axis=0).max() < 1010
    coarse = fit_quantizer(codes, sensitivities, high)
    assert not coarse.levels(codes).any()


def test_clip_outliers_changes_outliers_only():
    codes = np.random.default_rng(0).normal(size=(1000, 2))
    assert np.array_equal(clip_outliers(codes), codes)
    rare = np.zeros((1000, 1))
    rare[:5] = 7.0  # If nearly all codes are equal, none is an outlier.
    assert np.array_equal(clip_outliers(rare), rare)
    codes[3, 1] = -1e9
    assert -100 < clip_outliers(codes)[3, 1] < -40
    assert np.array_equal(clip_outliers(codes[:1]), codes[:1])


# -- packing ---------------------------------------------------------------------------------------


def test_unpack_inverts_pack(codes):
    quantizer = fit_quantizer(codes, np.array([1.0, 2.0, 3.0]), step_exponent=-77)
    restored = Quantizer.unpack(quantizer.pack(), 3)
    assert all(
        np.array_equal(a, b) and a.dtype == b.dtype
        for a, b in zip(quantizer, restored, strict=True)
    )


def test_bytes_of_another_size_raise(codes):
    data = fit_quantizer(codes, np.ones(3), step_exponent=0).pack()
    for n in (1, 2, 4, 1000):
        with pytest.raises(FileError, match=r"steps: expected \d+ bytes"):
            Quantizer.unpack(data, n)
    for damaged in (b"", b"steps", data[:-9]):
        with pytest.raises(FileError, match="steps: expected"):
            Quantizer.unpack(damaged, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"deviations": np.array([0, 1, 1], np.uint16)},
        {"deviations": np.array([1, 1, 65535], np.uint16)},
        {"exponents": np.array([0, 0, -32768], np.int16)},
    ],
)
def test_numbers_out_of_range_raise(codes, change):
    data = fit_quantizer(codes, np.ones(3), step_exponent=0)._replace(**change).pack()
    with pytest.raises(FileError, match="steps: expected"):
        Quantizer.unpack(data, 3)
