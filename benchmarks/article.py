"""Compare the article's plain Keras code, on TensorFlow and on JAX, with latentmap's preset.

Each run is a separate process with default settings. Its total time includes imports, data, five
epochs and encoding. The programs run in turns for each seed. latentmap stores compiled programs in
the user's cache folder, so it is measured twice: with an empty folder, as on its first use, and
with the stored programs. TensorFlow is installed into a separate environment, .venv.tensorflow, if
that is missing.

    python benchmarks/article.py [--seeds 0 1 2 3 4] [--tensorflow-python PATH]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

from common import ROOT, describe_seeds, median_of, write_result

FIRST_USE = "latentmap, first use"
LATER_USE = "latentmap, later uses"
PLAIN_KERAS = """
import gzip, json, sys
import matplotlib.pyplot as plt
import numpy as np
import keras
from keras.layers import Dense, Input
from keras.models import Model

def images(name):
    with gzip.open(f"{sys.argv[2]}/{name}-images-idx3-ubyte.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)

keras.utils.set_random_seed(int(sys.argv[1]))
x_train = images("train").astype("float32") / 255.0
input_img = Input(shape=(784,))
encoded = Dense(2)(input_img)
decoded = Dense(784)(encoded)
autoencoder = Model(input_img, decoded)
encoder = Model(input_img, encoded)
autoencoder.compile(optimizer="adam", loss="binary_crossentropy")
history = autoencoder.fit(x_train, x_train, epochs=5, batch_size=32, shuffle=True, verbose=0)
codes = encoder.predict(x_train, verbose=0)
print(json.dumps({"loss": history.history["loss"]}))
"""

LATENTMAP = """
import json, sys
import matplotlib.pyplot as plt
from latentmap.data import open_data
from latentmap.autoencoders.presets import make_estimator

rows = open_data("mnist")
model = make_estimator("article", random_state=int(sys.argv[1])).fit(rows)
codes = model.transform(rows)
print(json.dumps({"loss": model.history_["loss"][1:]}))
"""


def tensorflow_python() -> str:
    """Return the path of a Python with TensorFlow; create its environment if it is missing."""
    python = ROOT / ".venv.tensorflow" / "bin" / "python"
    if not python.exists():
        print("installing TensorFlow into .venv.tensorflow", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
        packages = ["tensorflow-cpu", "matplotlib"]  # The article's code imports both.
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return str(python)


def run_program(python: str, code: str, engine: str, seed: int, cache: str) -> dict[str, object]:
    """Fit in a new process with its own cache folder; return the losses and the elapsed seconds."""
    mnist = ROOT / "src" / "latentmap" / "data" / "mnist"
    environment = {"KERAS_BACKEND": engine, "TF_CPP_MIN_LOG_LEVEL": "3", "XDG_CACHE_HOME": cache}
    # The modules of an installed package are compiled once, so this setting must not prevent it.
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.run(
        [python, "-c", code, str(seed), str(mnist)],
        env={**inherited, **environment},
        check=True,
        capture_output=True,
        text=True,
        cwd=tempfile.gettempdir(),
    )
    seconds = time.perf_counter() - start
    return {"seed": seed, "seconds": seconds, **json.loads(process.stdout.splitlines()[-1])}


def main() -> None:
    """Run all programs in turns and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--tensorflow-python", help="a Python with TensorFlow and Matplotlib")
    options = parser.parse_args()
    programs = {
        "Keras on TensorFlow": (
            options.tensorflow_python or tensorflow_python(),
            PLAIN_KERAS,
            "tensorflow",
        ),
        "Keras on JAX": (sys.executable, PLAIN_KERAS, "jax"),
        FIRST_USE: (sys.executable, LATENTMAP, "jax"),
        LATER_USE: (sys.executable, LATENTMAP, "jax"),
    }
    runs: dict[str, list] = {name: [] for name in programs}
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as cache:  # LATER_USE follows FIRST_USE and finds its
            for name, program in programs.items():  # compiled programs.
                runs[name].append(run_program(*program, seed, cache))
                print(name, runs[name][-1], file=sys.stderr)
    report(runs, options.seeds)


def report(runs: dict[str, list], seeds: list[int]) -> None:
    """Write the results and the table."""
    seconds = {name: median_of(results, "seconds") for name, results in runs.items()}
    gap = max(
        abs(preset["loss"][-1] - keras["loss"][-1])
        for preset, keras in zip(runs[LATER_USE], runs["Keras on JAX"], strict=True)
    )
    metrics = {"seeds": seeds, "runs": runs, "median_seconds": seconds, "largest_loss_gap": gap}
    write_result("article", metrics, table(metrics))


def table(metrics: dict[str, Any]) -> str:
    """Return the table as Markdown."""
    seconds = metrics["median_seconds"]
    lines = [
        "| program | whole process, s | times faster | final loss for each seed |",
        "|---|---|---|---|",
    ]
    for name, results in metrics["runs"].items():
        losses = ", ".join(f"{result['loss'][-1]:.4f}" for result in results)
        speedup = seconds["Keras on TensorFlow"] / seconds[name]
        lines.append(f"| {name} | {seconds[name]:.1f} | {speedup:.1f} | {losses} |")
    seeds = describe_seeds(metrics["seeds"])
    lines += [
        "",
        "Whole processes with default settings, in turns: imports, data, five epochs of batches of "
        "32 rows, and the codes of 60,000 digits. On its first use latentmap compiles its "
        f"programs, and later uses read them from the user's cache folder. Times: {seeds}; "
        "`python benchmarks/article.py`.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
