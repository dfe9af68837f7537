"""``latentmap plot``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from latentmap.analysis.encoding import numeric_rows
from latentmap.analysis.model_info import ModelInfo
from latentmap.cli.console import format_count
from latentmap.cli.evaluation import MAX_CODES, EncodedSample, encode_sample
from latentmap.cli.model_arguments import Estimator, open_model
from latentmap.cli.options import LABEL, METADATA, MODEL, argument, output_path
from latentmap.cli.pictures import (
    draw_codes,
    draw_density,
    draw_loss,
    draw_plane,
    draw_reconstructions,
    draw_values,
)
from latentmap.cli.row_selection import check_output, note_missing_metadata, open_model_rows
from latentmap.cli.table_arguments import with_table_options
from latentmap.cli.table_output import TABLE_SUFFIXES
from latentmap.data import Source
from latentmap.errors import DataError, SettingError, UnknownNameError
from latentmap.files import PICTURE_SUFFIXES
from latentmap.metrics.direction_rows import comparable_rows
from latentmap.metrics.sample_metrics import EncodedRows, row_recalls

if TYPE_CHECKING:
    from latentmap.maps.latent_map import LatentMap

EXAMPLES = (
    "latentmap plot mnist.safetensors mnist:unseen -o codes.png",
    "latentmap plot mnist.safetensors mnist --kind plane -o plane.pdf",
    "latentmap plot mnist.safetensors mnist:unseen --kind confidence -o confidence.png",
    "latentmap plot mnist.safetensors mnist:unseen --color neighbors -o neighbors.png",
    "latentmap plot mnist.safetensors --kind loss -o loss.svg",
)


@with_table_options
def plot(
    model: Path = MODEL,
    data: str | None = argument(
        "[DATA]",
        "The rows, as for latentmap fit. Not needed for the loss, nor for the plane and the "
        "density of a map.",
        default=None,
    ),
    output: Path = output_path("FILE", "Output file: .png, .pdf or .svg.", required=True),
    kind: str = typer.Option(
        "codes",
        help="codes: scatter plot coloured by label. reconstructions: rows above their "
        "reconstructions. plane: the code plane, decoded on a grid. loss: training loss of "
        "each epoch. Only for maps: confidence, codes paler where their confidence is low; "
        "density, dense and sparse regions of the map.",
    ),
    label: str | None = LABEL,
    metadata: str | None = METADATA,
    color: str = typer.Option(
        "label",
        help="Colour of the codes: label; error, the reconstruction error; neighbors, the share "
        "of the 10 nearest rows that are among the 10 nearest on the plot; only for maps: "
        "confidence.",
    ),
) -> None:
    """Plot codes, reconstructions or the loss."""
    if kind not in _KINDS:
        raise UnknownNameError("kind", kind, _KINDS)
    if color not in ("label", *_COLORS):
        raise UnknownNameError("color", color, ("label", *_COLORS))
    if color != "label" and kind != "codes":
        raise SettingError(f"--color {color}: expected --kind codes, found --kind {kind}")
    hints = dict.fromkeys(TABLE_SUFFIXES, "latentmap encode writes codes")
    check_output(output, PICTURE_SUFFIXES, (model, data), hints=hints)
    if data is None and kind not in _KINDS_WITHOUT_ROWS:
        raise SettingError(f"DATA: expected rows for --kind {kind}, found none")
    estimator = open_model(model)
    info = ModelInfo.from_estimator(estimator)
    is_supported = {"confidence": info.has_confidence, "density": info.has_density}
    for option, value in (("kind", kind), ("color", color)):
        if not is_supported.get(value, True):
            raise SettingError(f"--{option} {value}: expected a LatentMap, found {info.name}")
    if kind == "plane" and not info.has_image_rows:
        is_table = estimator.table_ is not None
        kind_of_rows = "a table" if is_table else f"rows of shape {info.row_shape}"
        raise SettingError(f"--kind plane: expected a model of images, found {kind_of_rows}")
    rows = (
        None
        if data is None or kind == "loss"
        else open_model_rows(estimator, data, label, metadata)
    )
    if rows is not None:
        note_missing_metadata(estimator, rows)
    if rows is not None and color != "label":
        _plot_values(output, estimator, rows, color)
    else:
        _KINDS[kind](output, estimator, rows)


def _plot_values(path: Path, model: Estimator, rows: Source, color: str) -> None:
    sample = encode_sample(model, rows)
    title, compute = _COLORS[color]
    count = format_count(len(sample.codes), "row")
    draw_values(path, sample.codes, compute(model, sample), f"{rows.name}: {title} of {count}")


def _neighbor_recalls(model: Estimator, sample: EncodedSample) -> np.ndarray:
    rows = comparable_rows(model, numeric_rows(model, sample.rows))
    recalls = row_recalls(EncodedRows(rows, sample.codes), verbose=True)
    if np.isnan(recalls).all():
        raise DataError(
            f"--color neighbors: expected at least 12 rows, found {len(recalls)}: plot more rows"
        )
    return recalls


def _plot_confidence(path: Path, model: LatentMap, rows: Source) -> None:
    sample = rows.sample(MAX_CODES)
    draw_codes(path, encode_sample(model, sample), rows.name, model.confidence(sample))


_COLORS: dict[str, tuple[str, Callable[[Any, EncodedSample], np.ndarray]]] = {
    "confidence": ("confidence", lambda model, sample: model.confidence(sample.rows)),
    "error": (
        "reconstruction error",
        lambda model, sample: model.reconstruction_error(sample.rows),
    ),
    "neighbors": ("neighbour recall", _neighbor_recalls),
}
_KINDS: dict[str, Callable[..., None]] = {
    "codes": lambda path, model, rows: draw_codes(path, encode_sample(model, rows), rows.name),
    "reconstructions": draw_reconstructions,
    "plane": lambda path, model, rows: draw_plane(path, model, rows and encode_sample(model, rows)),
    "confidence": _plot_confidence,
    "density": lambda path, model, rows: draw_density(
        path, model, rows and encode_sample(model, rows)
    ),
    "loss": lambda path, model, rows: draw_loss(path, model),
}
_KINDS_WITHOUT_ROWS = ("plane", "density", "loss")
