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
