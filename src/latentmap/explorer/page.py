"""The page of the explorer: HTML, style sheet, ES modules, and the data inserted into them.

A server sends the modules as separate files. An exported file cannot import files, so it holds the
same modules bundled into one script. The Content-Security-Policy allows no other script and no
connection to other sites, whatever the data contains.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

PAGE_FOLDER = Path(__file__).parent / "page"
MAIN_MODULE = "main.js"

_MARKER = re.compile(r"<!-- (policy|style|data|script) -->")
_IMPORT = re.compile(r'^import \{([^}]+)\} from "\./([a-z_]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function|class|const) (\w+)", re.MULTILINE)
_UNSUPPORTED = re.compile(r"^(import|export)\b.*", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """The HTML template, style sheet and modules of the page."""

    folder: Path = PAGE_FOLDER

    @cached_property
    def modules(self) -> dict[str, str]:
        """Source of ``main.js`` and of all modules that it imports; imported modules come first."""
        modules: dict[str, str] = {}
        self._load_module(MAIN_MODULE, modules, ())
        return modules

    def _load_module(self, name: str, modules: dict[str, str], importers: tuple[str, ...]) -> None:
        if name in importers:
            raise ValueError(f"modules import each other: {' -> '.join([*importers, name])}")
        if name not in modules:
            source = self._read(name)
            for _, imported_module in _IMPORT.findall(source):
                self._load_module(imported_module, modules, (*importers, name))
            modules[name] = source

    @cached_property
    def style(self) -> str:
        """Text of the style sheet."""
        return self._read("explorer.css")

    @cached_property
    def script(self) -> str:
        """All modules as one script."""
        return bundle(self.modules)

    def policy(self, mode: str) -> str:
        """Return the Content-Security-Policy for a mode, "server" or "file"."""
        scripts, connections = "'self'", "'self'"
        if mode == "file":
            scripts, connections = _source_hash(self.script), "'none'"
        return (
            f"default-src 'none'; script-src {scripts}; style-src {_source_hash(self.style)}; "
            f"img-src blob: data:; connect-src {connections}; base-uri 'none'; form-action 'none'"
        )

    def text(
        self, scene: dict[str, Any], mode: str, buffers: Mapping[str, bytes] | None = None
    ) -> str:
        """Return the HTML of the page."""
        parts = {
            "policy": f'<meta http-equiv="Content-Security-Policy" content="{self.policy(mode)}">',
            "style": f"<style>{self.style}</style>",
            "data": "\n".join(_data_elements({**scene, "mode": mode}, buffers or {})),
            "script": (
                f'<script type="module" src="page/{MAIN_MODULE}"></script>'
                if mode == "server"
                else f'<script type="module">{self.script}</script>'
            ),
        }
        # All markers are replaced in one pass, because inserted data may contain a marker.
        return _MARKER.sub(lambda match: parts[match[1]], self._read("explorer.html"))

    def _read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")


def bundle(modules: Mapping[str, str]) -> str:
    r"""Combine ES modules into one script without imports.

    Every module becomes a function that returns its exports, so that its other names stay private.
    A module comes after those that it imports. Raise ValueError for a form of import or export
    other than ``import { a, b } from "./name.js";`` and exported functions, classes and constants.
    """
    return "".join(_bundle_module(name, source) for name, source in modules.items())


def _bundle_module(name: str, source: str) -> str:
    exports = ", ".join(name for _, name in _EXPORT.findall(source))
    source = _IMPORT.sub(lambda match: f"const {{{match[1]}}} = {_variable(match[2])};\n", source)
    source = _EXPORT.sub(r"\1 \2", source)
    if unsupported := _UNSUPPORTED.search(source):
        raise ValueError(f"{name}: cannot bundle {unsupported[0]!r}")
    return f"const {_variable(name)} = (() => {{\n{source}return {{ {exports} }};\n}})();\n"


def _variable(module: str) -> str:
    return module.replace(".js", "_module")


def _data_elements(scene: dict[str, Any], buffers: Mapping[str, bytes]) -> Iterator[str]:
    yield f'<script type="application/json" id="scene">{escape_json(scene)}</script>'
    for name, content in buffers.items():
        text = base64.b64encode(content).decode()
        yield f'<script type="application/octet-stream" id="data-{name}">{text}</script>'


def escape_json(value: object) -> str:
    r"""Return JSON that is safe in a script element: without ``<`` and line separators."""
    # json.dumps returns ASCII, so the text needs no further escapes.
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _source_hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
