"""A map that grows: one digit left out of fitting, and taken in afterwards.

For every digit a `LatentMap` is fitted to the first rows of MNIST's 60,000 that show another one,
and then grows, each time from the fitted one: by rows of that digit alone, by these among 2,000
rows of the others, by the 2,000 alone; and by two new digits, one after the other. The fitted rows
are never handed in again. A map fitted to everything stands beside.

Told are: how far the middle fitted row moved, as a share of the map's width; 10-NN accuracy of
unseen rows by the codes of all rows shown so far, for the digits fitted at first and for the new
one; the share of unseen rows of the new digit that lie at the new landmarks; squared errors.

    python benchmarks/growing.py [--rows 10000] [--seed 0] [--digits 9 1] [--quick]
"""

from __future__ import annotations

import argparse
import copy
import sys
from typing import Any

import numpy as np
from common import machine, timed, write_result
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from latentmap import LatentMap
from latentmap.data import load_dataset

ROWS, KNOWN = 10_000, 2_000
WORDS = {
    "fitted": "before",
    "new": "+ the new digit",
    "mixed": "+ the new digit among others",
    "known": "+ others only",
    "second": "+ the new digit, then another",
    "everything": "fitted to everything at once",
}


def rows_of(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Give images and their digits."""
    source = load_dataset("mnist", part)
    return source[:], np.asarray(source.labels)


class Judge:
    """What is measured after each step, against the map as it was fitted."""

    def __init__(self, fitted: LatentMap, rows: np.ndarray, digits: np.ndarray, new: int) -> None:
        self.unseen, self.truth = rows_of("unseen")
        self.rows, self.digits, self.new = rows, digits, new
        self.before, self.landmarks = fitted.transform(rows), len(fitted.landmarks_)

    def figures(self, model: LatentMap, more: np.ndarray, theirs: np.ndarray) -> dict[str, Any]:
        """Measure a map that has seen ``more`` rows, or was fitted to all of them."""
        now, unseen = model.transform(self.rows), model.transform(self.unseen)
        codes = np.concatenate([now, model.transform(more)]) if len(more) else now
        votes = KNeighborsClassifier(10).fit(codes, np.concatenate([self.digits, theirs]))
        right, new = votes.predict(unseen) == self.truth, self.truth == self.new
        known = np.isin(self.truth, self.digits)
        errors = model.reconstruction_error(self.unseen)
        moved = np.linalg.norm(now - self.before, axis=1) / np.ptp(self.before, axis=0).max()
        at = NearestNeighbors(n_neighbors=1).fit(model.landmarks_).kneighbors(unseen)[1][:, 0]
        return {
            "moved": float(np.median(moved)),
            "accuracy_old": float(right[known].mean()),
            "accuracy_new": float(right[new].mean()),
            "own_place": float((at[new] >= self.landmarks).mean()),
            "mse_old": float(errors[known].mean()),
            "mse_new": float(errors[new].mean()),
        }


def left_out(new: int, rows: int, seed: int) -> dict[str, Any]:
    """Leave one digit out, fit, grow in all ways, and measure."""
    images, digits = rows_of("fit")
    second = 0 if new else 1
    old = np.flatnonzero((digits != new) & (digits != second))[:rows]
    others = np.flatnonzero((digits != new) & (digits != second))[rows : rows + KNOWN]
    fresh = np.flatnonzero(digits == new)[: rows // 8]
    later = np.flatnonzero(digits == second)[: rows // 8]
    steps = {
        "new": [fresh],
        "mixed": [np.concatenate([fresh, others])],
        "known": [others],
        "second": [fresh, later],
    }
    took, fitted = timed(lambda: LatentMap(random_state=seed).fit(images[old]))
    judge, nothing = Judge(fitted, images[old], digits[old], new), np.empty(0, int)
    told = {"fitted": {**judge.figures(fitted, images[nothing], digits[nothing]), "seconds": took}}
    for name, parts in steps.items():
        model, took = copy.deepcopy(fitted), 0.0
        for part in parts:
            took += timed(lambda grows=model, rows=images[part]: grows.partial_fit(rows))[0]
        seen = np.concatenate(parts)
        told[name] = {**judge.figures(model, images[seen], digits[seen]), "seconds": took}
        told[name] |= {"growth": model.growth_}
        print(new, name, told[name], file=sys.stderr, flush=True)
    both = images[np.concatenate([old, fresh])]
    took, whole = timed(lambda: LatentMap(random_state=seed).fit(both))
    told["everything"] = {**judge.figures(whole, images[fresh], digits[fresh]), "seconds": took}
    return {"digit": new, "second": second, "fitted": len(old), "new": len(fresh), "steps": told}


def table(runs: list[dict[str, Any]], seed: int) -> str:
    """Lay the figures out."""
    lines = [
        "| new digit | the map | fitted rows moved | 10-NN, old digits | 10-NN, new digit "
        "| in a place of its own | MSE, old | MSE, new |",
        "|---" * 8 + "|",
    ]
    for run in runs:
        for name, told in run["steps"].items():
            moved = "–" if name in ("fitted", "everything") else f"{told['moved']:.2%}"
            own = "–" if name in ("fitted", "known", "everything") else f"{told['own_place']:.1%}"
            new = "–" if name in ("fitted", "known") else f"{told['accuracy_new']:.3f}"
            lines.append(
                f"| {run['digit']} | {WORDS[name]} | {moved} | {told['accuracy_old']:.3f} | {new} "
                f"| {own} | {told['mse_old']:.4f} | {told['mse_new']:.4f} |"
            )
    counts = f"{runs[0]['fitted']:,} digits fitted, {runs[0]['new']:,} of the new one"
    return "\n".join(
        [*lines, "", f"{counts}, 10,000 unseen, seed {seed}; `python benchmarks/growing.py`."]
    )


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--digits", type=int, nargs="+", default=[9, 1])
    parser.add_argument("--quick", action="store_true", help="one digit, 2,000 rows")
    told = parser.parse_args()
    if told.quick:
        told.rows, told.digits = 2000, [1]
    runs = [left_out(digit, told.rows, told.seed) for digit in told.digits]
    lines = table(runs, told.seed)
    if told.rows < ROWS:
        print(machine(), lines, sep="\n")
        return
    write_result("growing", {"seed": told.seed, "rows": told.rows, "runs": runs}, lines)


if __name__ == "__main__":
    main()
