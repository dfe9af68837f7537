"""The time of small jobs depends on imported packages and on the number of compiled programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

COUNT_PROGRAMS = """
import json, sys
import numpy as np
from latentmap import AutoEncoder, LatentMap
import jax

events = []
jax.monitoring.register_event_duration_secs_listener(lambda event, *_, **__: events.append(event))
rows = np.random.default_rng(0).normal(size=(200, 5))
estimator = {"map": LatentMap, "dense": AutoEncoder}[sys.argv[1]](epochs=2, random_state=0)
estimator.inverse_transform(estimator.fit(rows).transform(rows))
print(json.dumps(sum("backend_compile" in event for event in events)))
"""


@pytest.mark.skipif(os.environ.get("KERAS_BACKEND", "jax") != "jax", reason="counts JAX programs")
@pytest.mark.parametrize(("estimator", "limit"), [("map", 10), ("dense", 10)])
def test_a_fit_compiles_few_programs(estimator, limit):
    output = subprocess.run(
        [sys.executable, "-c", COUNT_PROGRAMS, estimator],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert 4 <= json.loads(output) <= limit


RUN_COMMAND = """
import sys
from latentmap.cli import app
try:
    app(prog_name="latentmap")
except SystemExit as exit:
    code = exit.code or 0
print(code, sorted({"keras", "jax", "sklearn", "matplotlib"} & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["datasets"], 0),
        (["info", "flowers.safetensors"], 0),
        (["fit", "missing.csv"], 2),
        (["encode", "missing.safetensors", "missing.csv"], 2),
        (["encode", "flowers.safetensors", "missing.csv"], 2),
        (["fit", "missing/"], 2),
        (["fit", "flowers.csv", "-o", "missing/flowers.safetensors"], 2),
    ],
)
def test_no_engine_is_started_before_arguments_are_checked(arguments, code, folder):
    result = subprocess.run(
        [sys.executable, "-c", RUN_COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert result.stderr.splitlines()[-1] == f"{code} []"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a table and a model of it."""
    import pandas as pd

    from latentmap import AutoEncoder

    folder = tmp_path_factory.mktemp("flowers")
    frame = pd.DataFrame({"size": range(40), "kind": ["small", "large"] * 20})
    frame.to_csv(folder / "flowers.csv", index=False)
    AutoEncoder(1, epochs=1, random_state=0).fit(frame).save(folder / "flowers.safetensors")
    return folder
