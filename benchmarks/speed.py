"""Measure the arithmetic rates of fitting and encoding, relative to the machine's matrix products.

The reference is the rate of NumPy's or JAX's float32 product of two 2048 × 2048 matrices, whichever
is higher, measured between the timings of the network in the same process. The network is a
784-512-256-128-2-128-256-512-784 autoencoder. Training counts as six operations per weight and row,
encoding as two.

    python benchmarks/speed.py
"""

from __future__ import annotations

import itertools
import resource
import statistics
from typing import Any

import numpy as np
from common import best_seconds, matrix_product_rate, time_call, write_result

from latentmap import AutoEncoder, Training
from latentmap.data import open_data
from latentmap.networks.dense import DenseNetwork

HIDDEN = (512, 256, 128)
REPEATS = 5


def fit_model(rows: np.ndarray, epochs: int) -> AutoEncoder:
    """Fit the network for a number of epochs."""
    network = DenseNetwork(HIDDEN, principal=False)
    training = Training(batch_size=512, held_out=0)
    return AutoEncoder(2, network=network, epochs=epochs, training=training, random_state=0).fit(
        rows
    )


def epoch_seconds(rows: np.ndarray) -> float:
    """Return the seconds of an epoch of `fit`, including shuffling, copying and progress."""
    short, long = (time_call(lambda n=n: fit_model(rows, n))[0] for n in (1, 6))
    return (long - short) / 5


def main() -> None:
    """Measure in turns and write the medians."""
    rows = open_data("mnist")[:]
    model = fit_model(rows, 1)
    widths = (784, *HIDDEN, 2)
    encoder_weights = sum(a * b for a, b in itertools.pairwise(widths))
    shares: dict[str, list[float]] = {"training": [], "transform": []}
    rates = []
    for _ in range(REPEATS):
        rates.append(matrix_product_rate())
        operations = 6 * 2 * encoder_weights * (len(rows) // 512 * 512)
        shares["training"].append(operations / epoch_seconds(rows) / rates[-1])
        seconds = best_seconds(lambda: model.transform(rows))
        shares["transform"].append(2 * encoder_weights * len(rows) / seconds / rates[-1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    report(rates, shares, peak)


def report(rates: list[float], shares: dict[str, list[float]], peak: float) -> None:
    """Write the results and the table."""
    metrics = {"shares": shares, "product_rates": rates, "peak_gib": peak}
    write_result("speed", metrics, table(metrics))


def table(metrics: dict[str, Any]) -> str:
    """Return the table as Markdown."""
    shares = {name: statistics.median(values) for name, values in metrics["shares"].items()}
    rate = statistics.median(metrics["product_rates"]) / 1e9
    return "\n".join(
        [
            "| operation | share of the machine's matrix-product rate |",
            "|---|---|",
            *(f"| {name} | {share:.0%} |" for name, share in shares.items()),
            "",
            f"Layers 784-512-256-128-2-…-784; the matrix product reached {rate:.0f} GFLOP/s; "
            f"fitting 60,000 digits took {metrics['peak_gib']:.2f} GiB of memory; "
            "`python benchmarks/speed.py`.",
        ]
    )


if __name__ == "__main__":
    main()
