from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from latentmap.explorer.page import PAGE_FOLDER, Page, bundle, escape_json

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--",
    "<img src=x onerror=alert(1)>",
    "\u2028]]>",
]


class ScriptParser(HTMLParser):
    """The script elements of a page, as a browser separates them."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.tags = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "script":
            self.scripts.append([dict(attrs), ""])

    def handle_data(self, data):
        if self.tags[-1] == "script":
            self.scripts[-1][1] += data


def test_data_cannot_end_its_element(page):
    parser = ScriptParser(page.text({"title": HOSTILE}, "file"))
    scene, script = parser.scripts
    assert json.loads(scene[1]) == {"title": HOSTILE, "mode": "file"}
    assert scene[0] == {"type": "application/json", "id": "scene"}
    assert script[0] == {"type": "module"}
    assert "const two = one + 1;" in script[1]
    assert "img" not in parser.tags


def test_escaped_json_has_the_same_value():
    for text in HOSTILE:
        assert json.loads(escape_json(text)) == text
        assert not {"<", "\u2028"} & set(escape_json(text))


def test_a_marker_in_the_data_is_not_replaced(page):
    text = page.text({"title": "<!-- script --><!-- data -->"}, "file")
    assert text.count("const two") == 1


def policy_of(text):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    return dict(part.split(" ", 1) for part in policy.split("; "))


def hash_of(text, pattern):
    content = re.search(pattern, text, re.DOTALL)[1]
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


@pytest.mark.parametrize(("mode", "connects"), [("server", "'self'"), ("file", "'none'")])
def test_the_policy_allows_only_the_scripts_of_the_page(page, mode, connects):
    text = page.text({"n": 3}, mode)
    policy = policy_of(text)
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == connects
    assert policy["style-src"] == hash_of(text, r"<style>(.*?)</style>")
    if mode == "server":
        assert policy["script-src"] == "'self'"
        assert '<script type="module" src="page/main.js"></script>' in text
    else:
        assert policy["script-src"] == hash_of(text, r'<script type="module">(.*?)</script>')


def test_modules_follow_those_that_they_import(page):
    assert list(page.modules) == ["one.js", "main.js"]
    assert page.script.index("const one") < page.script.index("const two")


def test_modules_that_import_each_other_are_refused(tmp_path):
    (tmp_path / "main.js").write_text('import { a } from "./other.js";\n')
    (tmp_path / "other.js").write_text('import { b } from "./main.js";\n')
    with pytest.raises(ValueError, match=r"main\.js -> other\.js -> main\.js"):
        _ = Page(tmp_path).modules


@pytest.mark.parametrize(
    "line",
    ["export default 1;", 'import * as a from "./a.js";', "export { a };", 'import "./a.js";'],
)
def test_other_imports_and_exports_are_refused(line):
    with pytest.raises(ValueError, match=r"main\.js: cannot bundle"):
        bundle({"main.js": f"{line}\n"})


def test_buffers_are_embedded(page):
    content = bytes(range(256))
    parser = ScriptParser(page.text({}, "file", {"points": content}))
    (text,) = [text for attrs, text in parser.scripts if attrs.get("id") == "data-points"]
    assert base64.b64decode(text) == content


def test_the_page_uses_every_module():
    page = Page()
    assert set(page.modules) == {path.name for path in PAGE_FOLDER.glob("*.js")}


def test_the_bundle_contains_the_source_of_every_module():
    """The bundle changes nothing but the import and export keywords."""
    page = Page()
    lines = page.script.splitlines()
    position = 0
    for source in page.modules.values():
        body = re.sub(r'^import \{[^}]+\} from ".*";\n', "", source, flags=re.MULTILINE)
        for line in body.splitlines():
            position = lines.index(line.removeprefix("export "), position) + 1


def test_the_page_is_well_formed():
    page = Page()
    html = (PAGE_FOLDER / "explorer.html").read_text(encoding="utf-8")
    for name in ("policy", "style", "data", "script"):
        assert html.count(f"<!-- {name} -->") == 1
    assert "</script" not in page.script
    assert "<!--" not in page.script
    assert "</style" not in page.style
    assert "\r" not in html + page.script + page.style


def test_the_page_inserts_text_as_text_and_loads_nothing_from_other_sites():
    page = Page()
    html = page.text({}, "file")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in page.script
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", html)
    assert "@import" not in page.style
    assert "url(" not in page.style.replace("url(data:", "")
    assert not re.search(r"<[^>]+\sstyle=", html)


def test_every_control_has_a_name_for_screen_readers():
    html = (PAGE_FOLDER / "explorer.html").read_text(encoding="utf-8")
    for tag in re.findall(r"<(?:button|input)\b[^>]*>(?!\s*<svg[^>]*>.*?</svg>\s*<span)", html):
        text = re.search(re.escape(tag) + r"([^<]*)", html)[1].strip()
        assert "aria-label=" in tag or len(text) > 1 or "<span>" in html.split(tag)[1][:400], tag
