from __future__ import annotations

import numpy as np
import pytest

from latentmap import plots
from latentmap.errors import DataError


def test_loss_curve_leaves_nan_out_and_marks_the_best_epoch(ax, render):
    history = {
        "epoch": [0, 5, 10, 15],
        "loss": [np.nan, 3.0, 2.0, 1.0],
        "val_loss": [4.0, 2.5, 2.0, 2.2],
    }
    render(plots.loss_curve(history, ax=ax))
    lines = {line.get_label(): line.get_xydata().tolist() for line in ax.lines}
    assert lines["fitted rows"] == [[5, 3], [10, 2], [15, 1]]
    assert [[10, 2]] in [line.get_xydata().tolist() for line in ax.lines]


def test_loss_curve_without_held_out_rows_has_one_line(ax, render):
    all_nan = [np.nan, np.nan]
    render(plots.loss_curve({"epoch": [1, 2], "loss": [2.0, 1.0], "val_loss": all_nan}, ax=ax))
    assert len(ax.lines) == 1


def test_few_epochs_are_marked(ax, render):
    render(plots.loss_curve({"loss": [2.0, 1.0]}, ax=ax))
    assert ax.lines[0].get_marker() == "o"
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1  # It is above.


def test_many_epochs_are_a_line(ax, render):
    render(plots.loss_curve({"loss": np.geomspace(1, 0.1, 40).tolist()}, ax=ax))
    assert ax.lines[0].get_marker() in ("", "None")


@pytest.mark.parametrize("history", [{}, {"loss": []}, {"loss": [np.nan]}])
def test_loss_curve_needs_an_epoch(ax, history):
    with pytest.raises(DataError, match="at least one epoch"):
        plots.loss_curve(history, ax=ax)
