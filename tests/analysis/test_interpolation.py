from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_moons

from latentmap.analysis import CodeDensity, interpolate, step_sizes
from latentmap.errors import DataError, SettingError


@pytest.fixture(scope="module")
def moons():
    codes, moon = make_moons(2000, noise=0.05, random_state=0)
    return codes, moon, CodeDensity(codes)


def min_density_on_line(density, a, b):
    shares = np.linspace(0, 1, 500)[:, None]
    return density.log_density((1 - shares) * a + shares * b).min()


def test_path_follows_a_ring(plane, ring, ring_density):
    codes, _ = ring
    a, b, density = codes[40], codes[-40], ring_density
    steps = interpolate(plane(), a, b, 40, codes, density=density)
    assert min_density_on_line(density, a, b) < density.low_log_density - 10
    assert density.log_density(steps).min() >= density.low_log_density - 1e-6
    assert np.abs(np.linalg.norm(steps, axis=1) - 1).max() < 0.2
    assert (
        np.linalg.norm(np.diff(steps, axis=0), axis=1).sum() < 1.5 * np.pi
    )  # The path has no detours.


def test_path_stays_within_a_moon(plane, moons):
    codes, moon, density = moons
    upper = codes[moon == 0]
    a, b = upper[upper[:, 0].argmin()], upper[upper[:, 0].argmax()]
    steps = interpolate(plane(), a, b, 30, codes, density=density)
    ends = density.log_density(np.stack([a, b])).min()
    assert density.log_density(steps).min() >= min(density.low_log_density, ends) - 1e-6
    assert steps[:, 1].max() > 0.8  # The path follows the arc of the moon.


@pytest.mark.parametrize("seed", range(4))
def test_unavoidable_gap_is_crossed_at_its_highest_density(plane, moons, seed):
    codes, moon, density = moons
    rng = np.random.default_rng(seed)
    a, b = (rng.choice(codes[moon == side]) for side in (0, 1))
    steps = interpolate(plane(), a, b, 40, codes, density=density)
    straight = min_density_on_line(density, a, b)
    assert density.log_density(steps).min() >= min(straight, density.low_log_density) - 0.05


def test_probable_straight_line_is_kept(plane):
    codes = np.random.default_rng(0).normal(size=(2000, 3))
    steps = interpolate(plane(), [-0.9, 0, 0], [0.9, 0, 0], 7, codes)
    assert steps == pytest.approx(np.linspace([-0.9, 0, 0], [0.9, 0, 0], 7), abs=1e-3)


def test_steps_change_the_decoded_row_evenly(plane):
    """The decoded row changes at different speeds along the line."""
    codes = np.random.default_rng(0).normal(size=(2000, 2))
    model = plane(lambda z: np.column_stack([np.exp(2 * z[:, 0]), np.sin(5 * z[:, 0]), z[:, 1]]))
    steps = interpolate(model, [-0.9, 0], [0.9, 0.2], 25, codes)
    sizes = step_sizes(model, steps)
    assert sizes.max() / sizes.min() <= 1.011
    even = np.linspace([-0.9, 0], [0.9, 0.2], 25)
    assert step_sizes(model, even).max() / step_sizes(model, even).min() > 5


def test_map_uses_its_own_density(atlas, ring):
    codes, _ = ring
    model = atlas(codes[::8], 0.08)
    a, b = codes[80], codes[-80]
    steps = interpolate(model, a, b, 50)
    assert model.density(steps).min() >= np.percentile(model.density(codes), 5) * 0.99
    shares = np.linspace(0, 1, 99)[:, None]
    assert model.density((1 - shares) * a + shares * b).min() < 1e-6


@pytest.mark.parametrize("n", [2, 3, 50])
def test_ends_and_number_of_steps(plane, ring, ring_density, n):
    codes, _ = ring
    steps = interpolate(plane(), codes[3], codes[900], n, codes, density=ring_density)
    assert steps.shape == (n, 2)
    assert steps.dtype == np.float32
    assert np.array_equal(steps[[0, -1]], codes[[3, 900]].astype("f4"))


def test_equal_ends_give_equal_codes(plane, ring, ring_density):
    codes, _ = ring
    steps = interpolate(plane(), codes[3], codes[3], 5, codes, density=ring_density)
    assert np.array_equal(steps, codes[[3] * 5].astype("f4"))


def test_many_steps(plane, ring, ring_density):
    codes, _ = ring
    steps = interpolate(plane(), codes[3], codes[900], 20_000, codes, density=ring_density)
    sizes = step_sizes(plane(), steps)
    assert sizes.max() < 3 * sizes.mean()


def test_codes_of_one_component(plane):
    codes = np.random.default_rng(0).normal(size=(500, 1))
    assert interpolate(plane(), [-1], [1], 5, codes).ravel() == pytest.approx([-1, -0.5, 0, 0.5, 1])


def test_few_reference_codes(plane):
    codes = np.array([[0.0, 0.0], [1.0, 1.0]])
    assert np.isfinite(interpolate(plane(), [5, 5], [-5, 3], 9, codes)).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_codes": 1}, SettingError, "n_codes: expected an integer of at least 2"),
        ({"reference": None}, SettingError, "Plane is not a map"),
        ({"a": [1, 2, 3]}, DataError, r"expected shape \(n, 2\)"),
        ({"b": [1, np.nan]}, DataError, "finite"),
        ({"reference": np.ones((1, 2))}, DataError, "at least 2"),
    ],
)
def test_invalid_arguments_raise(plane, ring, options, error, message):
    with pytest.raises(error, match=message):
        interpolate(
            **{"estimator": plane(), "a": [0, 0], "b": [1, 0], "reference": ring[0], **options}
        )


def test_detour_through_dense_codes_is_preferred(plane):
    """Two blobs with a direct bridge of few codes and an arch of many codes."""
    rng = np.random.default_rng(0)
    blobs = rng.normal(size=(1200, 2)) * 0.2 + rng.choice([-2, 2], (1200, 1)) * [[1, 0]]
    angle = rng.uniform(0, np.pi, 1200)
    arch = np.column_stack([2 * np.cos(angle), 1.5 * np.sin(angle)])
    bridge = np.column_stack([rng.uniform(-2, 2, 12), np.zeros(12)])
    codes = np.concatenate([blobs, arch, bridge]) + rng.normal(0, 0.1, (2412, 2))
    steps = interpolate(plane(), [-2, 0], [2, 0], 30, codes)
    assert steps[:, 1].max() > 1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_interpolation_between_digits_stays_dense(digits_map):
    from latentmap import load_model
    from latentmap.data import load_dataset

    rows, model = load_dataset("mnist"), load_model(digits_map)
    codes = model.transform(load_dataset("mnist", "unseen")[:2000])
    known_codes = model.transform(rows.sample(3000))
    floor = np.percentile(model.density(known_codes), 5)
    rng, shares = np.random.default_rng(0), np.linspace(0, 1, 300)[:, None]
    for a, b in codes[rng.choice(len(codes), (5, 2), replace=False)]:
        steps = interpolate(model, a, b, 24, known_codes)
        straight = model.density((1 - shares) * a + shares * b).min()
        assert model.density(steps).min() >= min(straight, floor) * 0.99
        sizes = step_sizes(model, steps)
        assert sizes.max() / sizes.min() < 1.4  # Above 1.01 only where a gap is crossed.
