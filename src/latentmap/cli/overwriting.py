"""Protect the model file and the pictures of an earlier fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from latentmap.cli.console import format_count
from latentmap.cli.model_arguments import read_model_summary
from latentmap.cli.row_selection import is_data_set_name
from latentmap.data import Source
from latentmap.errors import ModelFileError, SettingError

# Presets whose estimator is not AutoEncoder. They are repeated here, because importing the table of
# presets would import Keras.
_ESTIMATORS = {"map": "LatentMap", "variational": "VariationalAutoEncoder"}
# Estimator, number of components, data set, and columns or shape of a row.
Identity = tuple[object, object, object, object]
_PICTURES = ("codes", "plane", "reconstructions", "loss", "new_rows")


def check_overwrite(path: Path, identity: Identity) -> None:
    """Raise SettingError if a file exists that is not an earlier fit of the same model.

    The same model has the same estimator and number of components, and was fitted to the same data
    set or to rows with the same columns or shape. ``identity`` is that of the model to be written.
    """
    if not path.exists():
        return
    try:
        summary = read_model_summary(path)
    except ModelFileError:
        description = "another file"
    else:
        if _identify(summary) == identity:
            return
        description = _describe(summary)
    raise SettingError(
        f"{path}: expected a new file, or an earlier fit of the same model, found {description}; "
        "choose another file with -o, or replace it with --force"
    )


def remove_pictures(path: Path) -> None:
    """Remove the pictures of an earlier fit next to a model file."""
    for name in _PICTURES:
        path.with_suffix(f".{name}.png").unlink(missing_ok=True)


def identify_fit(data: str, rows: Source, recipe: str, n_components: int) -> Identity:
    """Return what identifies the model of a new fit."""
    columns = tuple(rows.feature_names or rows.row_shape)
    return _ESTIMATORS.get(recipe, "AutoEncoder"), n_components, _data_set_name(data), columns


def identify_continued_fit(data: str, fitted_map: Path) -> Identity:
    """Return what identifies the model of a fit that adds rows to a fitted map."""
    estimator, n_components, _, columns = _identify(read_model_summary(fitted_map))
    return estimator, n_components, _data_set_name(data), columns


def _data_set_name(data: str) -> str | None:
    """Return the data argument of a command if it is the name of a data set, and else None."""
    return data if is_data_set_name(data) else None


def _identify(summary: dict[str, Any]) -> Identity:
    """Return what identifies the model in a file: estimator, components, data set and columns."""
    held_out = (summary.get("figures") or {}).get("held_out") or {}
    names = summary.get("feature_names")
    rows = tuple(names or summary["row_shape"])
    n_components = summary["parameters"].get("n_components")
    return summary["estimator"], n_components, held_out.get("data_set"), rows


def _describe(summary: dict[str, Any]) -> str:
    _, n_components, data_set, columns = _identify(summary)
    source = f"of {data_set}" if data_set else f"of rows of {_describe_columns(columns)}"
    components = format_count(int(str(n_components)), "component")
    article = "an" if summary["estimator"].startswith("A") else "a"
    return f"{article} {summary['estimator']} with {components} {source}"


def _describe_columns(columns: object) -> str:
    values = columns if isinstance(columns, tuple) else ()
    if values and isinstance(values[0], str):
        return format_count(len(values), "column")
    return f"shape {values}"
