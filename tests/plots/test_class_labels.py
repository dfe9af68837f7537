from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure

from latentmap import plots
from latentmap.plots.class_labels import separate_boxes

LOW, HIGH = np.zeros(2), np.full(2, 100.0)


def test_boxes_are_moved_no_farther_than_needed():
    desired = np.array([[50.0, 50.0], [50.0, 50.0], [90.0, 10.0]])
    centers, fits = separate_boxes(desired, np.full((3, 2), (12.0, 4.0)), LOW, HIGH)
    assert fits.all()
    assert np.array_equal(centers[2], desired[2])
    assert np.abs(centers[0] - centers[1]).tolist() == [0, 4]


def test_boxes_stay_in_the_frame():
    centers, fits = separate_boxes(
        np.array([[0.0, 0.0], [99.0, 50.0]]), np.full((2, 2), 10.0), LOW, HIGH
    )
    assert centers.tolist() == [[5, 5], [95, 50]]
    assert fits.all()


def test_a_box_larger_than_the_frame_does_not_fit():
    _, fits = separate_boxes(np.full((1, 2), 50.0), np.array([[101.0, 5.0]]), LOW, HIGH)
    assert not fits.any()


def test_without_space_the_first_boxes_fit():
    centers, fits = separate_boxes(
        np.full((60, 2), 50.0), np.full((60, 2), (30.0, 10.0)), LOW, HIGH
    )
    fitting = centers[fits]
    assert 2 <= len(fitting) < 30
    for a, b in itertools.combinations(fitting, 2):
        assert (np.abs(a - b) >= np.array([30, 10]) - 1e-5).any()


@pytest.mark.parametrize("size", [(7, 7.3), (2.5, 2)])
@pytest.mark.parametrize("count", [2, 10, 20, 40, 60])
def test_drawn_names_neither_overlap_nor_leave_the_picture(render, count, size):
    rng = np.random.default_rng(count)
    middles = rng.uniform(-50, 50, (count, 2))
    Z = np.repeat(middles, 30, axis=0) + rng.normal(size=(30 * count, 2))
    ax = Figure(size, layout="constrained").subplots()
    plots.codes(Z, np.repeat([f"topic number {i}" for i in range(count)], 30), ax=ax)
    boxes = [text.get_window_extent() for text in render(ax).texts]
    if size == (7, 7.3):
        assert len(boxes) >= 0.9 * count
    frame = ax.get_window_extent().padded(1)
    for box in boxes:
        assert frame.x0 <= box.x0 < box.x1 <= frame.x1
        assert frame.y0 <= box.y0 < box.y1 <= frame.y1
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_a_class_smaller_than_its_name_is_not_hidden(ax, render):
    Z = np.concatenate([np.zeros((20, 2)), np.random.default_rng(0).normal(9, 2, (500, 2))])
    plots.codes(Z, ["a rather long name"] * 20 + ["b"] * 500, ax=ax)
    render(ax)
    text = next(t for t in ax.texts if t.get_text().startswith("a"))
    assert text.get_window_extent().y0 > ax.transData.transform((0, 0))[1]


def test_a_class_with_two_dense_regions_is_named_on_both(ax):
    rng = np.random.default_rng(0)
    Z = np.concatenate([rng.normal(x, 1, (100, 2)) for x in (0, 10, 20)])
    plots.codes(Z, ["a"] * 100 + ["b"] * 100 + ["a"] * 100, ax=ax)
    assert sorted(text.get_text() for text in ax.texts) == ["a", "a", "b"]
