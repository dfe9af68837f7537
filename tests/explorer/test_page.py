from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from latentmap.explorer.page import FOLDER, SCRIPTS, Page, escaped

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--",
    "<img src=x onerror=alert(1)>",
    "\u2028]]>",
]


class Scripts(HTMLParser):
    """The script elements of a page, as a browser parts them."""

    def __init__(self, text):
        super().__init__()
        self.found, self.tags = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "script":
            self.found.append([dict(attrs), ""])

    def handle_data(self, data):
        if self.tags[-1] == "script":
            self.found[-1][1] += data


def test_what_comes_from_data_cannot_end_its_element(page):
    scripts = Scripts(page.text({"title": HOSTILE}, "file"))
    scene, script = scripts.found
    assert json.loads(scene[1]) == {"title": HOSTILE, "mode": "file"}
    assert scene[0] == {"type": "application/json", "id": "scene"}
    assert "const two = one + 1;" in script[1]
    assert "img" not in scripts.tags


def test_escaped_json_is_the_same_json():
    for text in HOSTILE:
        assert json.loads(escaped(text)) == text
        assert not {"<", "\u2028"} & set(escaped(text))


def test_a_marker_within_data_is_not_filled(page):
    text = page.text({"title": "<!-- script --><!-- data -->"}, "file")
    assert text.count('"use strict"') == 1


@pytest.mark.parametrize(("mode", "connects"), [("server", "'self'"), ("file", "'none'")])
def test_the_policy_lets_nothing_run_but_the_pages_own_script(page, mode, connects):
    text = page.text({"n": 3}, mode)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    told = dict(part.split(" ", 1) for part in policy.split("; "))
    for name, pattern in (
        ("script-src", r"<script>(.*?)</script>"),
        ("style-src", r"<style>(.*?)</style>"),
    ):
        content = re.search(pattern, text, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert told[name] == f"'sha256-{digest}'"
    assert told["default-src"] == "'none'"
    assert told["connect-src"] == connects


def test_scripts_become_one_in_their_order(page):
    assert page.script.index("const one") < page.script.index("const two")
    assert page.script.startswith('(() => {\n"use strict";')


def test_buffers_are_carried(page):
    content = bytes(range(256))
    scripts = Scripts(page.text({}, "file", [("points", content)]))
    (found,) = [text for attrs, text in scripts.found if attrs.get("id") == "data-points"]
    assert base64.b64decode(found) == content


def test_the_real_page_is_whole():
    page = Page()
    files = {path.name for path in FOLDER.iterdir() if path.suffix == ".js"}
    assert files == set(SCRIPTS)
    assert len(SCRIPTS) == len(files)
    html = (FOLDER / "explorer.html").read_text(encoding="utf-8")
    for name in ("policy", "style", "data", "script"):
        assert html.count(f"<!-- {name} -->") == 1
    assert "</script" not in page.script
    assert "<!--" not in page.script
    assert "</style" not in page.style
    assert "\r" not in html + page.script + page.style


def test_the_real_page_takes_text_as_text_and_nothing_from_elsewhere():
    page = Page()
    html = page.text({}, "server")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in page.script
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", html)
    assert "@import" not in page.style
    assert "url(" not in page.style.replace("url(data:", "")
    assert not re.search(r"<[^>]+\sstyle=", html)
