"""Rows of many kinds are scaled, projected and scaled back without a loss of finite numbers."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from latentmap.data.sources import ArraySource
from latentmap.data.sparse import SparseSource
from latentmap.preprocessing.pca_projection import principal_components, project_rows, scale_rows
from latentmap.preprocessing.scaling import choose_scale, row_statistics

RNG = np.random.default_rng(0)
NORMAL = RNG.normal(size=(120, 4))
OUTLIER = NORMAL.copy()
OUTLIER[7] *= 1000

KINDS = {
    "table": NORMAL,
    "float32": NORMAL.astype("float32"),
    "float16": NORMAL.astype("float16"),
    "integers": (100 * NORMAL).astype(int),
    "bytes": RNG.integers(0, 256, (120, 4)).astype("uint8"),
    "bool": NORMAL > 0,
    "very large": 1e30 * NORMAL,
    "very small": 1e-30 * NORMAL,
    "far from zero": 1e6 + NORMAL,
    "columns of different units": NORMAL * [1, 1e3, 1e-3, 1e6],
    "an outlier": OUTLIER,
    "an extreme outlier": np.concatenate([NORMAL[:119], [[1e15, -1e15, 0, 1]]]),
    "constant columns": NORMAL * [1, 0, 2, 0] + [0, 3, 0, -7],
    "two different rows": np.repeat(NORMAL[:2], 60, axis=0),
    "all equal": np.tile([5.1, -3.3, 1e5 + 0.1, 0.1], (120, 1)),
    "all zero": np.zeros((120, 4)),
    "two rows": NORMAL[:2],
    "three rows": NORMAL[:3],
    "one column": RNG.normal(size=(120, 1)),
    "many columns": RNG.normal(size=(100, 2000)),
    "unit images": RNG.random((120, 5, 4)),
    "colour images": RNG.integers(0, 256, (60, 5, 4, 3)).astype("uint8"),
}


@pytest.mark.parametrize("scaling", ["auto", "columns", "none"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_scaled_rows_are_finite_and_scale_back(kind, scaling):
    rows = KINDS[kind]
    source = ArraySource(rows)
    scale = choose_scale(scaling, row_statistics(source), source.dtype)
    scaled = scale_rows(rows.astype("float32"), scale)
    assert np.isfinite(scaled).all()
    flat = rows.reshape(len(rows), -1).astype(float)
    assert np.allclose(scaled * scale.scale + scale.offset, flat, rtol=1e-5, atol=1e-6 * flat.max())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_coordinates_on_principal_components_are_finite(kind):
    rows = KINDS[kind]
    source = ArraySource(rows)
    scale = choose_scale("auto", row_statistics(source), source.dtype)
    principal = principal_components(source, scale, min(2, len(rows), rows[0].size), 0)
    coordinates = project_rows(source, scale, principal)
    assert coordinates.shape == (len(rows), len(principal.components))
    assert np.isfinite(coordinates).all()


@pytest.mark.parametrize("kind", ["table", "float32", "bytes", "all zero", "one column"])
def test_sparse_rows_have_the_coordinates_of_dense_rows(kind):
    rows = KINDS[kind]
    coordinates = []
    for source in (ArraySource(rows), SparseSource(csr_array(rows))):
        scale = choose_scale("auto", row_statistics(source), source.dtype)
        principal = principal_components(source, scale, 1, 0)
        coordinates.append(project_rows(source, scale, principal))
    assert np.allclose(*coordinates, atol=1e-3)
