"""The page: HTML, style, scripts, scene and buffers, put together into one text.

The same page is served and exported. Its policy lets nothing run but its own script and nothing
in from elsewhere, so that what comes from data cannot do either, whatever it says.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

__all__ = ["FOLDER", "SCRIPTS", "Page", "escaped"]

FOLDER = Path(__file__).parent / "page"
SCRIPTS: tuple[str, ...] = (
    "dom.js",
    "store.js",
    "latest.js",
    "numbers.js",
    "shortrows.js",
    "scene.js",
    "server.js",
    "embedded.js",
    "sheets.js",
    "density.js",
    "grid.js",
    "csv.js",
    "cloud.js",
    "file.js",
    "palette.js",
    "colours.js",
    "theme.js",
    "notice.js",
    "view.js",
    "gliding.js",
    "splat.js",
    "points.js",
    "nearest.js",
    "places.js",
    "picture.js",
    "chart.js",
    "showing.js",
    "here.js",
    "lens.js",
    "row.js",
    "rowwords.js",
    "rowlist.js",
    "similar.js",
    "walk.js",
    "legend.js",
    "selection.js",
    "placing.js",
    "drawing.js",
    "overlay.js",
    "map.js",
    "tools.js",
    "pointer.js",
    "keys.js",
    "main.js",
)
"""Every script of the page, in the order in which they become one."""
_CONNECTS = {"server": "'self'", "file": "'none'"}


@dataclass(frozen=True)
class Page:
    """The parts of the page that know nothing of any data.

    Attributes
    ----------
    folder : pathlib.Path
        With ``explorer.html``, which has the markers ``<!-- policy -->``, ``<!-- style -->``,
        ``<!-- data -->`` and ``<!-- script -->``, with ``explorer.css`` and the scripts.
    scripts : tuple of str
        The scripts' file names, in their order.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> marks = "<!-- policy --><!-- style --><!-- data --><!-- script -->"
    >>> _ = (folder / "explorer.html").write_text(marks), (folder / "explorer.css").write_text("")
    >>> page = Page(folder, ())
    >>> '<script type="application/json" id="scene">{"n":3,' in page.text({"n": 3}, "file")
    True
    """

    folder: Path = FOLDER
    scripts: tuple[str, ...] = SCRIPTS

    @cached_property
    def script(self) -> str:
        """All scripts as one, in a scope of their own."""
        parts = "\n".join(self._read(name) for name in self.scripts)
        return f'(() => {{\n"use strict";\n{parts}\n}})();\n'

    @cached_property
    def style(self) -> str:
        """The style sheet."""
        return self._read("explorer.css")

    def policy(self, mode: str) -> str:
        """Give the Content-Security-Policy of the page in a mode, "server" or "file"."""
        return "; ".join(
            [
                "default-src 'none'",
                f"script-src {_hash(self.script)}",
                f"style-src {_hash(self.style)}",
                "img-src blob: data:",
                f"connect-src {_CONNECTS[mode]}",
                "base-uri 'none'",
                "form-action 'none'",
            ]
        )

    def text(
        self, scene: dict[str, Any], mode: str, buffers: Iterable[tuple[str, bytes]] = ()
    ) -> str:
        """Put the page together.

        Parameters
        ----------
        scene : dict
            What the page is told, as JSON can hold it.
        mode : {"server", "file"}
        buffers : iterable of (name, bytes)
            What a file carries beside.

        Returns
        -------
        str
        """
        about = escaped({**scene, "mode": mode})
        told = f'<script type="application/json" id="scene">{about}</script>'
        carried = (
            f'<script type="application/octet-stream" id="data-{name}">'
            f"{base64.b64encode(content).decode()}</script>"
            for name, content in buffers
        )
        parts = {
            "policy": f'<meta http-equiv="Content-Security-Policy" content="{self.policy(mode)}">',
            "style": f"<style>{self.style}</style>",
            "data": "\n".join([told, *carried]),
            "script": f"<script>{self.script}</script>",
        }
        return self._filled(parts)

    def _filled(self, parts: dict[str, str]) -> str:
        """Put parts in the place of their markers; what they hold is not looked at again."""
        filled, rest = [], self._read("explorer.html")
        for name, part in parts.items():
            before, marker, rest = rest.partition(f"<!-- {name} -->")
            assert marker, f"explorer.html: no marker for {name}"
            filled += [before, part]
        return "".join([*filled, rest])

    def _read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


def escaped(value: Any) -> str:
    r"""Give JSON that is safe within a script element: it holds no ``<`` and no line separator.

    Examples
    --------
    >>> escaped(["</script>", "\u2028"])
    '["\\u003c/script>","\\u2028"]'
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))  # ASCII only
    return text.replace("<", "\\u003c")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
