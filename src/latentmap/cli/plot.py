"""``latentmap plot``: one picture of a model and some rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from latentmap.cli.console import say
from latentmap.cli.models import check_columns, open_model
from latentmap.cli.options import Label, Model
from latentmap.errors import SettingError, UnknownNameError

__all__ = ["EXAMPLES", "plot"]

EXAMPLES = (
    "latentmap plot mnist.safetensors mnist:unseen -o codes.png",
    "latentmap plot mnist.safetensors mnist --kind plane -o plane.pdf",
    "latentmap plot mnist.safetensors --kind loss -o loss.svg",
)


def plot(
    model: Model,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]",
            help="The rows, as in latentmap fit; not needed for the loss.",
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
            "plane, the code plane decoded as a grid of images; or loss, over the epochs."
        ),
    ] = "codes",
    label: Label = None,
) -> None:
    """Draw codes, reconstructions, plane or loss."""
    if kind not in _KINDS:
        raise UnknownNameError("kind", kind, _KINDS)
    from latentmap.plots.saving import check_picture

    check_picture(output)
    if kind == "loss":
        _loss(output, open_model(model))
    elif data is None:
        raise SettingError(f"DATA: expected rows to draw {kind} of, found none")
    else:
        _plot_rows(kind, output, open_model(model), data, label)
    say(f"Wrote {output}")


def _plot_rows(kind: str, output: Path, fitted: Any, data: str, label: str | None) -> None:
    from latentmap.cli.rows import open_rows

    rows = open_rows(data, label, (fitted.figures_ or {}).get("label"))
    check_columns(fitted, rows)
    _KINDS[kind](output, fitted, rows)


def _codes(output: Path, fitted: Any, rows: Any) -> None:
    from latentmap.cli.judging import known_codes
    from latentmap.cli.pictures import draw_codes

    draw_codes(output, *known_codes(fitted, rows), rows.name)


def _reconstructions(output: Path, fitted: Any, rows: Any) -> None:
    from latentmap.cli.pictures import draw_reconstructions

    draw_reconstructions(output, fitted, rows)


def _plane(output: Path, fitted: Any, rows: Any) -> None:
    from latentmap.cli.judging import known_codes
    from latentmap.cli.pictures import draw_plane

    draw_plane(output, fitted, known_codes(fitted, rows)[0])


def _loss(output: Path, fitted: Any) -> None:
    from latentmap.cli.pictures import draw_loss

    draw_loss(output, fitted)


_KINDS: dict[str, Callable[..., None]] = {
    "codes": _codes,
    "reconstructions": _reconstructions,
    "plane": _plane,
    "loss": _loss,
}
