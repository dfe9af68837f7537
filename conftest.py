"""Run the examples of Markdown pages in an empty folder, because they write files."""

import pytest


@pytest.fixture(autouse=True)
def run_pages_in_an_empty_folder(request, monkeypatch):
    """Change to a new folder if the test is a page."""
    if request.node.path.suffix == ".md":
        monkeypatch.chdir(request.getfixturevalue("tmp_path"))
