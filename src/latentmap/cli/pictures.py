"""Draw plots into files, and choose the rows that they show."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from latentmap import plots
from latentmap.analysis.encoding import numeric_rows
from latentmap.analysis.table_rows import TableRows
from latentmap.cli.console import format_count, print_message, show_status
from latentmap.cli.evaluation import EncodedSample, encode_sample
from latentmap.cli.held_out import FitRows
from latentmap.cli.model_arguments import Estimator
from latentmap.data import Source
from latentmap.plots.matplotlib_types import Axes
from latentmap.plots.point_drawing import MAX_DOTS

# Maximum number of images, and of rows of a table, in a plot of reconstructions.
_MAX_IMAGES, _MAX_TABLE_ROWS = 10, 6


@contextlib.contextmanager
def open_plot(path: Path, details: str = "") -> Iterator[Axes]:
    """Yield the axes of a plot, write the plot to ``path``, and print the path."""
    with show_status(f"Drawing {path}…"), plots.figure(path) as ax:
        yield ax
    print_message(f"Wrote {path}{details and f': {details}'}")


def fit_plots(
    model: Estimator, rows: FitRows, path: Path, codes: EncodedSample
) -> dict[Path, Callable[[Path], None]]:
    """Return the paths of the plots next to a model file, and the functions that draw them."""
    plots_by_suffix: dict[str, Callable[[Path], None]] = {
        ".codes.png": lambda path: _draw_all_codes(path, model, rows, codes)
    }
    if len(model.row_shape_) > 1 and codes.codes.shape[1] == 2:
        plots_by_suffix[".plane.png"] = lambda path: draw_plane(path, model, codes)
    plots_by_suffix[".reconstructions.png"] = lambda path: draw_reconstructions(
        path, model, rows.unseen or rows.fitted
    )
    if model.history_["loss"]:
        plots_by_suffix[".loss.png"] = lambda path: draw_loss(path, model)
    else:
        print_message(
            "No loss was drawn: there are too few rows for a network, so the model is PCA."
        )
    return {path.with_suffix(suffix): draw for suffix, draw in plots_by_suffix.items()}


def _draw_all_codes(
    path: Path, model: Estimator, rows: FitRows, fitted_codes: EncodedSample
) -> None:
    """Draw the codes of fitted rows, and those of held-out rows as hollow points."""
    if rows.unseen is None:
        draw_codes(path, fitted_codes, rows.fitted.name)
        return
    parts = [fitted_codes, encode_sample(model, rows.unseen)]
    codes = np.concatenate([part.codes for part in parts])
    labels = [part.labels for part in parts if part.labels is not None]
    held_out = np.repeat([False, True], [len(part.codes) for part in parts])
    title = f"{rows.fitted.name}: codes of {format_count(len(codes), 'row')}"
    if len(codes) <= MAX_DOTS:
        title += ", hollow if held out"
    all_labels = np.concatenate(labels) if len(labels) == len(parts) else None
    with open_plot(path) as ax:
        plots.codes(codes, all_labels, ax=ax, title=title, held_out=held_out)


def draw_new_rows(
    path: Path, earlier_codes: np.ndarray, new_codes: np.ndarray, is_novel: np.ndarray
) -> None:
    """Draw codes of new and earlier rows; ``novel`` marks the new rows of novel classes."""
    labels = np.repeat(
        ["earlier rows", "new rows, known classes"], [len(earlier_codes), len(new_codes)]
    )
    labels[len(earlier_codes) :][is_novel] = "new rows, novel class"
    n_novel = int(is_novel.sum())
    title = f"{format_count(len(new_codes), 'new row')}, {n_novel:,} of novel classes"
    with open_plot(path) as ax:
        plots.codes(np.concatenate([earlier_codes, new_codes]), labels, ax=ax, title=title)


def draw_codes(
    path: Path, codes: EncodedSample, name: str, confidence: np.ndarray | None = None
) -> None:
    """Draw a scatter plot of codes, paler where the confidence is low."""
    title = f"{name}: codes of {format_count(len(codes.codes), 'row')}"
    with open_plot(path) as ax:
        plots.codes(codes.codes, codes.labels, ax=ax, title=title, confidence=confidence)


def draw_values(path: Path, codes: np.ndarray, values: np.ndarray, title: str) -> None:
    """Draw a scatter plot of codes, coloured by a number of each row."""
    with open_plot(path) as ax:
        plots.codes(codes, values=values, ax=ax, title=title)


def draw_reconstructions(path: Path, model: Estimator, rows: Source) -> None:
    """Draw a few rows and their reconstructions."""
    images = len(model.row_shape_) > 1
    sample = rows.subset(_choose_rows(rows, _MAX_IMAGES if images else _MAX_TABLE_ROWS))
    names = _row_names(sample)
    if model.table_ is not None:
        _draw_table_reconstructions(path, model, sample, names)
        return
    sample = numeric_rows(model, sample)
    reconstructions = model.inverse_transform(model.transform(sample))
    originals = sample[:].reshape(reconstructions.shape)
    with open_plot(path) as ax:
        plots.reconstructions(
            originals, reconstructions, ax=ax, column_names=sample.feature_names, row_names=names
        )


def _row_names(rows: Source) -> list[str]:
    """Return the number of each row in its file, and its label if there are labels."""
    names = [f"#{rows.original_index(i)}" for i in range(len(rows))]
    if rows.labels is None:
        return names
    return [f"{name} {label}" for name, label in zip(names, rows.labels, strict=True)]


def _draw_table_reconstructions(
    path: Path, model: Estimator, rows: Source, names: list[str]
) -> None:
    originals = TableRows.read(model, rows)
    decoded = TableRows.reconstruct(model, originals)
    with open_plot(path) as ax:
        plots.reconstructions(
            originals.positions,
            decoded.positions,
            ax=ax,
            column_names=originals.names,
            cell_text=(originals.cell_text, decoded.cell_text),
            row_names=names,
        )


def draw_plane(path: Path, model: Estimator, sample: EncodedSample | None) -> None:
    """Draw the code plane, decoded on a grid that covers the codes or the landmarks of a map."""
    codes = None if sample is None else sample.codes
    with open_plot(path) as ax:
        plots.decoded_grid(model, codes, ax=ax)


def draw_density(path: Path, model: Estimator, sample: EncodedSample | None) -> None:
    """Draw the density of a map, with the names of the classes if there are labelled codes."""
    codes, labels = (None, None) if sample is None else (sample.codes, sample.labels)
    with open_plot(path) as ax:
        plots.density(model, codes, labels, ax=ax)


def draw_loss(path: Path, model: Estimator) -> None:
    """Draw the training loss of each epoch."""
    with open_plot(path) as ax:
        plots.loss_curve(model.history_, ax=ax)


def _choose_rows(rows: Source, count: int) -> np.ndarray:
    """Choose one row of each class if there are few classes, otherwise evenly spaced rows."""
    if rows.labels is not None:
        _, first = np.unique(rows.labels, return_index=True)
        if count / 2 < len(first) <= count:
            return first
    return np.unique(np.linspace(0, len(rows) - 1, count).astype(int))
