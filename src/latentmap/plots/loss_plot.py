"""How the loss fell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from latentmap.errors import DataError
from latentmap.plots.style import PALETTE, axes_for, darker, dress

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["loss_curve"]

_LINES = (("loss", "fitted rows", PALETTE[0]), ("val_loss", "held-out rows", PALETTE[6]))


def loss_curve(history: Mapping[str, Sequence[float]], ax: Axes | None = None) -> Axes:
    """Draw the loss of every epoch, on the fitted rows and on those held out.

    Parameters
    ----------
    history : mapping of str to sequence of float
        An estimator's ``history_``: "loss", and if known "val_loss" and "epoch". NaN is left out.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        The best held-out epoch is marked with a dot.

    Raises
    ------
    DataError
        If there is no epoch in it.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> loss_curve({"loss": [0.3, 0.2, 0.1]}).get_xlabel()
    'epoch'
    """
    from matplotlib.ticker import MaxNLocator

    losses = np.asarray(history.get("loss", ()), dtype=float)
    if not np.isfinite(losses).any():
        raise DataError("history: expected the loss of at least one epoch, found none")
    ax = axes_for(ax, 6, 3.6)
    epochs = np.asarray(history.get("epoch", np.arange(1, len(losses) + 1)), dtype=float)
    for key, name, color in _LINES:
        _line(ax, epochs, np.asarray(history.get(key, ()), dtype=float), name, color)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    ax.grid(axis="y", color="#eeeeee", linewidth=0.8)
    ax.legend(frameon=False, fontsize=9, labelcolor="linecolor", loc="upper right")
    return dress(ax, "Loss", x="epoch")


def _line(ax: Axes, epochs: np.ndarray, losses: np.ndarray, name: str, color: str) -> None:
    known = np.isfinite(losses)
    if not known.any():
        return
    x, y = epochs[: len(losses)][known], losses[known]
    ax.plot(x, y, color=color, linewidth=1.8, label=name, marker="o" if len(x) == 1 else "")
    if name.startswith("held"):
        best = y.argmin()
        ax.plot(x[best], y[best], "o", color=darker(color), markersize=5, zorder=3)
