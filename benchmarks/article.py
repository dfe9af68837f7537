"""The article's own few lines in plain Keras, on TensorFlow and on JAX, beside latentmap's recipe.

Each run is a process of its own, timed whole: imports, data, five epochs, encoding. The three take
turns, seed by seed. TensorFlow lives in an environment of its own (.venv.tensorflow, made here if
it is missing).

    python benchmarks/article.py [--seeds 0 1 2]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from common import ROOT, over, write_result

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
print(json.dumps({"loss": history.history["loss"], "keras": keras.__version__}))
"""

OURS = """
import json, sys
import matplotlib.pyplot as plt
import keras
from latentmap.data import open_data
from latentmap.autoencoders.presets import make

rows = open_data("mnist")
model = make("article", random_state=int(sys.argv[1])).fit(rows)
codes = model.transform(rows)
print(json.dumps({"loss": model.history_["loss"][1:], "keras": keras.__version__}))
"""


def tensorflow_python() -> str:
    """Give the Python that has TensorFlow, making its environment if there is none."""
    python = ROOT / ".venv.tensorflow" / "bin" / "python"
    if not python.exists():
        print("installing TensorFlow into .venv.tensorflow", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
        packages = ["tensorflow-cpu", "matplotlib"]  # what the article imports
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return str(python)


def run(python: str, code: str, engine: str, seed: int) -> dict[str, object]:
    """Run one process; give its losses and its seconds."""
    mnist = ROOT / "src" / "latentmap" / "data" / "mnist"
    started = time.perf_counter()
    done = subprocess.run(
        [python, "-c", code, str(seed), str(mnist)],
        env={**os.environ, "KERAS_BACKEND": engine, "TF_CPP_MIN_LOG_LEVEL": "3"},
        check=True,
        capture_output=True,
        text=True,
        cwd=Path("/tmp"),
    )
    seconds = time.perf_counter() - started
    return {"seed": seed, "seconds": seconds, **json.loads(done.stdout.splitlines()[-1])}


def main() -> None:
    """Run all sides in turns and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    seeds = parser.parse_args().seeds
    sides = {
        "Keras on TensorFlow": (tensorflow_python(), PLAIN_KERAS, "tensorflow"),
        "Keras on JAX": (sys.executable, PLAIN_KERAS, "jax"),
        "latentmap, recipe article": (sys.executable, OURS, "jax"),
    }
    run(sys.executable, OURS, "jax", seeds[0])  # the compiled programs are cached by this one
    runs: dict[str, list] = {name: [] for name in sides}
    for seed in seeds:
        for name, side in sides.items():
            runs[name].append(run(*side, seed))
            print(name, runs[name][-1], file=sys.stderr)
    report(runs, seeds)


def report(runs: dict[str, list], seeds: list[int]) -> None:
    """Write the figures and the table."""
    seconds = {name: statistics.median(r["seconds"] for r in rs) for name, rs in runs.items()}
    losses = {name: [r["loss"][-1] for r in rs] for name, rs in runs.items()}
    slowest = seconds["Keras on TensorFlow"]
    lines = [
        "| | whole process, s | times faster | loss after 5 epochs, by seed |",
        "|---|---|---|---|",
    ]
    for name in runs:
        told = ", ".join(f"{loss:.4f}" for loss in losses[name])
        lines.append(f"| {name} | {seconds[name]:.1f} | {slowest / seconds[name]:.1f} | {told} |")
    lines.append("")
    lines.append(f"Figures are {over(seeds)}; `python benchmarks/article.py`.")
    apart = max(
        abs(a - b)
        for a, b in zip(losses["latentmap, recipe article"], losses["Keras on JAX"], strict=True)
    )
    figures = {"seeds": seeds, "runs": runs, "median_seconds": seconds, "largest_loss_gap": apart}
    write_result("article", figures, "\n".join(lines))


if __name__ == "__main__":
    main()
