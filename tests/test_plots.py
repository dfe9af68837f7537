from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from latentmap import plots
from latentmap.errors import DataError, FileError, SettingError
from latentmap.plots.images import mosaic, tones
from latentmap.plots.look import PALETTE, plain
from latentmap.plots.names import spread
from latentmap.plots.projection import view_of


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


@pytest.fixture(name="Z")
def codes_of_300_rows():
    return np.random.default_rng(0).normal(size=(300, 2))


def drawn(ax):
    """Render, which is where a label that matplotlib cannot read would fail."""
    ax.get_figure().canvas.draw()
    return ax


# -- codes


def points_of(ax):
    return np.asarray(ax.collections[0].get_offsets())


def test_codes_draws_every_row_in_the_color_of_its_label(ax, Z):
    labels = np.where(Z[:, 0] > 0, "right", "left")
    plots.codes(Z, labels, ax=drawn(ax))
    points, colors = points_of(ax), ax.collections[0].get_facecolors()[:, :3]
    assert sorted(map(tuple, points)) == sorted(map(tuple, Z))
    assert np.allclose(colors[points[:, 0] > 0], to_rgb(PALETTE[1]))
    assert np.allclose(colors[points[:, 0] <= 0], to_rgb(PALETTE[0]))


def test_codes_are_drawn_in_shuffled_order_so_that_no_class_covers_another(ax, Z):
    Z = Z[np.argsort(Z[:, 0])]
    plots.codes(Z, ax=ax)
    assert abs(np.corrcoef(points_of(ax)[:, 0], np.arange(300))[0, 1]) < 0.2


def test_codes_names_each_class_at_its_median(ax):
    Z = np.array([[0, 0], [2, 2], [1, 1], [10, 0], [10, 1], [10, 5]], dtype=float)
    plots.codes(Z, ["a", "a", "a", "b", "b", "b"], ax=ax)
    assert {t.get_text(): t.get_position() for t in ax.texts} == {"a": (1, 1), "b": (10, 1)}


def test_names_are_pushed_apart_and_no_farther_than_needed():
    places = np.array([[0.5, 0.5], [0.5, 0.5], [0.9, 0.1]])
    found = spread(places, ["one", "two", "far"], np.ones(2))
    assert np.array_equal(found[2], places[2])
    assert 0.03 < np.abs(found[0] - found[1]).max() < 0.2


def test_more_points_are_drawn_smaller_and_fainter(Z):
    sizes, alphas = [], []
    for rows in (Z, np.tile(Z, (200, 1))):
        ax = plots.codes(rows, ax=Figure().subplots())
        sizes.append(ax.collections[0].get_sizes()[0])
        alphas.append(ax.collections[0].get_alpha())
        assert ax.collections[0].get_rasterized()
    assert sizes[0] > 5 * sizes[1]
    assert alphas[0] > 2 * alphas[1]


@pytest.mark.parametrize("as_text", [False, True])
def test_measured_labels_get_a_color_bar_and_no_names(ax, Z, as_text):
    values = Z[:, 0].astype(str) if as_text else Z[:, 0]
    plots.codes(Z, values, ax=ax)
    assert len(ax.get_figure().axes) == 2
    assert len(ax.texts) == 0
    assert np.allclose(ax.collections[0].get_array(), points_of(ax)[:, 0])


def test_many_text_labels_share_colors_and_the_title_says_so(ax, Z):
    plots.codes(Z, [f"person-{i % 40}" for i in range(300)], ax=ax)
    assert "40 labels share 20 colours" in ax.get_title(loc="left")
    assert len(ax.texts) == 0


def test_wide_codes_are_seen_along_their_principal_components(ax):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(500, 5)) * [1, 9, 1, 3, 1]
    plots.codes(Z, ax=ax)
    values = np.linalg.svd(Z - Z.mean(axis=0), compute_uv=False) ** 2
    share = values[0] / values.sum()
    assert np.corrcoef(np.sort(points_of(ax)[:, 0]), np.sort(Z[:, 1]))[0, 1] > 0.99
    assert points_of(ax)[:, 0].var() == pytest.approx(values[0] / 500)
    assert ax.get_xlabel() == f"principal component 1 of 5 ({share:.0%})"


def test_the_way_back_from_the_view_lies_in_its_plane():
    Z = np.random.default_rng(0).normal(size=(50, 4))
    view = view_of(Z)
    points = np.array([[0.3, -1.0], [2.0, 0.0]])
    assert np.allclose(view.there(view.back(points)), points)


def test_single_numbers_become_a_strip_with_a_lane_for_each_label(ax):
    plots.codes([[0.0], [1.0], [2.0]], ["a", "b", "a"], ax=drawn(ax))
    x, y = points_of(ax)[np.argsort(points_of(ax)[:, 0])].T
    assert x.tolist() == [0, 1, 2]
    assert np.rint(y).tolist() == [0, 1, 0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]


@pytest.mark.parametrize("n", [1, 2])
def test_one_or_two_codes_and_codes_in_one_place_can_be_drawn(ax, n):
    drawn(plots.codes(np.ones((n, 3)), ["a"] * n, ax=ax))


@pytest.mark.parametrize("label", ["$5", "$\\frac{1$", "a\x00b\x1b[31m", "\ud800", "", "x" * 500])
def test_labels_are_text_whatever_they_hold(ax, Z, label):
    plots.codes(Z, [label, "b"] * 150, ax=ax)
    drawn(ax)
    assert plain(label) in [t.get_text() for t in ax.texts]
    strip = Figure().subplots()
    drawn(plots.codes(Z[:, :1], [label, "b"] * 150, ax=strip))


def test_plain_keeps_dollars_and_shows_what_cannot_be_printed():
    assert plain("$5 a\nb") == "$5 a b"
    assert plain("\x1b[0m") == "�[0m"
    assert len(plain("x" * 500)) == 28


@pytest.mark.parametrize(
    ("codes", "labels", "words"),
    [
        (np.zeros((2, 2, 2)), None, "expected shape"),
        (np.zeros((0, 2)), None, "expected shape"),
        ([[np.nan, 0]], None, "expected finite"),
        ([[0, 0]], ["a", "b"], "labels: expected one for each of 1"),
    ],
)
def test_codes_refuses_what_it_cannot_draw(ax, codes, labels, words):
    with pytest.raises(DataError, match=words):
        plots.codes(codes, labels, ax=ax)


# The matrices of Machado et al. (2009) for severity 1, and OKLab by B. Ottosson (2020).
SIGHTS = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
TO_LMS = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
TO_LAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]


@pytest.mark.parametrize("sight", SIGHTS)
def test_the_colors_differ_for_every_sight(sight):
    rgb = np.array([to_rgb(color) for color in PALETTE])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(SIGHTS[sight]), 0, 1)
    lab = np.cbrt(seen @ np.transpose(TO_LMS)) @ np.transpose(TO_LAB)
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(lab, 2)) > 0.07


# -- images, reconstructions, plane


def test_mosaic_lays_images_out_row_by_row():
    images = np.arange(4.0).reshape(4, 1, 1, 1) * np.ones((4, 2, 2, 3)) / 4
    found = mosaic(images, columns=2, gap=1)[..., 0]
    assert found.shape == (5, 5)
    assert found[0, 0] == 0
    assert found[0, 4] == 0.25
    assert found[4, 0] == 0.5
    assert found[2].tolist() == [1] * 5


@pytest.mark.parametrize(
    ("like", "white"),
    [
        (np.array([[[0, 128]]], dtype=np.uint8), 255.0),
        (np.array([[[0.0, 0.9]]]), 1.0),
        (np.linspace(0, 16, 10_000).reshape(1, 100, 100), 16.0),
    ],
)
def test_tones_know_the_range_of_pixels(like, white):
    assert tones(np.full((1, 1, 1), white), like).min() > 0.99
    assert tones(np.full((1, 1, 1), white / 2), like)[0, 0, 0, 0] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("channels", "grey"), [((), True), ((1,), True), ((2,), True), ((3,), False)]
)
def test_tones_take_any_number_of_channels(channels, grey):
    image = np.random.default_rng(0).random((1, 4, 4, *channels))
    found = tones(image, image)
    assert found.shape == (1, 4, 4, 3)
    assert np.ptp(found, axis=3).max() == 0 if grey else np.allclose(found, image)


def test_reconstructions_of_images_stand_below_their_originals(ax):
    originals = np.zeros((3, 14, 14), np.uint8)
    drawn(plots.reconstructions(originals, np.full((3, 14, 14), 255.0), ax=ax))
    picture = ax.images[0].get_array()
    assert picture.shape == (29, 44, 3)
    assert picture[:14, :14].max() == 0
    assert picture[15:, :14].min() == 1


def test_reconstructions_of_table_rows_name_the_columns_that_vary_most(ax):
    rng = np.random.default_rng(0)
    originals = rng.random((6, 20))
    originals[:, 3] = 1.0
    names = [f"${i}" for i in range(20)]
    drawn(plots.reconstructions(originals, originals, ax=ax, names=names))
    shown = [label.get_text() for label in ax.get_xticklabels()]
    assert len(shown) == 12
    assert "$3" not in shown
    assert shown == sorted(shown, key=lambda name: int(name[1:]))
    assert len(ax.patches) == 6 * 12
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["original", "reconstruction"]


def test_a_perfect_reconstruction_lies_on_its_bars(ax):
    rows = np.random.default_rng(0).random((4, 3)) * [1, 1000, 1e-3]
    plots.reconstructions(rows, rows, ax=ax)
    tops = [bar.get_y() + bar.get_height() for bar in ax.patches]
    dots = np.concatenate([line.get_ydata() for line in ax.lines])
    assert np.allclose(tops, dots)


def test_long_rows_without_names_are_lines(ax):
    rows = np.sin(np.linspace(0, 9, 200)) * np.ones((3, 1))
    drawn(plots.reconstructions(rows, 0.9 * rows, ax=ax))
    assert [len(line.get_xdata()) for line in ax.lines] == [200] * 6


@pytest.mark.parametrize(
    ("originals", "back"),
    [(np.zeros((2, 3)), np.zeros((2, 4))), (np.zeros((0, 3)), np.zeros((0, 3))), ([1], [1])],
)
def test_reconstructions_refuses_rows_that_do_not_fit(ax, originals, back):
    with pytest.raises(DataError, match="reconstructions: expected"):
        plots.reconstructions(originals, back, ax=ax)


class Painter:
    """Decodes a code into an image whose two pixels are its first and its last number."""

    def inverse_transform(self, Z):
        return np.asarray(Z)[:, None, [0, -1]]


def test_plane_decodes_each_place_of_the_plane(ax):
    corners = np.array([[-1.0, 0.0], [1.0, 10.0]])
    plots.plane(Painter(), corners, ax=drawn(ax), n=3)
    picture = ax.images[0].get_array()[..., 0]
    # Cells of 1 by 2 pixels with a gap of one: first numbers grow rightwards, second ones upwards.
    first, last = picture[:, ::3], picture[:, 1::3]
    assert (np.diff(first[0]) >= 0).all()
    assert (np.diff(first[0]) > 0).any()
    assert (np.diff(last[::2, 0]) <= 0).all()
    low_x, high_x, low_y, high_y = ax.images[0].get_extent()
    assert (low_x, high_x) == pytest.approx((-1, 1), abs=0.02)
    assert (low_y, high_y) == pytest.approx((0, 10), abs=0.1)


def test_plane_pales_where_no_code_is(ax):
    rng = np.random.default_rng(0)
    Z = np.concatenate([rng.normal(0, 0.3, (500, 2)), rng.normal(9, 0.3, (500, 2))])
    black = Painter()
    black.inverse_transform = lambda Z: np.zeros((len(Z), 2, 2), np.uint8)
    plots.plane(black, Z, ax=ax, n=10)
    picture = ax.images[0].get_array()[..., 0]
    assert picture[-1, 0] == picture[0, -2] == 0  # bottom left and top right hold codes
    assert picture[0, 0] == picture[-1, -2] == pytest.approx(0.7)


@pytest.mark.parametrize("width", [1, 2, 7])
def test_plane_takes_codes_of_any_width(ax, width):
    Z = np.random.default_rng(0).normal(size=(200, width))
    drawn(plots.plane(Painter(), Z, ax=ax, n=4))
    rows = 1 if width == 1 else 4
    assert ax.images[0].get_array().shape[0] == 2 * rows - 1


def test_plane_refuses_rows_that_are_no_images(ax):
    table = Painter()
    table.inverse_transform = lambda Z: np.zeros((len(Z), 5))
    with pytest.raises(DataError, match=r"expected a model of images, found rows of shape \(5,\)"):
        plots.plane(table, [[0.0, 1.0], [1.0, 0.0]], ax=ax)
    with pytest.raises(SettingError, match="n: expected at least 1"):
        plots.plane(Painter(), [[0.0, 1.0]], ax=ax, n=0)


# -- loss, saving


def test_loss_curve_leaves_nan_out_and_marks_the_best_epoch(ax):
    history = {
        "epoch": [0, 5, 10, 15],
        "loss": [np.nan, 3.0, 2.0, 1.0],
        "val_loss": [4.0, 2.5, 2.0, 2.2],
    }
    drawn(plots.loss_curve(history, ax=ax))
    lines = {line.get_label(): line.get_xydata().tolist() for line in ax.lines}
    assert lines["fitted rows"] == [[5, 3], [10, 2], [15, 1]]
    assert [[10, 2]] in [line.get_xydata().tolist() for line in ax.lines]


def test_loss_curve_without_held_out_rows_has_one_line(ax):
    nothing = [np.nan, np.nan]
    drawn(plots.loss_curve({"epoch": [1, 2], "loss": [2.0, 1.0], "val_loss": nothing}, ax=ax))
    assert len(ax.lines) == 1


@pytest.mark.parametrize("history", [{}, {"loss": []}, {"loss": [np.nan]}])
def test_loss_curve_needs_an_epoch(ax, history):
    with pytest.raises(DataError, match="at least one epoch"):
        plots.loss_curve(history, ax=ax)


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".PDF", b"%PDF"), (".svg", b"<?xml")]
)
def test_figure_writes_each_kind(tmp_path, Z, suffix, start):
    place = tmp_path / f"codes{suffix}"
    with plots.figure(place) as ax:
        plots.codes(Z, ["日本", "b\x07"] * 150, ax=ax)
    assert place.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [place]


def test_figure_has_the_size_that_was_asked(tmp_path):
    with plots.figure(tmp_path / "a.png", 3, 2):
        pass
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (600, 400)


def test_figure_refuses_unknown_suffixes_before_any_work(tmp_path):
    with (
        pytest.raises(FileError, match=r"suffix \.png, \.pdf, \.svg, found '\.gif'"),
        plots.figure(tmp_path / "a.gif"),
    ):
        pytest.fail("was asked to draw")


def test_figure_leaves_the_old_file_if_drawing_fails(tmp_path):
    place = tmp_path / "a.png"
    place.write_bytes(b"old")
    with pytest.raises(DataError), plots.figure(place) as ax:
        plots.codes(np.zeros((0, 2)), ax=ax)
    assert place.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [place]
