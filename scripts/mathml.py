"""Hook of MkDocs: write the formulas of a page as MathML, which needs no script."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

_INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
_BLOCK = re.compile(r'<div class="arithmatex">\s*\\\[(.*?)\\\]\s*</div>', re.DOTALL)


def on_page_content(content: str, **_: object) -> str:
    """Return the HTML of a page with MathML in the place of LaTeX."""
    content = _INLINE.sub(lambda match: _mathml(match, "inline"), content)
    return _BLOCK.sub(lambda match: _mathml(match, "block"), content)


def _mathml(match: re.Match[str], display: str) -> str:
    return convert(html.unescape(match[1]).strip(), display=display)
