"""Measure the time and the error of the recipes dense and conv on faces that were not fitted.

The data are 400 faces of 64 × 64 pixels (AT&T), of which 40 are held out.

    python benchmarks/photos.py [FOLDER OF FACES]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from common import FACES, write_result

from latentmap.autoencoders.presets import make_estimator
from latentmap.data import open_data

SIZES = (2, 32)
RECIPES = ("dense", "conv")


def main(folder: Path) -> None:
    """Fit every recipe, and write the figures."""
    fitted, held_out = open_data(folder).split(40, seed=0)
    lines = [
        "| recipe | components | fit, s | processor time, s | MSE of held-out faces | model |",
        "|---|---|---|---|---|---|",
    ]
    results = []
    for n_components in SIZES:
        for recipe in RECIPES:
            model = make_estimator(recipe, n_components=n_components, random_state=0)
            start, processor_start = time.perf_counter(), time.process_time()
            model.fit(fitted)
            seconds = time.perf_counter() - start
            processor_seconds = time.process_time() - processor_start
            mse = float(model.reconstruction_error(held_out).mean())
            kind = "network" if model.uses_network_ else "PCA"
            results.append(
                {
                    "recipe": recipe,
                    "n_components": n_components,
                    "seconds": round(seconds, 1),
                    "processor_seconds": round(processor_seconds, 1),
                    "mse": mse,
                    "selected_model": kind,
                }
            )
            lines.append(
                f"| {recipe} | {n_components} | {seconds:.0f} | {processor_seconds:.0f} | "
                f"{mse:.5f} | {kind} |"
            )
    write_result("photos", {"seed": 0, "runs": results}, "\n".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FACES)
