from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from latentmap import plots
from latentmap.errors import DataError


def test_reconstructions_are_below_their_originals(ax, render):
    originals = np.zeros((3, 14, 14), np.uint8)
    render(plots.reconstructions(originals, np.full((3, 14, 14), 255.0), ax=ax))
    picture = ax.images[0].get_array()
    assert picture.shape == (29, 44, 3)
    assert picture[:14, :14].max() == 0
    assert picture[15:, :14].min() == 1


def test_columns_of_greatest_variance_are_named(ax, render):
    rng = np.random.default_rng(0)
    originals = rng.random((6, 20))
    originals[:, 3] = 1.0
    names = [f"${i}" for i in range(20)]
    render(plots.reconstructions(originals, originals, ax=ax, column_names=names))
    displayed = [label.get_text() for label in ax.get_xticklabels()]
    assert len(displayed) == 12
    assert "$3" not in displayed
    assert displayed == sorted(displayed, key=lambda name: int(name[1:]))
    assert len(ax.patches) == 6 * 12
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["original", "reconstruction"]


def test_a_perfect_reconstruction_is_at_the_top_of_its_bars(ax):
    rows = np.random.default_rng(0).random((4, 3)) * [1, 1000, 1e-3]
    plots.reconstructions(rows, rows, ax=ax)
    tops = [bar.get_y() + bar.get_height() for bar in ax.patches]
    dots = np.concatenate([line.get_ydata() for line in ax.lines])
    assert np.allclose(tops, dots)


def test_long_rows_without_names_are_lines(ax, render):
    rows = np.sin(np.linspace(0, 9, 200)) * np.ones((3, 1))
    render(plots.reconstructions(rows, 0.9 * rows, ax=ax))
    assert [len(line.get_xdata()) for line in ax.lines] == [200] * 6


@pytest.mark.parametrize(
    ("originals", "reconstructions"),
    [(np.zeros((2, 3)), np.zeros((2, 4))), (np.zeros((0, 3)), np.zeros((0, 3))), ([1], [1])],
)
def test_rows_of_another_shape_are_refused(ax, originals, reconstructions):
    with pytest.raises(DataError, match="reconstructions: expected"):
        plots.reconstructions(originals, reconstructions, ax=ax)


def test_texts_of_a_table_are_written_above_their_reconstructions():
    positions = np.array([[0.5, np.nan], [-9.0, 1.0]])
    cell_text = (
        np.array([["1 kg", "$x$"], ["missing", "b"]]),
        np.array([["2 kg", "y"], ["3 kg", "b"]]),
    )
    ax = plots.reconstructions(
        positions, positions, column_names=["weight", "kind"], cell_text=cell_text
    )
    written = [text.get_text() for text in ax.texts]
    assert written == ["1 kg", "2 kg", "$x$", "y", "missing", "3 kg", "b", "b"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["weight", "kind"]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["original", "reconstruction"]
    assert "3 standard deviations" in ax.get_xlabel()
    bars = [bar.get_width() for bar in ax.patches if bar.get_y() > 0]
    assert min(bars) == pytest.approx(-0.4)  # Positions far from the mean stay in their cell.


@pytest.mark.parametrize("shape", [(3, 4), (3, 200), (3, 8, 8)])
def test_rows_have_their_names(shape, ax, render):
    rows = np.random.default_rng(0).random(shape)
    names = ["#7 $cat$", "#8 dog", "#90 dog"]
    render(plots.reconstructions(rows, rows, ax=ax, row_names=names))
    labels = ax.get_xticklabels() if len(shape) == 3 else ax.get_yticklabels()
    assert [label.get_text().replace("\n", " ") for label in labels] == names
    if len(shape) == 2:
        assert ax.get_xlabel()
        plots.reconstructions(rows, rows, ax=ax)
        assert [t.get_text() for t in ax.get_yticklabels()] == ["row 0", "row 1", "row 2"]
    with pytest.raises(DataError, match="row_names: expected 3 names, found 1"):
        plots.reconstructions(rows, rows, ax=ax, row_names=["a"])


def test_names_of_images_do_not_overlap():
    images = np.random.default_rng(0).random((10, 28, 28))
    names = [f"#{i * 1000} northern white-tailed deer" for i in range(10)]
    ax = plots.reconstructions(images, images, row_names=names)
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))
