from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from latentmap import plots
from latentmap.errors import DataError, FileError


# Whether a font has these characters depends on the machine.
@pytest.mark.filterwarnings("ignore:no installed font")
@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".PDF", b"%PDF"), (".svg", b"<?xml")]
)
def test_figure_writes_each_format(tmp_path, Z, suffix, start):
    path = tmp_path / f"codes{suffix}"
    with plots.figure(path) as ax:
        plots.codes(Z, ["日本", "b\x07"] * 150, ax=ax)
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]


def test_figure_has_the_requested_size(tmp_path):
    with plots.figure(tmp_path / "a.png", 3, 2):
        pass
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (600, 400)


def test_plot_determines_the_size_of_a_figure_without_a_size(tmp_path):
    with plots.figure(tmp_path / "a.png") as ax:
        plots.rows(np.zeros((12, 28, 28)), ax)
    with Image.open(tmp_path / "a.png") as picture:
        width, height = picture.size
        assert width == 1800
        assert height in (225, 226)  # Versions of Matplotlib round it differently.


def test_figure_refuses_unknown_suffixes_before_any_work(tmp_path):
    with (
        pytest.raises(FileError, match=r"suffixes \.png, \.pdf, \.svg, found '\.gif'"),
        plots.figure(tmp_path / "a.gif"),
    ):
        pytest.fail("was asked to draw")


def test_figure_leaves_the_old_file_if_drawing_fails(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(DataError), plots.figure(path) as ax:
        plots.codes(np.zeros((0, 2)), ax=ax)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
