"""Pictures into files: which rows a picture shows, and how large it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentmap.cli.console import say, working

if TYPE_CHECKING:
    import numpy as np

    from latentmap.cli.row_selection import Parts
    from latentmap.data import Source

__all__ = [
    "draw_all",
    "draw_codes",
    "draw_density",
    "draw_growth",
    "draw_loss",
    "draw_plane",
    "draw_reconstructions",
]

_SQUARE = (7.0, 7.3)  # inches; the rest of the height is the title's
_IMAGES, _LANES = 10, 6  # rows in a picture of reconstructions


def draw_all(model: Any, parts: Parts, path: Path, codes: Any, labels: Any) -> list[Path]:
    """Draw what is drawn of every fit, beside the model's file; tell which files that makes."""

    def place(kind: str) -> Path:
        written.append(path.with_suffix(f".{kind}.png"))
        return written[-1]

    written: list[Path] = []
    draw_codes(place("codes"), codes, labels, parts.fitted.name)
    if len(model.row_shape_) > 1 and codes.shape[1] == 2:
        draw_plane(place("plane"), model, codes)
    draw_reconstructions(place("reconstructions"), model, parts.unseen or parts.fitted)
    if model.history_["loss"]:
        draw_loss(place("loss"), model)
    else:
        say("No loss curve: with so few rows the model is PCA, which needs no training.")
    return written


def draw_growth(path: Path, before: np.ndarray, codes: np.ndarray, own: np.ndarray) -> None:
    """Write where new rows went on a map, among codes of what it knew before."""
    import numpy as np

    with working(f"Drawing {path}…"):
        from latentmap import plots

        labels = np.repeat(["before", "new rows, known kind"], [len(before), len(codes)])
        labels = labels.astype("<U30")
        labels[len(before) :][own] = "new rows, new kind"
        title = f"{len(codes):,} new rows, {int(own.sum()):,} of them in a new place"
        with plots.figure(path, *(_SQUARE if codes.shape[1] > 1 else (7.0, 3.6))) as ax:
            plots.codes(np.concatenate([before, codes]), labels, ax=ax, title=title)


def draw_codes(
    path: Path, codes: np.ndarray, labels: Any, name: str, confidence: np.ndarray | None = None
) -> None:
    """Write a scatter of codes, paler where the model is unsure of their place."""
    with working(f"Drawing {path}…"):
        from latentmap import plots

        size = _SQUARE if codes.shape[1] > 1 else (7.0, 3.6)
        title = f"{name}: codes of {len(codes):,} rows"
        with plots.figure(path, *size) as ax:
            plots.codes(codes, labels, ax=ax, title=title, confidence=confidence)


def draw_reconstructions(path: Path, model: Any, rows: Source) -> None:
    """Write some rows and what comes back of them."""
    with working(f"Drawing {path}…"):
        from latentmap import plots

        images = len(model.row_shape_) > 1
        some = rows.subset(_telling(rows, _IMAGES if images else _LANES))
        back = model.inverse_transform(model.transform(some))
        originals = some[:].reshape(back.shape)
        size = _size(originals.shape) if images else (8.0, 0.6 * len(originals) + 1.8)
        with plots.figure(path, *size) as ax:
            plots.reconstructions(originals, back, ax=ax, names=rows.feature_names)


def draw_plane(path: Path, model: Any, codes: np.ndarray | None = None) -> None:
    """Write the code plane, decoded: it spans the codes, or the landmarks of a map."""
    with working(f"Drawing {path}…"):
        from latentmap import plots

        strip = codes is not None and codes.shape[1] == 1
        with plots.figure(path, *((7.0, 1.5) if strip else _SQUARE)) as ax:
            plots.plane(model, codes, ax=ax)


def draw_density(
    path: Path, model: Any, codes: np.ndarray | None = None, labels: Any = None
) -> None:
    """Write the density of a map's plane, with the names of classes where there are codes."""
    with working(f"Drawing {path}…"):
        from latentmap import plots

        with plots.figure(path, *_SQUARE) as ax:
            plots.density(model, codes, labels, ax=ax)


def draw_loss(path: Path, model: Any) -> None:
    """Write the loss of every epoch."""
    from latentmap import plots

    with working(f"Drawing {path}…"), plots.figure(path, 6, 3.6) as ax:
        plots.loss_curve(model.history_, ax=ax)


def _telling(rows: Source, count: int) -> np.ndarray:
    """Choose a row of each class where there are few, else rows spread over all."""
    import numpy as np

    if rows.labels is not None:
        _, first = np.unique(rows.labels, return_index=True)
        if count / 2 < len(first) <= count:
            return first
    return np.unique(np.linspace(0, len(rows) - 1, count).astype(int))


def _size(shape: tuple[int, ...]) -> tuple[float, float]:
    count, height, width = shape[:3]
    across = 0.95 * count
    return across + 1.1, 2 * (across / count) * height / width + 0.75
