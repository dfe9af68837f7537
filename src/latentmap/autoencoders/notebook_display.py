"""Pictures, pages and figures of fitted estimators, as methods of the estimators show them.

The functions import plots and the explorer only when they are called, because those are higher
layers of the package than the estimators.
"""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.conversion import as_source
from latentmap.data.sources import Source
from latentmap.data.types import DataLike, FrameLike
from latentmap.errors import SettingError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from latentmap.autoencoders.base import BaseAutoEncoder
    from latentmap.explorer.widget import ExplorerWidget

_REPORT_NAMES = {
    "accuracy_10": "10-NN accuracy",
    "trustworthiness": "trustworthiness",
    "mse": "mean squared error of held-out rows",
}


def plot_codes(
    estimator: BaseAutoEncoder,
    X: DataLike | None,
    labels: ArrayLike | None,
    ax: Axes | None,
    title: str | None,
) -> Axes:
    """Draw the codes of rows; see `BaseAutoEncoder.plot`."""
    from latentmap import plots
    from latentmap.plots.fonts import use_installed_fonts

    if X is None:
        codes = getattr(estimator, "embedding_", None)
        if codes is None:
            raise SettingError(
                "X: expected rows to draw, found none: only a map that stores all its fitted rows "
                "can be drawn without X"
            )
    else:
        codes = estimator.transform(X)
        labels = X.labels if labels is None and isinstance(X, Source) else labels
    axes = plots.codes(codes, labels, ax=ax, title=title)
    use_installed_fonts(axes)
    return axes


def explore_rows(
    estimator: BaseAutoEncoder,
    X: DataLike,
    labels: ArrayLike | None,
    metadata: FrameLike | None,
    height: int,
) -> ExplorerWidget:
    """Return the explorer as a widget; see `BaseAutoEncoder.explore`."""
    from latentmap.explorer.widget import make_widget

    return make_widget(estimator, as_source(X), labels, metadata, height)


def fit_figures(estimator: BaseAutoEncoder) -> dict[str, str]:
    """Return the figures of a fit, as names and texts."""
    shape, history = estimator.row_shape_, estimator.history_
    table = estimator.table_
    rows = "×".join(map(str, shape)) + (" columns" if len(shape) == 1 else " pixels")
    figures = {
        "rows": rows if table is None else table.summary(),
        "components": str(estimator._n_features_out),
    }
    if not getattr(estimator, "uses_network_", True):
        figures["model"] = "PCA (the network was not clearly better)"
    if history["epoch"]:
        figures["epochs"] = str(history["epoch"][-1])
    for name, values in (("loss", history["loss"]), ("validation MSE", history["val_mse"])):
        finite_values = [value for value in values if not math.isnan(value)]
        if finite_values:
            figures[name] = f"{finite_values[-1] if name == 'loss' else min(finite_values):.4g}"
    layout: dict[str, float] = getattr(estimator, "layout_fit_", {})
    if "r2" in layout:
        figures["R² of the layout"] = f"{layout['r2']:.3f}"
    report: dict[str, Any] = getattr(estimator, "fit_report_", None) or {}
    figures |= {
        name: f"{report[key]:.4g}"
        for key, name in _REPORT_NAMES.items()
        if isinstance(report.get(key), float | int | np.number)
    }
    return figures


def figures_as_html(figures: dict[str, str]) -> str:
    """Return figures as an HTML table.

    Examples
    --------
    >>> figures_as_html({"loss": "<1"})
    '<table><caption>Fit</caption><tr><th>loss</th><td>&lt;1</td></tr></table>'
    """
    lines = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>"
        for name, text in figures.items()
    )
    return f"<table><caption>Fit</caption>{lines}</table>"
