"""Compare the error of digits compressed by codes of latentmap and of PCA.

`latentmap.analysis.compress` compresses both kinds of codes with the same quantiser and entropy
coder to the same number of bytes per digit. The size is that of the whole file, without the models,
whose size is stated. Models are fitted to the first 50,000 digits of MNIST. The next 5,000
select the number of components for each budget, and the 10,000 unseen digits give the figures. The
digits that PCA reconstructs are clipped to the range of pixels.

    python benchmarks/compression.py [--seed 0] [--models FOLDER]

With ``--models``, fitted models are stored in a folder and loaded from there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, load_or_fit, write_result
from sklearn.decomposition import PCA

from latentmap import AutoEncoder, plots
from latentmap.analysis import compress, decompress
from latentmap.data import ArraySource, Source, open_data
from latentmap.plots.image_tiles import tile_images, to_rgb
from latentmap.plots.style import GREY, PALETTE, TEXT_COLOR, hide_frame, set_titles

BUDGETS = (4, 8, 16, 32, 64)
SIZES = {
    "PCA": (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 320, 400),
    "latentmap": (8, 12, 16, 24, 32, 64, 128, 192),
}
FITTED_ROWS, SELECTION_ROWS = 50_000, 5_000
PATIENCE = 2  # Larger codes are not tried after this number of codes without an improvement.
DRAWN_DIGITS, DRAWN_BUDGET = 10, 8
IMAGES = ROOT / "docs" / "images"


class PrincipalCodes:
    """PCA with some of its components, as an encoder and decoder of images from 0 to 255."""

    scale_ = 255.0
    row_shape_ = (28, 28)

    def __init__(self, pca: PCA, n_components: int) -> None:
        self.mean, self.components = pca.mean_, pca.components_[:n_components]

    def transform(self, rows: Source | np.ndarray) -> np.ndarray:
        """Encode images."""
        return (rows[:].reshape(len(rows), -1) - self.mean) @ self.components.T

    def inverse_transform(self, codes: np.ndarray) -> np.ndarray:
        """Decode images, clipped to 0–255."""
        rows = codes @ self.components + self.mean
        return np.clip(rows, 0, 255).reshape(-1, 28, 28).astype(np.float32)

    @property
    def n_parameters(self) -> int:
        """Return the number of parameters."""
        return self.mean.size + self.components.size


def principal_models(fitted: np.ndarray) -> dict[int, Any]:
    """Fit PCA once; return it with each number of components."""
    rows = fitted.reshape(len(fitted), -1).astype(np.float32)
    pca = PCA(max(SIZES["PCA"]), svd_solver="covariance_eigh").fit(rows)
    return {k: PrincipalCodes(pca, k) for k in SIZES["PCA"]}


def autoencoders(fitted: np.ndarray, seed: int, folder: Path) -> dict[int, Any]:
    """Return an autoencoder of each size, from files in the folder where they are there."""
    return {
        k: load_or_fit(
            folder / f"ae{k}.safetensors",
            lambda k=k: AutoEncoder(k, random_state=seed).fit(fitted),
        )
        for k in SIZES["latentmap"]
    }


def n_parameters(model: Any) -> int:
    """Return the number of parameters of a model."""
    if isinstance(model, PrincipalCodes):
        return model.n_parameters
    return model.encoder_.count_params() + model.decoder_.count_params()


def measure(model: Any, rows: Source, budget: int, path: Path) -> dict[str, float]:
    """Compress rows, and measure the error of the decompressed rows."""
    report = compress(model, rows, path, bytes_per_row=budget, labels=False)
    decoded = decompress(model, path)
    error = float(np.mean(np.square((rows[:] - decoded) / 255), dtype=np.float64))
    if not np.isclose(error, report.mse, rtol=1e-4):
        sys.exit(f"compress reported an error of {report.mse}, expected the measured {error}")
    return {"mse": error, "bytes": report.bytes_per_row, "model_mse": report.model_mse}


def measure_best(
    models: dict[int, Any], parts: tuple[Source, Source], budget: int, path: Path
) -> dict[str, Any]:
    """Select the number of components on the first part, and measure on the second."""
    selection, test = parts
    errors: dict[int, float] = {}
    for k, model in models.items():
        errors[k] = measure(model, selection, budget, path)["mse"]
        if min(errors.values()) < min(list(errors.values())[-PATIENCE:]):
            break
    k = min(errors, key=errors.__getitem__)
    metrics = {"components": k, "n_parameters": n_parameters(models[k]), "selection_mse": errors}
    metrics |= measure(models[k], test, budget, path)
    print(budget, metrics, file=sys.stderr)
    return metrics


def draw_curves(results: dict[str, list[dict]]) -> None:
    """Draw the error of both methods over the number of bytes."""
    with plots.figure(IMAGES / "compression.png", 6.4, 4.2) as ax:
        colors = {"PCA": GREY, "latentmap": PALETTE[0]}
        for method, points in results.items():
            errors = [point["mse"] for point in points]
            ax.plot(BUDGETS, errors, "o-", color=colors[method], linewidth=2, markersize=5)
            for budget, point in zip(BUDGETS, points, strict=True):
                is_above = method == "PCA"
                ax.annotate(
                    f"{point['components']}",
                    (budget, point["mse"]),
                    xytext=(0, 7 if is_above else -14),
                    textcoords="offset points",
                    ha="center",
                    fontsize=8,
                    color=colors[method],
                )
            position = (BUDGETS[-1] * 1.12, errors[-1])
            ax.annotate(method, position, va="center", fontsize=10, color=colors[method])
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set_xticks(BUDGETS, [str(budget) for budget in BUDGETS])
        ax.set_xlim(3.4, 130)
        ax.set_ylim(0.0007, 0.04)
        ticks = [0.001, 0.002, 0.005, 0.01, 0.02]
        ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
        ax.grid(color="#eeeeee", linewidth=0.8)
        title = "Compressed unseen digits; labels are the number of components"
        set_titles(ax, title, xlabel="bytes per digit", ylabel="mean squared error (pixels 0–1)")


def draw_digits(decoded: dict[str, np.ndarray], originals: np.ndarray) -> None:
    """Draw digits, and the decompressed digits of both methods."""
    images = np.concatenate([originals, *decoded.values()])
    sheet = tile_images(to_rgb(images, originals), DRAWN_DIGITS, gap=2)
    with plots.figure(IMAGES / "compression.digits.png", 7, 2.1) as ax:
        ax.imshow(sheet, interpolation="nearest")
        middles = [30 * i + 14 for i in range(3)]
        names = ["784 bytes", *(f"{method}, {DRAWN_BUDGET} bytes" for method in decoded)]
        set_titles(ax, f"Unseen digits at {DRAWN_BUDGET} bytes each")
        hide_frame(ax)
        ax.set_xticks([])
        ax.set_yticks(middles, names, color=TEXT_COLOR)


def table(metrics: dict[str, Any]) -> str:
    """Return the table as Markdown."""
    results = metrics["results"]
    lines = [
        "| bytes per digit | MSE, PCA | MSE, latentmap | components, PCA | components, latentmap |",
        "|---|---|---|---|---|",
    ]
    for budget, pca, ae in zip(BUDGETS, *results.values(), strict=True):
        lines.append(
            f"| {budget} | {pca['mse']:.4f} | {ae['mse']:.4f} | {pca['components']} "
            f"| {ae['components']} |"
        )
    sizes = {
        method: [f"{point['n_parameters'] * 4 / 1e6:.2g}" for point in (points[0], points[-1])]
        for method, points in results.items()
    }
    models = ", ".join(f"{method} {low}–{high} MB" for method, (low, high) in sizes.items())
    lines += [
        "",
        "10,000 unseen digits in one file, header included; a digit has 784 bytes as pixels and "
        f"{metrics['gzip_bytes']:.0f} with gzip. The model, which both ends need, is not counted: "
        f"{models}. The number of components is selected on other digits; "
        "`python benchmarks/compression.py`.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", type=Path, help="folder of fitted models")
    options = parser.parse_args()
    digits, unseen = open_data("mnist")[:], open_data("mnist:unseen")[:]
    parts = ArraySource(digits[FITTED_ROWS : FITTED_ROWS + SELECTION_ROWS]), ArraySource(unseen)
    with tempfile.TemporaryDirectory() as temporary:
        path, folder = Path(temporary) / "digits.codes", options.models or Path(temporary)
        models = {
            "PCA": principal_models(digits[:FITTED_ROWS]),
            "latentmap": autoencoders(digits[:FITTED_ROWS], options.seed, folder),
        }
        results = {
            method: [measure_best(by_size, parts, budget, path) for budget in BUDGETS]
            for method, by_size in models.items()
        }
        index, decoded = BUDGETS.index(DRAWN_BUDGET), {}
        for method in ("latentmap", "PCA"):
            model = models[method][results[method][index]["components"]]
            gzip_bytes = compress(model, parts[1], path, bytes_per_row=DRAWN_BUDGET).gzip_bytes
            decoded[method] = decompress(model, path)[:DRAWN_DIGITS]
    draw_curves(results)
    draw_digits(decoded, unseen[:DRAWN_DIGITS])
    metrics = {"seed": options.seed, "results": results, "gzip_bytes": gzip_bytes / len(unseen)}
    write_result("compression", metrics, table(metrics), ("constriction",))


if __name__ == "__main__":
    main()
