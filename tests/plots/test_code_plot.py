from __future__ import annotations

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from latentmap import plots
from latentmap.errors import DataError
from latentmap.plots.style import PALETTE, display_text


def points_of(ax):
    return np.asarray(ax.collections[0].get_offsets())


def test_every_row_has_the_colour_of_its_label(ax, Z):
    labels = np.where(Z[:, 0] > 0, "right", "left")
    plots.codes(Z, labels, ax=ax)
    points, colors = points_of(ax), ax.collections[0].get_facecolors()[:, :3]
    assert sorted(map(tuple, points)) == sorted(map(tuple, Z))
    assert np.allclose(colors[points[:, 0] > 0], to_rgb(PALETTE[1]))
    assert np.allclose(colors[points[:, 0] <= 0], to_rgb(PALETTE[0]))


def test_points_are_drawn_in_shuffled_order(ax, Z):
    Z = Z[np.argsort(Z[:, 0])]
    plots.codes(Z, ax=ax)
    assert abs(np.corrcoef(points_of(ax)[:, 0], np.arange(300))[0, 1]) < 0.2


def test_each_class_is_named_at_its_median(ax):
    rng = np.random.default_rng(0)
    Z = np.concatenate([rng.normal(0, 1, (200, 2)), rng.normal(9, 1, (100, 2))])
    plots.codes(Z, ["a"] * 200 + ["b"] * 100, ax=ax)
    positions = {t.get_text(): t.get_position() for t in ax.texts}
    assert positions["a"] == pytest.approx(np.median(Z[:200], axis=0), abs=0.3)
    assert positions["b"] == pytest.approx(np.median(Z[200:], axis=0), abs=0.3)


def test_both_axes_have_the_same_unit(ax, render):
    Z = np.random.default_rng(0).normal(size=(300, 2)) * [2, 1]
    plots.codes(Z, ax=ax)
    render(ax)
    steps = np.diff(ax.transData.transform([[0, 0], [1, 1]]), axis=0)[0]
    assert steps[0] == pytest.approx(steps[1], rel=0.02)  # the layout is not exact
    low, high = np.transpose([ax.get_xlim(), ax.get_ylim()])
    assert ((low < Z) & (high > Z)).all()


def test_measured_labels_get_a_color_bar_and_no_names(ax, Z):
    plots.codes(Z, Z[:, 0], ax=ax)
    low, high = ax.get_figure().axes[1].get_ylim()
    assert (low, high) == pytest.approx((Z[:, 0].min(), Z[:, 0].max()))
    assert len(ax.texts) == 0
    x, colors = points_of(ax)[:, 0], ax.collections[0].get_facecolors()
    assert np.allclose(colors[x.argmin(), :3], colormaps["viridis"](0.0)[:3], atol=0.01)
    assert np.allclose(colors[x.argmax(), :3], colormaps["viridis"](1.0)[:3], atol=0.01)


def test_forty_text_labels_are_named_in_a_smaller_font(ax):
    positions = 10 * np.array([[i % 7, i // 7] for i in range(40)])
    Z = np.repeat(positions, 10, axis=0) + np.random.default_rng(0).normal(size=(400, 2))
    plots.codes(Z, np.repeat([f"kind {i}" for i in range(40)], 10), ax=ax)
    assert len(ax.texts) == 40
    assert max(t.get_fontsize() for t in ax.texts) < 9


def test_the_title_states_that_many_labels_share_colours(ax, Z):
    plots.codes(Z, [f"person-{i % 70}" for i in range(300)], ax=ax)
    assert "70 labels share 20 colours" in ax.get_title(loc="left")
    assert len(ax.texts) == 0


def test_rows_of_low_confidence_are_paler(ax, Z):
    confidence = np.linspace(0, 1, 300)
    Z[:, 0] = confidence
    plots.codes(Z, ["a"] * 300, ax=ax, confidence=confidence)
    colors = ax.collections[0].get_facecolors()[np.argsort(points_of(ax)[:, 0]), :3]
    assert np.allclose(colors[-1], to_rgb(PALETTE[0]))
    saturation = np.ptp(colors, axis=1)
    assert (np.diff(saturation) > 0).all()
    assert 0.05 < saturation[0] < saturation[-1] / 3
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [
        "high confidence",
        "low confidence",
    ]


def test_without_confidence_there_is_no_legend(ax, Z):
    assert plots.codes(Z, ax=ax).get_legend() is None


def test_held_out_rows_are_circles_without_a_filling(ax, Z):
    labels = np.where(Z[:, 0] > 0, "right", "left")
    held_out = np.arange(len(Z)) % 10 == 0
    plots.codes(Z, labels, ax=ax, held_out=held_out)
    filled, hollow = ax.collections
    assert len(filled.get_offsets()) == (~held_out).sum()
    assert sorted(map(tuple, hollow.get_offsets())) == sorted(map(tuple, Z[held_out]))
    assert hollow.get_facecolors().size == 0
    is_right = np.asarray(hollow.get_offsets())[:, 0] > 0
    assert np.allclose(hollow.get_edgecolors()[is_right, :3], to_rgb(PALETTE[1]))


def test_invalid_held_out_marks_are_refused(ax, Z):
    with pytest.raises(DataError, match="held_out: expected one for each of 300 codes"):
        plots.codes(Z, ax=ax, held_out=[True, False])


def test_wide_codes_are_projected_to_principal_components(ax):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(500, 5)) * [1, 9, 1, 3, 1]
    plots.codes(Z, ax=ax)
    values = np.linalg.svd(Z - Z.mean(axis=0), compute_uv=False) ** 2
    share = values[0] / values.sum()
    assert np.corrcoef(np.sort(points_of(ax)[:, 0]), np.sort(Z[:, 1]))[0, 1] > 0.99
    assert points_of(ax)[:, 0].var() == pytest.approx(values[0] / 500)
    assert ax.get_xlabel() == f"principal component 1 of 5 ({share:.0%})"


def test_codes_of_one_component_are_a_strip_with_a_line_for_each_label(ax, render):
    render(plots.codes([[0.0], [1.0], [2.0]], ["a", "b", "a"], ax=ax))
    x, y = points_of(ax)[np.argsort(points_of(ax)[:, 0])].T
    assert x.tolist() == [0, 1, 2]
    assert np.rint(y).tolist() == [0, 1, 0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]


@pytest.mark.parametrize("n", [1, 2])
def test_one_code_and_equal_codes_can_be_drawn(ax, render, n):
    render(plots.codes(np.ones((n, 3)), ["a"] * n, ax=ax))


@pytest.mark.parametrize("label", ["$5", "$\\frac{1$", "a\x00b\x1b[31m", "\ud800", " ", "x" * 500])
def test_labels_are_drawn_as_plain_text(ax, render, Z, label):
    plots.codes(Z, [label, "b"] * 150, ax=ax)
    render(ax)
    assert display_text(label) in [t.get_text() for t in ax.texts]
    strip = Figure().subplots()
    render(plots.codes(Z[:, :1], [label, "b"] * 150, ax=strip))


@pytest.mark.parametrize(
    ("codes", "labels", "message"),
    [
        (np.zeros((2, 2, 2)), None, "expected shape"),
        (np.zeros((0, 2)), None, "expected shape"),
        ([[np.nan, 0]], None, "expected finite"),
        ([[0, 0]], ["a", "b"], "labels: expected labels of shape"),
    ],
)
def test_invalid_codes_are_refused(ax, codes, labels, message):
    with pytest.raises(DataError, match=message):
        plots.codes(codes, labels, ax=ax)


@pytest.mark.parametrize(
    ("confidence", "message"),
    [
        ([0.5], r"confidence: expected one for each of 2 codes, found \(1,\)"),
        ([0.5, 1.5], "confidence: expected numbers in 0–1, found 0.5 to 1.5"),
        ([0.5, np.nan], "confidence: expected numbers in 0–1, found nan"),
    ],
)
def test_invalid_confidence_is_refused(ax, confidence, message):
    with pytest.raises(DataError, match=message):
        plots.codes(np.eye(2), ax=ax, confidence=confidence)


def test_few_distinct_values_have_a_colour_scale(ax, Z):
    """Eleven distinct labels would be classes."""
    values = np.round(np.linspace(0, 1, len(Z)), 1)
    values[0] = np.nan
    plots.codes(Z, values=values, ax=ax)
    points, colors = points_of(ax), ax.collections[0].get_facecolors()[:, :3]
    order = [int(np.argmin(np.abs(Z - point).sum(axis=1))) for point in points]
    is_known = np.array(order) > 0
    expected = colormaps["viridis"](values[order])[:, :3]
    assert np.allclose(colors[is_known], expected[is_known], atol=0.01)
    assert not ax.texts
    assert len(ax.figure.axes) == 2


def test_labels_and_values_exclude_each_other(Z):
    with pytest.raises(DataError, match="values: expected None with labels"):
        plots.codes(Z, np.zeros(len(Z)), values=np.zeros(len(Z)))
