"""``latentmap plot``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentmap.cli.model_arguments import open_model
from latentmap.cli.options import Label, Model, argument, output_option
from latentmap.errors import SettingError, UnknownNameError

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder
    from latentmap.data import Source

__all__ = ["EXAMPLES", "plot"]

EXAMPLES = (
    "latentmap plot mnist.safetensors mnist:unseen -o codes.png",
    "latentmap plot mnist.safetensors mnist --kind plane -o plane.pdf",
    "latentmap plot mnist.safetensors mnist:unseen --kind confidence -o confidence.png",
    "latentmap plot mnist.safetensors --kind loss -o loss.svg",
)


def plot(
    model: Model,
    data: Annotated[
        str | None,
        argument(
            "[DATA]",
            "The rows, as for latentmap fit. Not needed for the loss, nor for the plane and the "
            "density of a map.",
        ),
    ] = None,
    output: Annotated[Path, output_option("FILE", "Output file: .png, .pdf or .svg.")] = ...,  # type: ignore[assignment]
    kind: Annotated[
        str,
        typer.Option(
            help="codes: scatter plot coloured by label. reconstructions: rows above their "
            "reconstructions. plane: the code plane, decoded on a grid. loss: training loss of "
            "each epoch. Only for maps: confidence, codes paler where their confidence is low; "
            "density, dense and sparse regions of the map."
        ),
    ] = "codes",
    label: Label = None,
) -> None:
    """Plot codes, reconstructions, the code plane, or the training loss."""
    from latentmap.cli.row_selection import input_paths, open_model_rows
    from latentmap.files import PICTURE_SUFFIXES, check_output_path

    if kind not in _KINDS:
        raise UnknownNameError("kind", kind, _KINDS)
    check_output_path(output, PICTURE_SUFFIXES, input_paths(model, data))
    if data is None and kind not in _KINDS_WITHOUT_ROWS:
        raise SettingError(f"DATA: expected rows for --kind {kind}, found none")
    estimator = open_model(model)
    if kind in _MAP_KINDS and not hasattr(estimator, kind):
        found = type(estimator).__name__
        raise SettingError(f"--kind {kind}: expected a LatentMap, found {found}")
    rows = None if data is None or kind == "loss" else open_model_rows(estimator, data, label)
    _KINDS[kind](output, estimator, rows)


def _plot_codes(output: Path, model: BaseAutoEncoder, rows: Source) -> None:
    from latentmap.cli.evaluation import encode_sample
    from latentmap.cli.pictures import draw_codes

    draw_codes(output, encode_sample(model, rows), rows.name)


def _plot_reconstructions(output: Path, model: BaseAutoEncoder, rows: Source) -> None:
    from latentmap.cli.pictures import draw_reconstructions

    draw_reconstructions(output, model, rows)


def _plot_plane(output: Path, model: BaseAutoEncoder, rows: Source | None) -> None:
    from latentmap.cli.evaluation import encode_sample
    from latentmap.cli.pictures import draw_plane

    draw_plane(output, model, None if rows is None else encode_sample(model, rows).codes)


def _plot_confidence(output: Path, model: Any, rows: Source) -> None:
    from latentmap.cli.evaluation import MAX_CODES, encode_sample
    from latentmap.cli.pictures import draw_codes

    sample = rows.sample(MAX_CODES)
    draw_codes(output, encode_sample(model, sample), rows.name, model.confidence(sample))


def _plot_density(output: Path, model: BaseAutoEncoder, rows: Source | None) -> None:
    from latentmap.cli.evaluation import encode_sample
    from latentmap.cli.pictures import draw_density

    draw_density(output, model, None if rows is None else encode_sample(model, rows))


def _plot_loss(output: Path, model: BaseAutoEncoder, rows: None) -> None:
    from latentmap.cli.pictures import draw_loss

    draw_loss(output, model)


_KINDS: dict[str, Callable[..., None]] = {
    "codes": _plot_codes,
    "reconstructions": _plot_reconstructions,
    "plane": _plot_plane,
    "confidence": _plot_confidence,
    "density": _plot_density,
    "loss": _plot_loss,
}
# Each of these is also the name of the method that the model must have.
_MAP_KINDS = ("confidence", "density")
_KINDS_WITHOUT_ROWS = ("plane", "density", "loss")
