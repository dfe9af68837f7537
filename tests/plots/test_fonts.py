from __future__ import annotations

from pathlib import Path

import matplotlib
import pytest
from matplotlib import font_manager

from latentmap.errors import DataWarning
from latentmap.plots import fonts

STIX = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "STIXGeneral.ttf"
ONLY_IN_STIX = "\u2abb"


@pytest.fixture
def install(monkeypatch):
    """Return a function that sets the installed fonts."""
    fonts._find_fonts.cache_clear()
    yield lambda *paths: monkeypatch.setattr(
        font_manager, "findSystemFonts", lambda: list(map(str, paths))
    )
    fonts._find_fonts.cache_clear()


def test_an_installed_font_draws_what_the_default_font_lacks(ax, install, tmp_path):
    install(tmp_path / "missing.ttf", STIX)
    latin, foreign = (ax.text(0.5, 0.5, text, fontweight="bold") for text in ("né", ONLY_IN_STIX))
    fonts.use_installed_fonts(ax)
    assert foreign.get_fontfamily()[-1] == "STIXGeneral"
    assert latin.get_fontweight() == "bold"
    assert "STIXGeneral" not in latin.get_fontfamily()
    ax.figure.canvas.draw()  # A missing character would be a warning, and warnings are errors.


def test_characters_that_no_font_has_are_named(ax, install):
    install()
    ax.text(0.5, 0.5, "红色的猫 a")
    with pytest.warns(DataWarning, match=r"的 \(U\+7684\), .* and 1 more: they are drawn as boxes"):
        fonts.use_installed_fonts(ax)


def test_a_line_break_needs_no_font(ax, install):
    install(STIX)
    ax.set_title(f"two\nlines {ONLY_IN_STIX}")
    fonts.use_installed_fonts(ax)  # A warning would be an error.
    assert ax.title.get_fontfamily()[-1] == "STIXGeneral"
