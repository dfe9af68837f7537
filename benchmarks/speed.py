"""How much of the machine's own matrix-product rate fitting and encoding reach.

The rate is that of NumPy's float32 product of two 2048 × 2048 matrices, or JAX's, whichever is
higher, measured between the timings of the network, in the same process. Training of a
784-512-256-128-2-128-256-512-784 autoencoder counts six operations a weight and row, encoding two.

    python benchmarks/speed.py
"""

from __future__ import annotations

import itertools
import resource
import statistics

import numpy as np
from common import product_rate, seconds, timed, write_result

from latentmap import AutoEncoder, Training
from latentmap.data import open_data
from latentmap.networks.dense import DenseNetwork

HIDDEN = (512, 256, 128)
REPEATS = 5


def fitted(rows: np.ndarray, epochs: int) -> AutoEncoder:
    """Fit the network for so many epochs."""
    network = DenseNetwork(HIDDEN, principal=False)
    training = Training(batch_size=512, held_out=0)
    return AutoEncoder(2, network=network, epochs=epochs, training=training, random_state=0).fit(
        rows
    )


def epoch_seconds(rows: np.ndarray) -> float:
    """Time an epoch of `fit` with all that goes with it: shuffling, copying, progress."""
    short, long = (timed(lambda epochs=epochs: fitted(rows, epochs))[0] for epochs in (1, 6))
    return (long - short) / 5


def main() -> None:
    """Measure in turns and report medians."""
    rows = open_data("mnist")[:]
    model = fitted(rows, 1)
    widths = (784, *HIDDEN, 2)
    half = sum(a * b for a, b in itertools.pairwise(widths))
    shares: dict[str, list[float]] = {"training": [], "transform": []}
    rates = []
    for _ in range(REPEATS):
        rates.append(product_rate())
        operations = 6 * 2 * half * (len(rows) // 512 * 512)
        shares["training"].append(operations / epoch_seconds(rows) / rates[-1])
        took = seconds(lambda: model.transform(rows))
        shares["transform"].append(2 * half * len(rows) / took / rates[-1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    report(rates, shares, peak)


def report(rates: list[float], shares: dict[str, list[float]], peak: float) -> None:
    """Write the figures and the table."""
    middle = {name: statistics.median(values) for name, values in shares.items()}
    table = "\n".join(
        [
            "| | share of the machine's matrix-product rate |",
            "|---|---|",
            *(f"| {name} | {share:.0%} |" for name, share in middle.items()),
            "",
            f"784-512-256-128-2-…-784; the product reached {statistics.median(rates) / 1e9:.0f} "
            f"GFLOP/s; fitting 60,000 digits took {peak:.2f} GiB of memory in all; "
            "`python benchmarks/speed.py`.",
        ]
    )
    write_result("speed", {"shares": shares, "product_rates": rates, "peak_gib": peak}, table)


if __name__ == "__main__":
    main()
