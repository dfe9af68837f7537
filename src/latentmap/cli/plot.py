"""``latentmap plot``: one picture of a model and some rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from latentmap.cli.console import say
from latentmap.cli.model_arguments import check_columns, open_model
from latentmap.cli.options import Label, Model
from latentmap.errors import SettingError, UnknownNameError

__all__ = ["EXAMPLES", "plot"]

EXAMPLES = {
    "plot": (
        "latentmap plot mnist.safetensors mnist:unseen -o codes.png",
        "latentmap plot mnist.safetensors mnist --kind plane -o plane.pdf",
        "latentmap plot mnist.safetensors mnist:unseen --kind confidence -o sure.png",
        "latentmap plot mnist.safetensors --kind loss -o loss.svg",
    ),
}


def plot(
    model: Model,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]",
            help="The rows, as in latentmap fit; not needed for the loss, nor for the plane or "
            "density of a map.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="The picture: .png, .pdf or .svg.",
            show_default=False,
        ),
    ] = ...,  # type: ignore[assignment]
    kind: Annotated[
        str,
        typer.Option(
            help="codes, a scatter coloured by label; reconstructions, under their originals; "
            "plane, the code plane decoded as a grid of images; loss, over the epochs; and of a "
            "map confidence, the codes, paler where their place is unsure, and density, how much "
            "data lives where."
        ),
    ] = "codes",
    label: Label = None,
) -> None:
    """Draw codes, reconstructions, plane, confidence, density or loss."""
    if kind not in _KINDS:
        raise UnknownNameError("kind", kind, _KINDS)
    from latentmap.cli.row_selection import input_paths
    from latentmap.files import PICTURE_SUFFIXES, check_output_path

    check_output_path(output, PICTURE_SUFFIXES, input_paths(model, data))
    if data is None and kind not in _ROWLESS:
        raise SettingError(f"DATA: expected rows to draw {kind} of, found none")
    fitted = open_model(model)
    if kind in _OF_MAPS and not hasattr(fitted, kind):
        raise SettingError(f"{kind}: expected a LatentMap, found {type(fitted).__name__}")
    _KINDS[kind](output, fitted, _rows(fitted, data, label) if kind != "loss" else None)
    say(f"Wrote {output}")


def _rows(fitted: Any, data: str | None, label: str | None) -> Any:
    if data is None:
        return None
    from latentmap.cli.row_selection import open_rows

    rows = open_rows(data, label, (fitted.figures_ or {}).get("label"))
    check_columns(fitted, rows)
    return rows


def _codes(output: Path, fitted: Any, rows: Any) -> None:
    from latentmap.cli.evaluation import known_codes
    from latentmap.cli.pictures import draw_codes

    draw_codes(output, *known_codes(fitted, rows), rows.name)


def _reconstructions(output: Path, fitted: Any, rows: Any) -> None:
    from latentmap.cli.pictures import draw_reconstructions

    draw_reconstructions(output, fitted, rows)


def _plane(output: Path, fitted: Any, rows: Any) -> None:
    from latentmap.cli.evaluation import known_codes
    from latentmap.cli.pictures import draw_plane

    draw_plane(output, fitted, None if rows is None else known_codes(fitted, rows)[0])


def _confidence(output: Path, fitted: Any, rows: Any) -> None:
    from latentmap.cli.evaluation import MOST_CODES, known_codes
    from latentmap.cli.pictures import draw_codes

    known = rows.sample(MOST_CODES)
    draw_codes(output, *known_codes(fitted, known), rows.name, fitted.confidence(known))


def _density(output: Path, fitted: Any, rows: Any) -> None:
    from latentmap.cli.evaluation import known_codes
    from latentmap.cli.pictures import draw_density

    draw_density(output, fitted, *(() if rows is None else known_codes(fitted, rows)))


def _loss(output: Path, fitted: Any, rows: None) -> None:
    from latentmap.cli.pictures import draw_loss

    draw_loss(output, fitted)


_KINDS: dict[str, Callable[..., None]] = {
    "codes": _codes,
    "reconstructions": _reconstructions,
    "plane": _plane,
    "confidence": _confidence,
    "density": _density,
    "loss": _loss,
}
_OF_MAPS = ("confidence", "density")  # and the name of what a model must have
_ROWLESS = ("plane", "density", "loss")
