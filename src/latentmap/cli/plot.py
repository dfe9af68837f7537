"""``latentmap plot``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from latentmap.analysis.model_info import ModelInfo
from latentmap.cli.evaluation import MAX_CODES, encode_sample
from latentmap.cli.model_arguments import open_model
from latentmap.cli.options import LABEL, METADATA, MODEL, argument, output_path
from latentmap.cli.pictures import (
    draw_codes,
    draw_density,
    draw_loss,
    draw_plane,
    draw_reconstructions,
)
from latentmap.cli.row_selection import check_output, open_model_rows
from latentmap.cli.table_arguments import with_table_options
from latentmap.data import Source
from latentmap.errors import SettingError, UnknownNameError
from latentmap.files import PICTURE_SUFFIXES

if TYPE_CHECKING:
    from latentmap.maps.latent_map import LatentMap

EXAMPLES = (
    "latentmap plot mnist.safetensors mnist:unseen -o codes.png",
    "latentmap plot mnist.safetensors mnist --kind plane -o plane.pdf",
    "latentmap plot mnist.safetensors mnist:unseen --kind confidence -o confidence.png",
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
) -> None:
    """Plot codes, reconstructions or the loss."""
    if kind not in _KINDS:
        raise UnknownNameError("kind", kind, _KINDS)
    check_output(output, PICTURE_SUFFIXES, (model, data))
    if data is None and kind not in _KINDS_WITHOUT_ROWS:
        raise SettingError(f"DATA: expected rows for --kind {kind}, found none")
    estimator = open_model(model)
    info = ModelInfo.from_estimator(estimator)
    is_supported = {"confidence": info.has_confidence, "density": info.has_density}
    if not is_supported.get(kind, True):
        raise SettingError(f"--kind {kind}: expected a LatentMap, found {info.name}")
    if kind == "plane" and not info.has_image_rows:
        raise SettingError(
            f"--kind plane: expected a model of images, found rows of shape {info.row_shape}"
        )
    rows = (
        None
        if data is None or kind == "loss"
        else open_model_rows(estimator, data, label, metadata)
    )
    _KINDS[kind](output, estimator, rows)


def _plot_confidence(path: Path, model: LatentMap, rows: Source) -> None:
    sample = rows.sample(MAX_CODES)
    draw_codes(path, encode_sample(model, sample), rows.name, model.confidence(sample))


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
