"""Plot of the loss during training."""

from collections.abc import Mapping, Sequence

import numpy as np

from latentmap.errors import DataError
from latentmap.plots import style
from latentmap.plots.matplotlib_types import Axes

MAX_MARKED_EPOCHS = 10  # Curves of at most this number of epochs have a marker at each epoch.


def loss_curve(history: Mapping[str, Sequence[float]], ax: Axes | None = None) -> Axes:
    """Draw the training loss and the validation loss of every epoch.

    Parameters
    ----------
    history : mapping of str to sequence of float
        The ``history_`` of an estimator: "loss" and, if available, "val_loss" and "epoch". NaN is
        left out.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        A dot marks the epoch with the lowest validation loss.

    Raises
    ------
    DataError
        If the history has no epoch.

    Examples
    --------
    >>> import matplotlib; matplotlib.use("Agg")
    >>> loss_curve({"loss": [0.3, 0.2, 0.1]}).get_xlabel()
    'epoch'
    """
    from matplotlib.ticker import MaxNLocator

    losses, val_losses = (
        np.asarray(history.get(key, ()), dtype=float) for key in ("loss", "val_loss")
    )
    if not np.isfinite(losses).any():
        raise DataError("history: expected the loss of at least one epoch, found none")
    ax = style.get_axes(ax, 6, 3.6)
    epochs = np.asarray(history.get("epoch", np.arange(1, len(losses) + 1)), dtype=float)
    _draw_line(ax, epochs, losses, "fitted rows", style.PALETTE[0])
    _draw_line(ax, epochs, val_losses, "held-out rows", style.PALETTE[6], mark_minimum=True)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    ax.grid(axis="y", color="#eeeeee", linewidth=0.8)
    # The legend is above the plot, because a short curve may pass through any corner of it.
    ax.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        borderaxespad=0,
        ncols=2,
        frameon=False,
        fontsize=9,
        labelcolor="linecolor",
    )
    return style.set_titles(ax, "Loss", "epoch")


def _draw_line(
    ax: Axes,
    epochs: np.ndarray,
    losses: np.ndarray,
    name: str,
    color: str,
    mark_minimum: bool = False,
) -> None:
    finite = np.isfinite(losses)
    if not finite.any():
        return
    x, y = epochs[: len(losses)][finite], losses[finite]
    marker = "o" if len(x) <= MAX_MARKED_EPOCHS else ""
    ax.plot(x, y, color=color, linewidth=1.8, label=name, marker=marker, markersize=4)
    if mark_minimum:
        best = y.argmin()
        ax.plot(x[best], y[best], "o", color=style.darken(color), markersize=5, zorder=3)
