"""What two workers of one core each cost and give, beside one process on two cores.

Training is timed as the difference between a long fit and a short one, so that starting Ray and
the workers, which is told by itself, is in neither; encoding by reading Parquet and writing
Parquet, all in all. Both sides run in turns on one machine, and find the same model.

    python benchmarks/workers.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import timed, write_result

from latentmap import AutoEncoder, Training
from latentmap.data import Source, load_dataset, open_data, write_rows
from latentmap.distributed import Workers
from latentmap.networks.dense import DenseNetwork

ROWS, SHORT, LONG, REPEATS, SEED = 16_384, 1, 9, 3, 0
HIDDEN, BATCH = (512, 256, 128), 512


def fitted(rows: Source, epochs: int) -> AutoEncoder:
    """Fit the network for so many epochs."""
    return AutoEncoder(
        2,
        network=DenseNetwork(HIDDEN, principal=False),
        epochs=epochs,
        training=Training(batch_size=BATCH, held_out=0, schedule="constant", learning_rate=1e-3),
        random_state=SEED,
    ).fit(rows)


def trained_rate(rows: Source) -> tuple[float, float, AutoEncoder]:
    """Give the rows a second of training, the seconds of a short fit, and the long one's model."""
    short, _ = timed(lambda: fitted(rows, SHORT))
    long, model = timed(lambda: fitted(rows, LONG))
    return len(rows) * (LONG - SHORT) / (long - short), short, model


def encoded_rate(encode: Callable[[Path], object], count: int) -> float:
    """Give the rows a second of encoding, from a file to files."""
    with tempfile.TemporaryDirectory() as folder:
        took, _ = timed(lambda: encode(Path(folder) / "codes.parquet"))
    return count / took


def alone(model: AutoEncoder, rows: Source) -> Callable[[Path], None]:
    """Encode in one process."""

    def encode(place: Path) -> None:
        codes = (model.transform(batch.reshape(len(batch), 28, 28)) for batch in rows.batches(8192))
        write_rows(place, codes, length=len(rows))

    return encode


def main() -> None:
    """Measure in turns and report medians."""
    rates: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        rates.setdefault(name, []).append(value)

    digits = load_dataset("mnist")
    rows = digits.subset(np.arange(ROWS)).load()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "digits.parquet"
        write_rows(place, [digits[:]], length=len(digits))
        table = open_data(place)
        fitted(rows, 1)  # compiles
        for _ in range(REPEATS):
            rate, short, one = trained_rate(rows)
            note("train one", rate)
            note("short one", short)
            note("encode one", encoded_rate(alone(one, table), len(table)))
            began = time.perf_counter()
            with Workers(2) as workers:
                note("start Ray", time.perf_counter() - began)
                rate, short, two = trained_rate(rows)
                note("train two", rate)
                note("short two", short)
                crew = encoded_rate(lambda place: workers.encode(one, table, place), len(table))  # noqa: B023
                note("encode two", crew)
    pairs = zip(one.encoder_.weights, two.encoder_.weights, strict=True)
    apart = max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in pairs)
    report(rates, apart, sum(int(np.prod(w.shape)) for w in one._objective.trainable_weights))


def report(rates: dict[str, list[float]], apart: float, weights: int) -> None:
    """Write the figures and the table."""
    middle = {name: statistics.median(values) for name, values in rates.items()}
    lines = {
        "training, rows a second": ("train one", "train two", ",.0f"),
        "encoding Parquet, rows a second, with the start": ("encode one", "encode two", ",.0f"),
        "a fit of one epoch, seconds, with the start": ("short one", "short two", ".1f"),
    }
    told = [
        f"| {text} | {middle[one]:{form}} | {middle[two]:{form}} |"
        for text, (one, two, form) in lines.items()
    ]
    table = "\n".join(
        [
            "| | one process, two cores | two workers, a core each |",
            "|---|---|---|",
            *told,
            "",
            f"784-512-256-128-2-…-784, {weights:,} weights, batches of {BATCH}, {ROWS:,} digits "
            f"trained on, 60,000 encoded; medians of {REPEATS}; starting Ray took "
            f"{middle['start Ray']:.1f} s more. After {LONG} epochs no weight of the encoder "
            f"differs by more than {apart:.0e}. `python benchmarks/workers.py`.",
        ]
    )
    figures = {"rates": rates, "weights": weights, "apart": apart, "seed": SEED}
    write_result("workers", figures, table, packages=("ray",))


if __name__ == "__main__":
    main()
