"""Model files of two processes with the same seed are equal, byte for byte."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import sys, warnings
import numpy as np, pandas as pd, scipy.sparse
from sklearn.datasets import load_digits
from latentmap import AutoEncoder, LatentMap, VariationalAutoEncoder
from latentmap.autoencoders.presets import PRESETS, make_estimator

warnings.simplefilter("ignore")
rng, n = np.random.default_rng(0), 200
images = (load_digits().images[:n] * 15).astype("uint8")
rows = load_digits().data[: 2 * n]
words = np.array("red green blue old new big small house tree car river lake".split())
table = pd.DataFrame(
    {
        "size": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
        "count": rng.integers(0, 9, n),
        "kind": rng.choice(["ash", "elm", "oak", None], n),
        "tall": rng.random(n) < 0.3,
        "planted": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
        "text": [" ".join(rng.choice(words, 8)) for _ in range(n)],
    }
)
sparse = scipy.sparse.random(n, 60, 0.1, "csr", random_state=0)
options = {"epochs": 2, "random_state": 0}
models = {f"preset {name}": make_estimator(name, **options).fit(images) for name in PRESETS}
for estimator in (AutoEncoder, VariationalAutoEncoder, LatentMap):
    models[f"table {estimator.__name__}"] = estimator(2, **options).fit(table)
    models[f"sparse {estimator.__name__}"] = estimator(2, **options).fit(sparse)
models["cosine"] = LatentMap(metric="cosine", **options).fit(rows)
models["network"] = LatentMap(3, placement="network", **options).fit(rows)
models["partial fit"] = LatentMap(**options).fit(rows[:n]).partial_fit(rows[n:])
for name, model in models.items():
    model.save(f"{name}.safetensors")
"""


@pytest.mark.slow
def test_model_files_of_two_processes_are_equal(tmp_path):
    folders = tmp_path / "first", tmp_path / "another folder"
    for folder, seed in zip(folders, ("1", "77"), strict=True):
        folder.mkdir()
        environment = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", SCRIPT], cwd=folder, env=environment, check=True)
    names = sorted(path.name for path in folders[0].iterdir())
    assert len(names) == 14
    different = [name for name in names if len({(f / name).read_bytes() for f in folders}) > 1]
    assert not different
