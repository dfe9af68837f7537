"""How much of a digit so many bytes keep: codes of latentmap beside those of PCA.

Both sides are compressed by `latentmap.analysis.compress`, with the same quantiser and entropy
coder, to the same bytes a digit, everything in the file counted; the models themselves are not
counted, but told. They are fitted to the first 50,000 digits of MNIST. The next 5,000, seen by
neither, choose each side's number of components for each budget; the 10,000 unseen ones are
reported. PCA's digits are clipped to what pixels can be.

    python benchmarks/compression.py [--seed 0] [--models FOLDER]

A folder keeps the fitted models, and spares fitting those that are there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, write_result
from sklearn.decomposition import PCA

from latentmap import AutoEncoder, load_model, plots
from latentmap.analysis import compress, decompress
from latentmap.data import ArraySource, Source, open_data
from latentmap.plots.image_tiles import tile_images, to_rgb
from latentmap.plots.style import GREY, PALETTE, TEXT_COLOR, hide_frame, set_titles

BUDGETS = (4, 8, 16, 32, 64)
SIZES = {
    "PCA": (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 320, 400),
    "latentmap": (8, 12, 16, 24, 32, 64, 128, 192),
}
FITTED, CHOOSING = 50_000, 5_000
WORSE = 2
"""Larger codes are not tried where so many in a row were worse than the best."""
SHOWN, SHOWN_BUDGET = 10, 8
IMAGES = ROOT / "docs" / "images"


class Principal:
    """The first components of a PCA, as codes of images of 0 to 255."""

    scale_ = 255.0
    row_shape_ = (28, 28)

    def __init__(self, pca: PCA, n_components: int) -> None:
        self.mean, self.components = pca.mean_, pca.components_[:n_components]

    def transform(self, rows: Source | np.ndarray) -> np.ndarray:
        """Encode."""
        return (rows[:].reshape(len(rows), -1) - self.mean) @ self.components.T

    def inverse_transform(self, codes: np.ndarray) -> np.ndarray:
        """Decode, into what pixels can be."""
        rows = codes @ self.components + self.mean
        return np.clip(rows, 0, 255).reshape(-1, 28, 28).astype(np.float32)

    @property
    def numbers(self) -> int:
        """Return the numbers that the model consists of."""
        return self.mean.size + self.components.size


def principal_models(fitted: np.ndarray) -> dict[int, Any]:
    """Fit PCA once, and cut it at each size."""
    rows = fitted.reshape(len(fitted), -1).astype(np.float32)
    pca = PCA(max(SIZES["PCA"]), svd_solver="covariance_eigh").fit(rows)
    return {k: Principal(pca, k) for k in SIZES["PCA"]}


def autoencoders(fitted: np.ndarray, seed: int, folder: Path) -> dict[int, Any]:
    """Fit an autoencoder of each size, or take it from the folder."""
    models = {}
    for k in SIZES["latentmap"]:
        place = folder / f"ae{k}.safetensors"
        if not place.exists():
            print(f"fitting {k} components", file=sys.stderr)
            AutoEncoder(k, random_state=seed).fit(fitted).save(place)
        models[k] = load_model(place)
    return models


def numbers(model: Any) -> int:
    """Count the numbers that a model consists of."""
    if isinstance(model, Principal):
        return model.numbers
    return model.encoder_.count_params() + model.decoder_.count_params()


def written(model: Any, rows: Source, budget: int, place: Path) -> dict[str, float]:
    """Compress rows, and tell what came of it, measured on the rows that come back."""
    told = compress(model, rows, place, bytes_a_row=budget, labels=False)
    back = decompress(model, place)
    error = float(np.mean(np.square((rows[:] - back) / 255), dtype=np.float64))
    if not np.isclose(error, told.mse, rtol=1e-4):
        sys.exit(f"told an error of {told.mse}, measured one of {error}")
    return {"mse": error, "bytes": told.bytes_a_row, "model_mse": told.model_mse}


def best(models: dict[int, Any], parts: tuple[Source, Source], budget: int, place: Path) -> dict:
    """Choose the number of components by the first part, and report on the second."""
    chosen_by, reported = parts
    tried: dict[int, float] = {}
    for k, model in models.items():
        tried[k] = written(model, chosen_by, budget, place)["mse"]
        if min(tried.values()) < min(list(tried.values())[-WORSE:]):
            break
    k = min(tried, key=tried.__getitem__)
    told = {"components": k, "numbers": numbers(models[k]), "choosing_mse": tried}
    told |= written(models[k], reported, budget, place)
    print(budget, told, file=sys.stderr)
    return told


def draw_curves(found: dict[str, list[dict]]) -> None:
    """Draw both sides' error over the bytes."""
    with plots.figure(IMAGES / "compression.png", 6.4, 4.2) as ax:
        colors = {"PCA": GREY, "latentmap": PALETTE[0]}
        for side, told in found.items():
            errors = [point["mse"] for point in told]
            ax.plot(BUDGETS, errors, "o-", color=colors[side], linewidth=2, markersize=5)
            for budget, point in zip(BUDGETS, told, strict=True):
                above = side == "PCA"
                ax.annotate(
                    f"{point['components']}",
                    (budget, point["mse"]),
                    xytext=(0, 7 if above else -14),
                    textcoords="offset points",
                    ha="center",
                    fontsize=8,
                    color=colors[side],
                )
            place = (BUDGETS[-1] * 1.12, errors[-1])
            ax.annotate(side, place, va="center", fontsize=10, color=colors[side])
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set_xticks(BUDGETS, [str(budget) for budget in BUDGETS])
        ax.set_xlim(3.4, 130)
        ax.set_ylim(0.0007, 0.04)
        ticks = [0.001, 0.002, 0.005, 0.01, 0.02]
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
        ax.grid(color="#eeeeee", linewidth=0.8)
        title = "Unseen digits, compressed; beside each dot the numbers in a code"
        set_titles(ax, title, xlabel="bytes a digit", ylabel="mean squared error (pixels 0–1)")


def draw_digits(backs: dict[str, np.ndarray], originals: np.ndarray) -> None:
    """Draw some digits, and what each side brings back of them."""
    images = np.concatenate([originals, *backs.values()])
    sheet = tile_images(to_rgb(images, originals), SHOWN, gap=2)
    with plots.figure(IMAGES / "compression.digits.png", 7, 2.1) as ax:
        ax.imshow(sheet, interpolation="nearest")
        middles = [30 * i + 14 for i in range(3)]
        names = ["784 bytes", *(f"{side}, {SHOWN_BUDGET} bytes" for side in backs)]
        set_titles(ax, f"Unseen digits at {SHOWN_BUDGET} bytes each")
        hide_frame(ax)
        ax.set_xticks([])
        ax.set_yticks(middles, names, color=TEXT_COLOR)


def table(found: dict[str, list[dict]]) -> str:
    """Lay out the comparison."""
    lines = [
        "| bytes a digit | MSE, PCA | MSE, latentmap | numbers in a code, PCA | latentmap |",
        "|---|---|---|---|---|",
    ]
    for budget, pca, ours in zip(BUDGETS, *found.values(), strict=True):
        lines.append(
            f"| {budget} | {pca['mse']:.4f} | {ours['mse']:.4f} | {pca['components']} "
            f"| {ours['components']} |"
        )
    return "\n".join(lines)


def told(found: dict[str, list[dict]], gzip_bytes: float) -> str:
    """Say below the table what it leaves out."""
    sizes = {
        side: [f"{point['numbers'] * 4 / 1e6:.2g}" for point in (points[0], points[-1])]
        for side, points in found.items()
    }
    models = ", ".join(f"{side} {low}–{high} MB" for side, (low, high) in sizes.items())
    return (
        f"10,000 unseen digits in one file, header and all; 784 bytes each as pixels, "
        f"{gzip_bytes:.0f} with gzip. Not counted is the model, which both ends need: {models}. "
        f"Numbers in a code are those that did best on other digits; "
        f"`python benchmarks/compression.py`."
    )


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", type=Path, help="keeps the fitted models")
    asked = parser.parse_args()
    digits, unseen = open_data("mnist")[:], open_data("mnist:unseen")[:]
    parts = ArraySource(digits[FITTED : FITTED + CHOOSING]), ArraySource(unseen)
    with tempfile.TemporaryDirectory() as spare:
        place, folder = Path(spare) / "digits.codes", asked.models or Path(spare)
        models = {
            "PCA": principal_models(digits[:FITTED]),
            "latentmap": autoencoders(digits[:FITTED], asked.seed, folder),
        }
        found = {
            side: [best(sized, parts, budget, place) for budget in BUDGETS]
            for side, sized in models.items()
        }
        index, backs = BUDGETS.index(SHOWN_BUDGET), {}
        for side in ("latentmap", "PCA"):
            model = models[side][found[side][index]["components"]]
            gzip_bytes = compress(model, parts[1], place, bytes_a_row=SHOWN_BUDGET).gzip_bytes
            backs[side] = decompress(model, place)[:SHOWN]
    draw_curves(found)
    draw_digits(backs, unseen[:SHOWN])
    text = f"{table(found)}\n\n{told(found, gzip_bytes / len(unseen))}"
    write_result("compression", {"seed": asked.seed, "found": found}, text, ("constriction",))


if __name__ == "__main__":
    main()
