"""Measure an NVIDIA GPU: a map of MNIST, encoding, and the arithmetic rate of a wide network.

The map is fitted twice: the first time includes compilation by JAX, the second time does not.
"Training" is the training loop only; layout and neighbours are computed on the processor. Encoding
is timed from bytes in the machine's memory, and from bytes that are already in the card's memory.
The rate of the wide network counts six operations per weight and row over whole epochs of the
training loop. It is compared with the peak that the maker states for dense products in bfloat16
(float16 on a T4), and with the measured rate of one large product.

    python -m pip install --editable '.[cuda]'
    python benchmarks/gpu.py

Without a GPU the exit status is 2. `--smoke` runs everything with tiny sizes on any machine, and
writes no results.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from common import best_seconds, time_call, write_result

from latentmap import AutoEncoder, LatentMap, Training
from latentmap.backend import block_rows, has_accelerator, predict_batches
from latentmap.data import open_data
from latentmap.maps import layout_extension
from latentmap.networks.dense import DenseNetwork
from latentmap.training.launcher import LocalLauncher

SEED = 0
# Dense tera-operations per second of the makers' data sheets; the first name that matches counts.
PEAKS = {"H200": 989, "H100 PCIe": 756, "H100": 989, "A100": 312, "L4": 121, "T4": 65}
PACKAGES = ("jaxlib", "faiss-cpu", "openTSNE")


class Sizes(NamedTuple):
    """Numbers of rows, layer widths and epochs.

    ``epochs`` are those of a short and a long training of the wide network; the rate is computed
    from the difference of their times.
    """

    fitted: int = 60_000
    encoded: int = 1_000_000
    width: int = 8192
    batch: int = 8192
    wide_rows: int = 32_768
    epochs: tuple[int, int] = (2, 8)
    product: int = 8192


SMOKE = Sizes(600, 2_000, 32, 64, 256, (1, 2), 64)


def card() -> str:
    """Return the name of the device on which JAX computes."""
    import jax

    return jax.devices()[0].device_kind


def stated_peak(name: str) -> float | None:
    """Return the operations per second that the maker states; None if the card is not listed."""
    for card_name, tera_operations in PEAKS.items():
        words = card_name.split()
        if all(re.search(rf"\b{word}\b", name) for word in words):
            return tera_operations * 1e12
    return None


def time_inner(module: Any, name: str, function: Callable[[], Any]) -> tuple[float, float, Any]:
    """Call a function; return its seconds, those of one inner function, and its result."""
    inner, inner_seconds = getattr(module, name), []

    def timed_inner(*args: Any, **kwargs: Any) -> Any:
        seconds, result = time_call(lambda: inner(*args, **kwargs))
        inner_seconds.append(seconds)
        return result

    with mock.patch.object(module, name, timed_inner):
        total, result = time_call(function)
    return total, sum(inner_seconds), result


def map_metrics(sizes: Sizes) -> tuple[dict[str, float], LatentMap]:
    """Fit the map twice; return the seconds of each part, and the map."""
    rows, metrics = open_data("mnist")[: sizes.fitted], {}
    for kind in ("first", "second"):
        layout_seconds: list[float] = []

        def fit(layout_seconds: list[float] = layout_seconds) -> LatentMap:
            model = LatentMap(random_state=SEED)
            _, seconds, _ = time_inner(layout_extension, "compute_layout", lambda: model.fit(rows))
            layout_seconds.append(seconds)
            return model

        total, training, model = time_inner(LocalLauncher, "run", fit)
        metrics |= {
            f"fit_seconds_{kind}": total,
            f"layout_seconds_{kind}": layout_seconds[0],
            f"training_seconds_{kind}": training,
        }
    return metrics, model


def encoding_metrics(model: LatentMap, sizes: Sizes) -> dict[str, float]:
    """Time `transform` of bytes in memory, and the encoder on bytes in the card's memory."""
    import jax

    rows = open_data("mnist")[:]
    rows = rows[np.arange(sizes.encoded) % len(rows)]
    memory_seconds = best_seconds(lambda: model.transform(rows))
    block = block_rows(rows.shape[1:])
    blocks_on_card = [
        jax.device_put(rows[i : i + block]) for i in range(0, len(rows) - block + 1, block)
    ]
    jax.block_until_ready(blocks_on_card)
    card_seconds = best_seconds(lambda: list(predict_batches(model.encoder_, blocks_on_card)))
    return {
        "rows": len(rows),
        "rows_a_second_from_memory": len(rows) / memory_seconds,
        "rows_a_second_from_card": len(blocks_on_card) * block / card_seconds,
    }


def wide_rate(sizes: Sizes, precision: str) -> float:
    """Return the operations per second of training a wide network."""
    rows = np.random.default_rng(SEED).integers(0, 256, (sizes.wide_rows, sizes.width), np.uint8)
    network = DenseNetwork((sizes.width,) * 3, activation="relu", principal=False)
    training = Training(batch_size=sizes.batch, held_out=0, precision=precision)

    def training_seconds(epochs: int) -> float:
        model = AutoEncoder(
            64, network=network, epochs=epochs, training=training, random_state=SEED
        )
        return time_inner(LocalLauncher, "run", lambda: model.fit(rows))[1]

    training_seconds(1)
    short, long = (training_seconds(epochs) for epochs in sizes.epochs)
    weights = sum(network.layer_sizes((sizes.width,), 64))
    steps = (sizes.epochs[1] - sizes.epochs[0]) * (sizes.wide_rows // sizes.batch)
    return 6 * weights * steps * sizes.batch / max(long - short, 1e-9)


def product_rate(size: int) -> float:
    """Return the operations per second of ten large products in bfloat16, one after another."""
    import jax
    import jax.numpy as jnp

    a, b = (
        jnp.asarray(m, jnp.bfloat16)
        for m in np.random.default_rng(SEED).random((2, size, size), np.float32)
    )
    ten_products = jax.jit(lambda a, b: jax.lax.fori_loop(0, 10, lambda _, x: (x @ b) / size, a))
    return 10 * 2 * size**3 / best_seconds(lambda: ten_products(a, b).block_until_ready())


def measure(sizes: Sizes) -> dict[str, Any]:
    """Compute all metrics."""
    peak, product = stated_peak(card()), product_rate(sizes.product)
    map_results, model = map_metrics(sizes)
    rates = {precision: wide_rate(sizes, precision) for precision in ("bfloat16", "float32")}
    return {
        "card": card(),
        "seed": SEED,
        "sizes": sizes._asdict(),
        "map": map_results,
        "encoding": encoding_metrics(model, sizes),
        "wide": {
            "rates": rates,
            "product_rate": product,
            "stated_peak": peak,
            "share_of_stated_peak": peak and rates["bfloat16"] / peak,
            "share_of_product": rates["bfloat16"] / product,
        },
    }


def table(metrics: dict[str, Any]) -> str:
    """Return the table as Markdown, with the targets."""
    map_results, encoding, wide = (metrics[name] for name in ("map", "encoding", "wide"))
    share = wide["share_of_stated_peak"]
    return "\n".join(
        [
            f"| {metrics['card']} | measured | target |",
            "|---|---|---|",
            f"| `LatentMap.fit`, MNIST, s: first, second | {map_results['fit_seconds_first']:.1f}, "
            f"{map_results['fit_seconds_second']:.1f} | 15 |",
            f"| training only, s: first, second | {map_results['training_seconds_first']:.1f}, "
            f"{map_results['training_seconds_second']:.1f} | 3 |",
            "| `transform`, million rows per second: from memory, from the card "
            f"| {encoding['rows_a_second_from_memory'] / 1e6:.2f}, "
            f"{encoding['rows_a_second_from_card'] / 1e6:.2f} | 5 |",
            "| wide network in bfloat16, share of the stated peak "
            f"| {'not listed' if share is None else f'{share:.0%}'} | 40% |",
            "| wide network in bfloat16, share of one large product "
            f"| {wide['share_of_product']:.0%} | |",
        ]
    )


def main() -> None:
    """Measure and write the results, or exit if there is no GPU."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, no results")
    if parser.parse_args().smoke:
        metrics = measure(SMOKE)
        print(table(metrics), json.dumps(metrics), sep="\n")
    elif not has_accelerator():
        print("no GPU: expected a card that JAX can use, found none", file=sys.stderr)
        sys.exit(2)
    else:
        metrics = measure(Sizes())
        write_result("gpu", metrics, table(metrics), PACKAGES)


if __name__ == "__main__":
    main()
