"""Sparse rows give what the same rows give dense, and are never made dense all at once."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone

from latentmap import AutoEncoder, Training, VariationalAutoEncoder
from latentmap.metrics import evaluate, trustworthiness
from latentmap.networks.dense import DenseNetwork

RNG = np.random.default_rng(0)
TOPICS = RNG.random((4, 60)) ** 6
TOPIC = RNG.integers(0, 4, 400)
COUNTS = RNG.poisson(TOPICS[TOPIC])
ROWS = {"counts": COUNTS * 1.0, "present": (COUNTS > 0).astype("f4"), "bytes": COUNTS.astype("u1")}


SETTINGS = {"network": DenseNetwork(hidden=(16,)), "epochs": 3, "random_state": 0}
MODELS = {
    "beside PCA": AutoEncoder(3, **SETTINGS),
    "never compared": AutoEncoder(3, **SETTINGS, training=Training(held_out=0)),
    "variational": VariationalAutoEncoder(3, **SETTINGS),
}


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        *(("beside PCA", kind) for kind in ROWS),
        ("never compared", "counts"),
        ("variational", "present"),
    ],
)
def test_a_model_of_sparse_rows_is_that_of_dense_ones(model, kind):
    model = clone(MODELS[model])
    dense, sparse = ROWS[kind], csr_array(ROWS[kind])
    expected = model.fit(dense).transform(dense)
    model.fit(sparse)
    assert model.dtype_ == dense.dtype.name
    assert np.allclose(model.transform(sparse), expected, atol=1e-3 * expected.std())
    assert np.array_equal(model.transform(sparse), model.transform(dense))
    errors = model.reconstruction_error(sparse)
    assert np.array_equal(errors, model.reconstruction_error(dense))
    assert model.score(sparse) == pytest.approx(model.score(dense), abs=1e-3)
    assert model.inverse_transform(expected).shape == dense.shape


def test_the_network_is_compared_with_pca_on_sparse_rows():
    t = RNG.uniform(-1, 1, (500, 1))
    bent = np.maximum(0, np.sin(4 * t + np.arange(30)) - 0.3)
    model = AutoEncoder(1, network=DenseNetwork(hidden=(64,)), epochs=100, random_state=0)
    assert model.fit(csr_array(bent)).uses_network_


def test_sparse_rows_are_judged_like_dense_ones():
    rows = ROWS["present"]
    model = AutoEncoder(3, **SETTINGS).fit(csr_array(rows))
    sparse, dense = (evaluate(model, r, labels=TOPIC) for r in (csr_array(rows), rows))
    assert sparse | {"rows_per_second": 0} == dense | {"rows_per_second": 0}
    codes = model.transform(rows)
    assert trustworthiness(csr_array(rows), codes) == trustworthiness(rows, codes)


PROOF = """
import resource
import numpy as np
from scipy.sparse import csr_array
from latentmap import AutoEncoder
from latentmap.networks.dense import DenseNetwork

n, d, stored = 20_000, 20_000, 50
rng = np.random.default_rng(0)
places = (np.arange(n * stored) // stored, rng.integers(0, d, n * stored))
rows = csr_array((np.ones(n * stored, "f4"), places), shape=(n, d)) > 0
rows = rows.astype("f4")
model = AutoEncoder(2, network=DenseNetwork(hidden=(16,)), epochs=1, random_state=0)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
model.fit(rows).transform(rows)
assert len(model.history_["epoch"]) == 2, "nothing was trained"
print(peak() - before)
"""


@pytest.mark.slow
def test_a_large_sparse_matrix_is_never_dense():
    told = subprocess.run([sys.executable, "-c", PROOF], capture_output=True, text=True, check=True)
    assert int(told.stdout) < 1.0e9  # dense, the rows alone are 1.6 GB
