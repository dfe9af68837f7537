"""``latentmap fit --continue``: add rows to a fitted map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.analysis.model_info import ModelInfo
from latentmap.cli.console import format_count, print_message, print_pairs
from latentmap.cli.fit_report import note_missing, report_fit
from latentmap.cli.held_out import FitRows, split_fit_rows
from latentmap.cli.model_arguments import MODEL_SUFFIX, open_model
from latentmap.cli.overwriting import (
    check_overwrite,
    identify_continued_fit,
    remove_pictures,
)
from latentmap.cli.pictures import draw_new_rows
from latentmap.cli.row_selection import open_model_rows
from latentmap.data import ArraySource
from latentmap.errors import SettingError
from latentmap.files import check_output_path, is_same_file

if TYPE_CHECKING:
    from latentmap.maps.latent_map import LatentMap

# Limits of the sample of earlier rows that the plot of new rows contains.
_MAX_EARLIER_ROWS, _MAX_EARLIER_NUMBERS = 10_000, 1 << 25


def continue_fit(
    data: str,
    model_path: Path,
    output: Path | None,
    label: str | None,
    metadata: str | None,
    seed: int,
    force: bool,
) -> None:
    """Add rows to a fitted map, save it, and print and draw the result."""
    path = check_output_path(model_path if output is None else output, [MODEL_SUFFIX])
    model = _open_map(model_path)
    if not force and not is_same_file(path, model_path):
        check_overwrite(path, identify_continued_fit(data, model_path))
    report = model.fit_report_ or {}
    rows = split_fit_rows(data, open_model_rows(model, data, label, metadata), seed)
    earlier_codes = _sample_earlier_codes(model)
    print_message(f"Adding {format_count(len(rows.fitted), 'row')} to {model_path}")
    model.set_params(verbose=True).partial_fit(rows.fitted).set_params(verbose=False)
    last_held_out = [report["held_out"]] if report.get("held_out") else []
    model.fit_report_ = {
        "label": label or report.get("label"),
        "held_out": rows.held_out.as_dict(),
        "held_out_before": [*last_held_out, *(report.get("held_out_before") or ())],
    }
    reading_options = ("table_options", "metadata")
    model.fit_report_ |= {name: report[name] for name in reading_options if report.get(name)}
    remove_pictures(path)
    model.save(path)  # The model is saved first, because the report may fail.
    _report(model, rows, path, earlier_codes)


def _open_map(path: Path) -> LatentMap:
    model: Any = open_model(path)
    info = ModelInfo.from_estimator(model)
    if not info.can_partial_fit:
        raise SettingError(f"{path}: expected a LatentMap, found {info.name}")
    return model


def _sample_earlier_codes(model: LatentMap) -> np.ndarray:
    size = max(100, min(_MAX_EARLIER_ROWS, _MAX_EARLIER_NUMBERS // model.n_features_in_))
    rows = model.sample(size)
    if model.table_ is not None:
        return model.transform(rows)
    names = list(ModelInfo.from_estimator(model).feature_names or ()) or None
    return model.transform(ArraySource(rows, feature_names=names))


def _report(model: LatentMap, rows: FitRows, path: Path, earlier_codes: np.ndarray) -> None:
    codes = report_fit(model, rows, path, model.fit_report_ or {}).codes
    is_novel = _near_new_landmarks(model, codes)
    plot_path = path.with_suffix(".new_rows.png")
    with note_missing(path, f"{plot_path.name} is"):
        draw_new_rows(plot_path, earlier_codes, codes, is_novel)
    print_pairs("Rows added to the map", _format_report(model))


def _near_new_landmarks(model: LatentMap, codes: np.ndarray) -> np.ndarray:
    """Return for each code whether its nearest landmark is new."""
    from scipy.spatial import cKDTree

    nearest = cKDTree(model.landmarks_).query(codes)[1]
    return nearest >= len(model.landmarks_) - (model.partial_fit_report_ or {})["landmarks"]


def _format_report(model: LatentMap) -> list[tuple[str, str]]:
    report = model.partial_fit_report_ or {}
    pairs = [
        ("rows added", f"{report['rows']:,}"),
        ("rows of novel classes", f"{report['novel_rows']:,}"),
    ]
    if report["landmarks"]:
        n_landmarks = int(report["landmarks"])
        centre = model.landmarks_[-n_landmarks:].mean(axis=0)
        position = ", ".join(f"{number:.2f}" for number in centre)
        text = f"{format_count(n_landmarks, 'landmark')}, centred at ({position})"
        pairs.append(("new landmarks", text))
    shift = f"{report['median_shift']:.2%} of the map's width (median)"
    return [*pairs, ("shift of earlier rows", shift)]
