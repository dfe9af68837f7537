"""Fonts for characters that the default font of matplotlib lacks, such as Chinese ones.

matplotlib draws a missing character as a box, and does not look for another font by itself. Its
list of fonts may also be older than the installed fonts, so that these are searched here.
"""

import unicodedata
import warnings
from functools import lru_cache

from latentmap.errors import DataWarning
from latentmap.plots.matplotlib_types import Artist

# Line breaks, joiners, unassigned characters, variation selectors, accents and spaces.
_UNDRAWN_CATEGORIES = ("Cc", "Cf", "Cn", "Mn", "Zs")


def use_installed_fonts(artist: Artist) -> None:
    """Use installed fonts for the characters of a figure or Axes that the default font lacks.

    Warns of characters that no installed font has.
    """
    from matplotlib import font_manager
    from matplotlib.text import Text

    foreign_texts = [text for text in artist.findobj(Text) if not text.get_text().isascii()]
    if not foreign_texts:
        return
    default = _characters(font_manager.findfont(font_manager.FontProperties()))
    missing = {text: _drawn_characters(text.get_text()) - default for text in foreign_texts}
    families, unavailable = _find_fonts(frozenset().union(*missing.values()))
    for text, characters in missing.items():
        if characters - unavailable:
            # Few such fonts have a bold weight, and matplotlib would log each search for one.
            text.set(fontfamily=[*text.get_fontfamily(), *families], fontweight="normal")
    if unavailable:
        shown = ", ".join(f"{c} (U+{ord(c):04X})" for c in sorted(unavailable)[:3])
        message = f"no installed font that matplotlib can draw has the characters {shown}"
        if len(unavailable) > 3:
            message += f" and {len(unavailable) - 3} more"
        warnings.warn(f"{message}: they are drawn as boxes", DataWarning, stacklevel=3)


def _drawn_characters(text: str) -> frozenset[str]:
    return frozenset(c for c in text if unicodedata.category(c) not in _UNDRAWN_CATEGORIES)


@lru_cache(maxsize=8)
def _characters(path: str) -> frozenset[str]:
    """Return the characters of a font; none if it is damaged."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(map(chr, FT2Font(path).get_charmap()))
    except (OSError, RuntimeError):
        return frozenset()


@lru_cache(maxsize=64)
def _find_fonts(characters: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """Return families that have the characters together, and the characters that none has."""
    from matplotlib import font_manager

    families, missing = [], characters
    for path in sorted(font_manager.findSystemFonts()):
        if not missing:
            break
        if available := missing & _characters(path):
            try:
                font_manager.fontManager.addfont(path)
            except (NotImplementedError, OSError, RuntimeError):
                continue  # matplotlib cannot draw fonts that consist of bitmaps, such as emoji.
            families.append(font_manager.FontProperties(fname=path).get_name())
            missing -= available
    return families, missing
