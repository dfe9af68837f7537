"""Sparse rows give the results of dense rows and are never converted to dense all at once."""

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
ROWS = {"counts": COUNTS * 1.0, "presence": (COUNTS > 0).astype("f4"), "bytes": COUNTS.astype("u1")}


SETTINGS = {"network": DenseNetwork(hidden=(16,)), "epochs": 3, "random_state": 0}
MODELS = {
    "compared with PCA": AutoEncoder(3, **SETTINGS),
    "never compared": AutoEncoder(3, **SETTINGS, training=Training(held_out=0)),
    "variational": VariationalAutoEncoder(3, **SETTINGS),
}


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        *(("compared with PCA", kind) for kind in ROWS),
        ("never compared", "counts"),
        ("variational", "presence"),
    ],
)
def test_sparse_and_dense_rows_give_the_same_model(model, kind):
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


def test_network_is_better_than_pca_on_sparse_rows():
    t = RNG.uniform(-1, 1, (500, 1))
    curve = np.maximum(0, np.sin(4 * t + np.arange(30)) - 0.3)
    model = AutoEncoder(1, network=DenseNetwork(hidden=(64,)), epochs=100, random_state=0)
    assert model.fit(csr_array(curve)).uses_network_


def test_sparse_and_dense_rows_give_the_same_metrics():
    rows = ROWS["presence"]
    model = AutoEncoder(3, **SETTINGS).fit(csr_array(rows))
    sparse, dense = (evaluate(model, r, labels=TOPIC) for r in (csr_array(rows), rows))
    assert sparse | {"rows_per_second": 0} == dense | {"rows_per_second": 0}
    codes = model.transform(rows)
    assert trustworthiness(csr_array(rows), codes) == trustworthiness(rows, codes)


PEAK_MEMORY_SCRIPT = """
import resource
import numpy as np
from scipy.sparse import csr_array
from latentmap import AutoEncoder
from latentmap.networks.dense import DenseNetwork

n, d, nonzeros = 20_000, 20_000, 50
rng = np.random.default_rng(0)
positions = (np.arange(n * nonzeros) // nonzeros, rng.integers(0, d, n * nonzeros))
rows = csr_array((np.ones(n * nonzeros, "f4"), positions), shape=(n, d)) > 0
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
def test_fit_of_a_sparse_matrix_needs_less_memory_than_the_dense_matrix():
    result = subprocess.run(
        [sys.executable, "-c", PEAK_MEMORY_SCRIPT], capture_output=True, text=True, check=True
    )
    assert int(result.stdout) < 1.0e9  # The dense rows would occupy 1.6 GB.
