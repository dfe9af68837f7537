"""Measure `LatentMap.partial_fit` with a digit that was not fitted.

For every digit, a `LatentMap` is fitted to the first rows of MNIST's 60,000 that show another
digit. `partial_fit` then updates a copy of it with rows of the new digit, with these and 2,000 rows
of other digits, with the 2,000 rows only, and with two new digits in turn. The fitted rows are not
passed again. A map that is fitted to all rows at once is the reference.

The figures are the median distance that a fitted row moves, relative to the width of the map; the
10-NN accuracy of unseen rows, with all rows passed so far as neighbours, for the digits fitted at
first and for the new digit; the share of unseen rows of the new digit whose nearest landmark is
new; and squared errors.

    python benchmarks/partial_fit.py [--rows 10000] [--seed 0] [--digits 9 1] [--quick]
"""

from __future__ import annotations

import argparse
import copy
import sys
from typing import Any

import numpy as np
from common import describe_machine, mnist_rows, time_call, write_result
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from latentmap import LatentMap

FITTED_ROWS, KNOWN_ROWS = 10_000, 2_000
STEP_NAMES = {
    "fitted": "none",
    "new": "new digit",
    "mixed": "new digit and others",
    "known": "others only",
    "second": "new digit, then a second one",
    "all_rows": "fit of all rows at once",
}


class Evaluation:
    """The metrics of an updated map, relative to the map that was fitted."""

    def __init__(self, fitted: LatentMap, rows: np.ndarray, digits: np.ndarray, new: int) -> None:
        self.unseen, self.unseen_digits = mnist_rows("unseen")
        self.rows, self.digits, self.new = rows, digits, new
        self.codes_before, self.n_landmarks = fitted.transform(rows), len(fitted.landmarks_)

    def metrics(
        self, model: LatentMap, new_rows: np.ndarray, new_digits: np.ndarray
    ) -> dict[str, Any]:
        """Measure a map to which new rows were passed, or that was fitted to all rows."""
        codes_after, unseen = model.transform(self.rows), model.transform(self.unseen)
        codes = (
            np.concatenate([codes_after, model.transform(new_rows)])
            if len(new_rows)
            else codes_after
        )
        classifier = KNeighborsClassifier(10).fit(codes, np.concatenate([self.digits, new_digits]))
        correct, new = (
            classifier.predict(unseen) == self.unseen_digits,
            self.unseen_digits == self.new,
        )
        is_old = np.isin(self.unseen_digits, self.digits)
        errors = model.reconstruction_error(self.unseen)
        movement = (
            np.linalg.norm(codes_after - self.codes_before, axis=1)
            / np.ptp(self.codes_before, axis=0).max()
        )
        nearest = NearestNeighbors(n_neighbors=1).fit(model.landmarks_).kneighbors(unseen)[1][:, 0]
        return {
            "movement": float(np.median(movement)),
            "accuracy_old": float(correct[is_old].mean()),
            "accuracy_new": float(correct[new].mean()),
            "at_new_landmarks": float((nearest[new] >= self.n_landmarks).mean()),
            "mse_old": float(errors[is_old].mean()),
            "mse_new": float(errors[new].mean()),
        }


def measure(new: int, rows: int, seed: int) -> dict[str, Any]:
    """Fit without one digit, update the map in all ways, and measure."""
    images, digits = mnist_rows("fit")
    second = 0 if new else 1
    old = np.flatnonzero((digits != new) & (digits != second))[:rows]
    others = np.flatnonzero((digits != new) & (digits != second))[rows : rows + KNOWN_ROWS]
    new_rows = np.flatnonzero(digits == new)[: rows // 8]
    second_rows = np.flatnonzero(digits == second)[: rows // 8]
    steps = {
        "new": [new_rows],
        "mixed": [np.concatenate([new_rows, others])],
        "known": [others],
        "second": [new_rows, second_rows],
    }
    seconds, fitted = time_call(lambda: LatentMap(random_state=seed).fit(images[old]))
    evaluation = Evaluation(fitted, images[old], digits[old], new)
    empty_indices = np.empty(0, int)
    metrics = evaluation.metrics(fitted, images[empty_indices], digits[empty_indices])
    results = {"fitted": {**metrics, "seconds": seconds}}
    for name, parts in steps.items():
        model, seconds = copy.deepcopy(fitted), 0.0
        for part in parts:
            seconds += time_call(lambda m=model, rows=images[part]: m.partial_fit(rows))[0]
        added_rows = np.concatenate(parts)
        metrics = evaluation.metrics(model, images[added_rows], digits[added_rows])
        results[name] = {**metrics, "seconds": seconds}
        results[name] |= {"report": model.partial_fit_report_}
        print(new, name, results[name], file=sys.stderr, flush=True)
    all_rows = images[np.concatenate([old, new_rows])]
    seconds, reference_map = time_call(lambda: LatentMap(random_state=seed).fit(all_rows))
    metrics = evaluation.metrics(reference_map, images[new_rows], digits[new_rows])
    results["all_rows"] = {**metrics, "seconds": seconds}
    counts = {"fitted": len(old), "new": len(new_rows)}
    return {"digit": new, "second": second, **counts, "steps": results}


def table(runs: list[dict[str, Any]], seed: int) -> str:
    """Return the table as Markdown."""
    lines = [
        "| new digit | rows passed to partial_fit | movement of fitted rows | 10-NN, old digits "
        "| 10-NN, new digit | at new landmarks | MSE, old | MSE, new |",
        "|---" * 8 + "|",
    ]
    for run in runs:
        for name, metrics in run["steps"].items():
            is_without_digit, is_updated = (
                name in ("fitted", "known"),
                name not in ("fitted", "all_rows"),
            )
            cells = [
                run["digit"],
                STEP_NAMES[name],
                f"{metrics['movement']:.2%}" if is_updated else "–",
                f"{metrics['accuracy_old']:.3f}",
                "–" if is_without_digit else f"{metrics['accuracy_new']:.3f}",
                f"{metrics['at_new_landmarks']:.1%}"
                if is_updated and not is_without_digit
                else "–",
                f"{metrics['mse_old']:.4f}",
                f"{metrics['mse_new']:.4f}",
            ]
            lines.append(f"| {' | '.join(map(str, cells))} |")
    counts = f"{runs[0]['fitted']:,} digits fitted, {runs[0]['new']:,} rows of the new digit"
    return "\n".join(
        [*lines, "", f"{counts}, 10,000 unseen, seed {seed}; `python benchmarks/partial_fit.py`."]
    )


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=FITTED_ROWS)
    parser.add_argument("--digits", type=int, nargs="+", default=[9, 1])
    parser.add_argument("--quick", action="store_true", help="one digit, 2,000 rows")
    options = parser.parse_args()
    if options.quick:
        options.rows, options.digits = 2000, [1]
    runs = [measure(digit, options.rows, options.seed) for digit in options.digits]
    lines = table(runs, options.seed)
    if options.rows < FITTED_ROWS:
        print(describe_machine(), lines, sep="\n")
        return
    write_result("partial_fit", {"seed": options.seed, "rows": options.rows, "runs": runs}, lines)


if __name__ == "__main__":
    main()
