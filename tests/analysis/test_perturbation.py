from __future__ import annotations

import numpy as np
import pytest

from latentmap.analysis import perturb
from latentmap.errors import DataError, SettingError


def test_perturbations_increase(plane):
    codes = np.random.default_rng(0).normal(size=(3000, 4))
    result = perturb(plane(), codes[0] * 0, 400, codes, spread=1)
    far = np.linalg.norm(result, axis=1)
    assert far[:100].mean() < far[100:200].mean() < far[200:300].mean() < far[300:].mean()


def test_spread_scales_the_perturbations(plane):
    codes = np.random.default_rng(0).normal(size=(3000, 2))
    near, far = (perturb(plane(), [0, 0], 50, codes, spread=s) for s in (0.1, 0.2))
    assert far == pytest.approx(2 * near, rel=1e-4)


def test_perturbed_codes_are_probable(plane, ring, ring_density):
    codes, density = ring[0], ring_density
    start = codes[750]
    result = perturb(plane(), start, 200, codes, spread=6, density=density)
    radius = np.linalg.norm(result, axis=1)
    assert (np.abs(radius - 1) < 0.3).all()  # The codes stay near the ring.
    assert np.linalg.norm(result - start, axis=1).max() > 0.3
    minimum = min(density.low_log_density, density.log_density(start[None])[0])
    assert (density.log_density(result) >= minimum).all()


def test_map_needs_no_reference_codes(atlas, ring):
    codes = ring[0]
    model = atlas(codes[::10], 0.1)
    result = perturb(model, codes[700], 50, spread=3)
    assert (model.density(result) >= np.percentile(model.density(model.landmarks_), 5)).all()


def test_improbable_code_is_perturbed(plane, ring, ring_density):
    result = perturb(plane(), [0, 0], 20, ring[0], density=ring_density)
    assert np.isfinite(result).all()
    assert len(np.unique(result, axis=0)) == 20


def test_seed_determines_the_perturbations(plane, ring, ring_density):
    settings = (plane(), ring[0][5], 9, ring[0])
    first, repeated, other = (perturb(*settings, density=ring_density, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first, repeated)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_samples": 0}, SettingError, "n_samples: expected an integer of at least 1"),
        ({"spread": 0}, SettingError, "spread"),
        ({"spread": np.nan}, SettingError, "spread"),
        ({"reference": None}, SettingError, "Plane is not a map"),
        ({"code": [1, 2, 3]}, DataError, r"expected shape \(n, 2\)"),
        ({"code": [1, np.inf]}, DataError, "finite"),
    ],
)
def test_invalid_arguments_raise(plane, ring, options, error, message):
    with pytest.raises(error, match=message):
        perturb(**{"estimator": plane(), "code": [0, 0], "reference": ring[0], **options})
