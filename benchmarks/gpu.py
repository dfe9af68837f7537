"""What an NVIDIA GPU makes of it: a map of MNIST, encoding, and a wide network's share of its peak.

The map is fitted twice: the first time with all that JAX compiles or finds in its cache, the second
time without. "Training" is the training loop alone; layout and neighbours are computed on the
processor. Encoding is timed from bytes in the machine's memory, and from bytes that are already on
the card. The wide network's rate counts six operations a weight and row, over whole epochs of the
training loop; the card's peak is what its maker states for dense products in bfloat16 (float16 on a
T4), and beside it stands the rate of one large product, measured here.

    python -m pip install --editable '.[cuda]'
    python benchmarks/gpu.py

Without a GPU it says so and ends with 2. `--smoke` runs all of it, tiny, on any machine, and writes
nothing.
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
from common import seconds, timed, write_result

from latentmap import AutoEncoder, LatentMap, Training
from latentmap.backend import accelerator, block_rows, stream
from latentmap.data import open_data
from latentmap.maps import layout_extension
from latentmap.networks.dense import DenseNetwork
from latentmap.training import preparation

SEED = 0
PEAKS = {"H200": 989, "H100 PCIe": 756, "H100": 989, "A100": 312, "L4": 121, "T4": 65}
"""Dense tera-operations a second by the maker's data sheets; the first name that is met counts."""
PACKAGES = ("jaxlib", "faiss-cpu", "openTSNE")


class Sizes(NamedTuple):
    """How large everything is."""

    fitted: int = 60_000
    encoded: int = 1_000_000
    width: int = 8192
    batch: int = 8192
    wide_rows: int = 32_768
    epochs: tuple[int, int] = (2, 8)
    """Of the wide network's two trainings; the difference of their times is that of the rest."""
    product: int = 8192


SMOKE = Sizes(600, 2_000, 32, 64, 256, (1, 2), 64)


def card() -> str:
    """Name what JAX computes on."""
    import jax

    return jax.devices()[0].device_kind


def stated_peak(name: str) -> float | None:
    """Give the operations a second that the card's maker states; None where it is not listed."""
    for known, tera in PEAKS.items():
        words = known.split()
        if all(re.search(rf"\b{word}\b", name) for word in words):
            return tera * 1e12
    return None


def watched(module: Any, name: str, action: Callable[[], Any]) -> tuple[float, float, Any]:
    """Do something; give its seconds, those spent in one function of it, and what it gave."""
    inner, spent = getattr(module, name), []

    def timing(*args: Any, **kwargs: Any) -> Any:
        took, outcome = timed(lambda: inner(*args, **kwargs))
        spent.append(took)
        return outcome

    with mock.patch.object(module, name, timing):
        total, outcome = timed(action)
    return total, sum(spent), outcome


def map_figures(sizes: Sizes) -> tuple[dict[str, float], LatentMap]:
    """Fit the map, cold and warm; give seconds by part, and the map."""
    rows, figures = open_data("mnist")[: sizes.fitted], {}
    for kind in ("first", "again"):
        spent: list[float] = []

        def fit(spent: list[float] = spent) -> LatentMap:
            made = LatentMap(random_state=SEED)
            _, layout, made = watched(layout_extension, "find_layout", lambda: made.fit(rows))
            spent.append(layout)
            return made

        total, training, model = watched(preparation, "train", fit)
        figures |= {
            f"fit_seconds_{kind}": total,
            f"layout_seconds_{kind}": spent[0],
            f"training_seconds_{kind}": training,
        }
    return figures, model


def encoding_figures(model: LatentMap, sizes: Sizes) -> dict[str, float]:
    """Time `transform` of bytes in memory, and the encoder over bytes on the card."""
    import jax

    rows = open_data("mnist")[:]
    rows = rows[np.arange(sizes.encoded) % len(rows)]
    from_memory = seconds(lambda: model.transform(rows))
    block = block_rows(rows.shape[1:])
    there = [jax.device_put(rows[i : i + block]) for i in range(0, len(rows) - block + 1, block)]
    jax.block_until_ready(there)
    from_card = seconds(lambda: list(stream(model.encoder_, there)))
    return {
        "rows": len(rows),
        "rows_a_second_from_memory": len(rows) / from_memory,
        "rows_a_second_from_card": len(there) * block / from_card,
    }


def wide_rate(sizes: Sizes, precision: str) -> float:
    """Give the operations a second that training a wide network reaches."""
    rows = np.random.default_rng(SEED).integers(0, 256, (sizes.wide_rows, sizes.width), np.uint8)
    network = DenseNetwork((sizes.width,) * 3, activation="relu", principal=False)
    training = Training(batch_size=sizes.batch, held_out=0, precision=precision)

    def trained(epochs: int) -> float:
        model = AutoEncoder(
            64, network=network, epochs=epochs, training=training, random_state=SEED
        )
        return watched(preparation, "train", lambda: model.fit(rows))[1]

    trained(1)
    short, long = (trained(epochs) for epochs in sizes.epochs)
    weights = sum(network.layer_sizes((sizes.width,), 64))
    steps = (sizes.epochs[1] - sizes.epochs[0]) * (sizes.wide_rows // sizes.batch)
    return 6 * weights * steps * sizes.batch / max(long - short, 1e-9)


def product_rate(size: int) -> float:
    """Give the operations a second of one large product in bfloat16, ten in a row."""
    import jax
    import jax.numpy as jnp

    a, b = (
        jnp.asarray(m, jnp.bfloat16)
        for m in np.random.default_rng(SEED).random((2, size, size), np.float32)
    )
    ten = jax.jit(lambda a, b: jax.lax.fori_loop(0, 10, lambda _, x: (x @ b) / size, a))
    return 10 * 2 * size**3 / seconds(lambda: ten(a, b).block_until_ready())


def measure(sizes: Sizes) -> dict[str, Any]:
    """Measure everything."""
    peak, product = stated_peak(card()), product_rate(sizes.product)
    mapped, model = map_figures(sizes)
    rates = {precision: wide_rate(sizes, precision) for precision in ("bfloat16", "float32")}
    return {
        "card": card(),
        "seed": SEED,
        "sizes": sizes._asdict(),
        "map": mapped,
        "encoding": encoding_figures(model, sizes),
        "wide": {
            "rates": rates,
            "product_rate": product,
            "stated_peak": peak,
            "share_of_stated_peak": peak and rates["bfloat16"] / peak,
            "share_of_product": rates["bfloat16"] / product,
        },
    }


def table(figures: dict[str, Any]) -> str:
    """Lay the figures out beside what was aimed at."""
    mapped, encoding, wide = (figures[name] for name in ("map", "encoding", "wide"))
    share = wide["share_of_stated_peak"]
    return "\n".join(
        [
            f"| {figures['card']} | measured | aim |",
            "|---|---|---|",
            f"| `LatentMap.fit`, MNIST, s: first, again | {mapped['fit_seconds_first']:.1f}, "
            f"{mapped['fit_seconds_again']:.1f} | 15 |",
            f"| of which training, s | {mapped['training_seconds_first']:.1f}, "
            f"{mapped['training_seconds_again']:.1f} | 3 |",
            "| `transform`, million rows a second: from memory, from the card "
            f"| {encoding['rows_a_second_from_memory'] / 1e6:.2f}, "
            f"{encoding['rows_a_second_from_card'] / 1e6:.2f} | 5 |",
            "| wide network in bfloat16, share of the stated peak "
            f"| {'not listed' if share is None else f'{share:.0%}'} | 40% |",
            f"| the same, share of one large product | {wide['share_of_product']:.0%} | |",
        ]
    )


def main() -> None:
    """Measure and write, or tell that there is no GPU."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="tiny, anywhere, nothing written")
    if parser.parse_args().smoke:
        figures = measure(SMOKE)
        print(table(figures), json.dumps(figures), sep="\n")
    elif not accelerator():
        print("no GPU: expected a card that JAX can use, found none", file=sys.stderr)
        sys.exit(2)
    else:
        figures = measure(Sizes())
        write_result("gpu", figures, table(figures), PACKAGES)


if __name__ == "__main__":
    main()
