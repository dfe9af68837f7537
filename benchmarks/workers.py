"""Compare two workers of one core each with one process on two cores.

The training rate is computed from the difference between a long and a short fit, so that it does
not include the start of Ray and the workers. The encoding rate is that of reading and writing
Parquet, and includes the start. Both sides run in turns on one machine and compute the same model.

    python benchmarks/workers.py
"""

from __future__ import annotations

import functools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import time_call, write_result

from latentmap import AutoEncoder, Training
from latentmap.data import Source, load_dataset, open_data, write_rows
from latentmap.distributed import Workers
from latentmap.networks.dense import DenseNetwork

ROWS, SHORT_EPOCHS, LONG_EPOCHS, REPEATS, SEED = 16_384, 1, 9, 3, 0
HIDDEN, BATCH = (512, 256, 128), 512


def fit_model(rows: Source, epochs: int) -> AutoEncoder:
    """Fit the network for a number of epochs."""
    return AutoEncoder(
        2,
        network=DenseNetwork(HIDDEN, principal=False),
        epochs=epochs,
        training=Training(batch_size=BATCH, held_out=0, schedule="constant", learning_rate=1e-3),
        random_state=SEED,
    ).fit(rows)


def training_rate(rows: Source) -> tuple[float, float, AutoEncoder]:
    """Return the training rate, the seconds of a short fit, and the model of the long fit."""
    short, _ = time_call(lambda: fit_model(rows, SHORT_EPOCHS))
    long, model = time_call(lambda: fit_model(rows, LONG_EPOCHS))
    return len(rows) * (LONG_EPOCHS - SHORT_EPOCHS) / (long - short), short, model


def encoding_rate(encode: Callable[[Path], object], count: int) -> float:
    """Return the number of rows encoded per second, from a file to files."""
    with tempfile.TemporaryDirectory() as folder:
        seconds, _ = time_call(lambda: encode(Path(folder) / "codes.parquet"))
    return count / seconds


def encode_in_one_process(model: AutoEncoder, rows: Source) -> Callable[[Path], None]:
    """Return a function that encodes rows in one process."""

    def encode(path: Path) -> None:
        codes = (model.transform(batch.reshape(len(batch), 28, 28)) for batch in rows.batches(8192))
        write_rows(path, codes, length=len(rows))

    return encode


def main() -> None:
    """Measure in turns and write the medians."""
    rates: dict[str, list[float]] = {}

    def add(name: str, value: float) -> None:
        rates.setdefault(name, []).append(value)

    digits = load_dataset("mnist")
    rows = digits.subset(np.arange(ROWS)).load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.parquet"
        write_rows(path, [digits[:]], length=len(digits))
        parquet_rows = open_data(path)
        fit_model(rows, 1)  # This run fills the compilation cache.
        for _ in range(REPEATS):
            rate, short, one_process_model = training_rate(rows)
            add("train one", rate)
            add("short one", short)
            add(
                "encode one",
                encoding_rate(
                    encode_in_one_process(one_process_model, parquet_rows), len(parquet_rows)
                ),
            )
            start = time.perf_counter()
            with Workers(2) as workers:
                add("start Ray", time.perf_counter() - start)
                rate, short, two_workers_model = training_rate(rows)
                add("train two", rate)
                add("short two", short)
                encode = functools.partial(workers.encode, one_process_model, parquet_rows)
                rate = encoding_rate(encode, len(parquet_rows))
                add("encode two", rate)
    pairs = zip(one_process_model.encoder_.weights, two_workers_model.encoder_.weights, strict=True)
    difference = max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in pairs)
    weights = sum(int(np.prod(w.shape)) for w in one_process_model._objective.trainable_weights)
    metrics = {
        "rates": rates,
        "weights": weights,
        "max_weight_difference": difference,
        "seed": SEED,
    }
    write_result("workers", metrics, table(metrics), packages=("ray",))


def table(metrics: dict[str, Any]) -> str:
    """Return the table as Markdown."""
    medians = {name: statistics.median(values) for name, values in metrics["rates"].items()}
    lines = {
        "training, rows per second": ("train one", "train two", ",.0f"),
        "encoding Parquet, rows per second, including the start": (
            "encode one",
            "encode two",
            ",.0f",
        ),
        "fit of one epoch, seconds, including the start": ("short one", "short two", ".1f"),
    }
    return "\n".join(
        [
            "| measurement | one process, two cores | two workers, one core each |",
            "|---|---|---|",
            *(
                f"| {text} | {medians[one_process]:{form}} | {medians[two_workers]:{form}} |"
                for text, (one_process, two_workers, form) in lines.items()
            ),
            "",
            f"Layers 784-512-256-128-2-…-784, {metrics['weights']:,} weights, batches of {BATCH}, "
            f"{ROWS:,} digits trained on, 60,000 encoded; medians of {REPEATS} runs. Starting Ray "
            f"takes another {medians['start Ray']:.1f} s. After {LONG_EPOCHS} epochs the weights "
            f"of the encoders differ by at most {metrics['max_weight_difference']:.0e}. "
            "`python benchmarks/workers.py`.",
        ]
    )


if __name__ == "__main__":
    main()
