"""The commands of the README and of the pages of docs/ run as written, in order."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
# docs/cli.md is generated from the help texts, whose file names are examples.
PAGES = sorted({ROOT / "README.md", *(ROOT / "docs").glob("*.md")} - {ROOT / "docs" / "cli.md"})
LANGUAGES = {"console", "math", "python", "text"}
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"\s+#.*")
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(page):
    """Return the lines of the console blocks of a page that start with a dollar sign."""
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [COMMENT.sub("", line[2:]) for line in lines]


PAGES_OF_COMMANDS = Counter(command for page in PAGES for command in set(commands(page)))
# The last pages are short, so that all processes end at about the same time.
LONGEST_FIRST = sorted(filter(commands, PAGES), key=lambda page: -len(commands(page)))


def write_inputs(folder, script, request):
    """Write the files of a user that the commands of a page read."""
    if "faces/" in script:
        (folder / "faces").symlink_to(request.getfixturevalue("faces"))
    if "articles" in script:
        write_articles(folder)
    if "photos/" in script:
        write_photos(folder)
    if "cells.h5ad" in script:
        write_cells(folder / "cells.h5ad")


def write_articles(folder):
    """Write a table of texts, their vectors, and both in one file."""
    rng, words = np.random.default_rng(0), ["wind boat sail mast tide", "bread oven salt flour"]
    vectors = rng.normal(size=(80, 12)).astype(np.float32)
    bodies = [f"{words[i % 2]} {words[i % 2].split()[i % 4]} text {i}" for i in range(80)]
    years = rng.integers(1990, 2020, 80)
    articles = pd.DataFrame({"body": bodies, "topic": ["sea", "kitchen"] * 40, "year": years})
    np.save(folder / "vectors.npy", vectors)
    articles.to_csv(folder / "articles.csv", index=False)
    articles.assign(embedding=list(vectors)).to_parquet(folder / "articles.parquet")


def write_photos(folder):
    """Write photos of two sizes into two folders, and one beside them."""
    rng = np.random.default_rng(0)
    for i in range(48):
        path = folder / "photos" / ("sea" if i % 2 else "kitchen") / f"{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (90, 120, 3) if i % 3 else (120, 90, 3)
        Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(path)
    Image.fromarray(rng.integers(0, 256, (90, 120, 3), np.uint8)).save(folder / "holiday.jpg")


def write_cells(path):
    """Write counts of genes with a layer, principal components and distances of neighbours."""
    import anndata
    from sklearn.neighbors import kneighbors_graph

    rng = np.random.default_rng(0)
    counts = rng.poisson(2.0, (80, 30)).astype(np.float32)
    # anndata cannot write the strings of pandas 3, so the columns are objects.
    index = pd.Index([f"c{i}" for i in range(80)], dtype=object)
    obs = pd.DataFrame({"cell_type": ["T cell", "B cell"] * 40}, index=index, dtype=object)
    var = pd.DataFrame(index=pd.Index([f"g{i}" for i in range(30)], dtype=object))
    cells = anndata.AnnData(counts, obs=obs, var=var, layers={"counts": counts})
    cells.obsm["X_pca"] = counts[:, :10] - counts[:, :10].mean(axis=0)
    cells.obsp["distances"] = kneighbors_graph(cells.obsm["X_pca"], 15, mode="distance")
    cells.write_h5ad(path)


def test_console_blocks_hold_commands():
    assert sum(map(len, map(commands, PAGES))) > 20


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_runs_or_is_plain_text(page):
    for language, text in FENCE.findall(page.read_text(encoding="utf-8")):
        assert language in LANGUAGES
        assert language != "python" or text.startswith(">>> ")
        assert language != "console" or all(line.startswith("$ ") for line in text.splitlines())


def run_command(command, folder):
    result = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"


def hash_inputs(command, folder):
    """Return a hash of a command and of the files it names."""
    paths = [folder / word for word in command.split()]
    contents = [path.read_bytes() for path in paths if path.is_file()]
    return hashlib.sha256(b"\0".join([command.encode(), *contents])).hexdigest()


def run_or_copy(command, folder, make_once):
    """Run a command, or copy the files it wrote for another page from equal files."""

    def run_and_copy(target):
        before = set(folder.iterdir())
        run_command(command, folder)
        for path in set(folder.iterdir()) - before:
            shutil.copy(path, target)

    files = make_once(hash_inputs(command, folder), run_and_copy)
    shutil.copytree(files, folder, dirs_exist_ok=True)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", LONGEST_FIRST, ids=lambda page: page.stem)
def test_commands_of_a_page_run_in_an_empty_folder(page, tmp_path, make_once, request):
    write_inputs(tmp_path, "\n".join(commands(page)), request)
    for command in commands(page):
        if PAGES_OF_COMMANDS[command] > 1:
            run_or_copy(command, tmp_path, make_once)
        else:
            run_command(command, tmp_path)
