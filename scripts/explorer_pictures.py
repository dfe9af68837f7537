"""Make the pictures of the explorer in docs/images: texts, a table, cells and photos.

The texts are the docstrings of installed libraries, the cells come with scanpy, and the photos are
tiles of the two photos that scikit-learn contains.

    python -m pip install -e '.[cells,dev]' scanpy
    python scripts/explorer_pictures.py        # or: python scripts/explorer_pictures.py cells
"""

from __future__ import annotations

import ast
import importlib.util
import io
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import anndata
import pandas as pd
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from sklearn.datasets import load_sample_images

from latentmap import LatentMap
from latentmap.data import Source, Table, from_anndata, load_dataset, open_data
from latentmap.explorer import Scene, export_page

IMAGES = Path(__file__).parents[1] / "docs" / "images"
LIBRARIES = ("numpy", "pandas", "scipy", "sklearn")
TEXTS_PER_LIBRARY = 500
TILE, TILE_STEP = 48, 24  # Side and distance of the tiles of photos, in pixels.
WINDOW = {"width": 1240, "height": 760}


def package_folder(name: str) -> Path:
    """Return the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"the pictures need the package {name}: install it")
    return Path(spec.origin).parent


def docstrings(name: str) -> Iterator[tuple[str, str]]:
    """Yield the names and the first paragraphs of the docstrings of a library."""
    for path in sorted(package_folder(name).rglob("*.py")):
        if "tests" in path.parts:
            continue
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(path.read_bytes())
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                text = " ".join((ast.get_docstring(node) or "").split("\n\nParameters")[0].split())
                if 60 < len(text) < 600 and not node.name.startswith("_"):
                    yield node.name, text


def texts(_: Path) -> Source:
    """Return docstrings, with their library as label."""
    rows = [(library, *pair) for library in LIBRARIES for pair in docstrings(library)]
    frame = pd.DataFrame(rows, columns=["library", "name", "text"]).drop_duplicates("text")
    frame = frame.groupby("library").sample(TEXTS_PER_LIBRARY, random_state=0)
    frame["length"] = frame["text"].str.len()
    frame = frame[["name", "text", "library", "length"]].reset_index(drop=True)
    return Table(frame, text="text", label="library", name="docstrings")


def cells(_: Path) -> Source:
    """Return 700 blood cells with their types."""
    path = package_folder("scanpy") / "datasets" / "10x_pbmc68k_reduced.h5ad"
    return from_anndata(anndata.read_h5ad(path), label="bulk_labels", name="cells")


def photos(folder: Path) -> Source:
    """Return overlapping tiles of two photos, as a folder of images."""
    sample = load_sample_images()
    for name, photo in zip(sample.filenames, sample.images, strict=True):
        target = folder / "photos" / Path(name).stem
        target.mkdir(parents=True)
        height, width = photo.shape[:2]
        for top in range(0, height - TILE, TILE_STEP):
            for left in range(0, width - TILE, TILE_STEP):
                tile = photo[top : top + TILE, left : left + TILE]
                Image.fromarray(tile).save(target / f"{top:03}-{left:03}.png")
    return open_data(str(folder / "photos"))


def show_texts(page: Page) -> None:
    """Search, and zoom in until the parts of areas have names."""
    page.fill("#search", "matrix")
    zoom(page, 0.5, 0.45, 2)
    pick(page)


def show_table(page: Page) -> None:
    """Select penguins with a box, which shows what distinguishes them."""
    left, top, width, height = frame(page)
    page.keyboard.press("b")
    page.mouse.move(left + 0.22 * width, top + 4)
    page.mouse.down()
    page.mouse.move(left + 0.62 * width, top + 0.55 * height, steps=4)
    page.mouse.up()
    page.keyboard.press("m")
    page.keyboard.press("r")
    page.wait_for_selector("#selection .difference")


def show_cells(page: Page) -> None:
    """Draw contours, and pick a cell."""
    page.keyboard.press("c")
    pick(page)
    leave_map(page)
    page.locator("#neighborhood").scroll_into_view_if_needed()


def show_photos(page: Page) -> None:
    """Zoom in until thumbnails replace points."""
    zoom(page, 0.5, 0.5, 5)
    pick(page)
    leave_map(page)


def frame(page: Page) -> tuple[float, float, float, float]:
    """Return the left, top, width and height of the map."""
    box = page.locator("#map").bounding_box()
    assert box is not None
    return box["x"], box["y"], box["width"], box["height"]


def zoom(page: Page, x: float, y: float, steps: int) -> None:
    """Zoom in at a position of the map, from 0 to 1."""
    left, top, width, height = frame(page)
    page.mouse.move(left + x * width, top + y * height)
    for _ in range(steps):
        page.mouse.wheel(0, -240)
        page.wait_for_timeout(200)


def pick(page: Page) -> None:
    """Click the row that is nearest to the middle of the map."""
    left, top, width, height = frame(page)
    x, y = page.evaluate(
        """([x, y]) => {
            const { latentmap } = window;
            const n = Number(JSON.parse(document.querySelector("#scene").textContent).n);
            const pixelOf = i => latentmap.toScreen(...latentmap.positionOf(i));
            const pixels = [...Array(n).keys()].map(pixelOf);
            const distance = ([a, b]) => Math.hypot(a - x, b - y);
            return pixels.reduce((best, pixel) => distance(pixel) < distance(best) ? pixel : best);
        }""",
        [width / 2, height / 2],
    )
    page.mouse.click(left + x, top + y)
    page.wait_for_selector("#row[data-row]")


def leave_map(page: Page) -> None:
    """Move the pointer to the title, so that no tooltip covers the map."""
    page.mouse.move(4, 4)


PANELS: dict[str, tuple[Callable[[Path], Source], Callable[[Page], None]]] = {
    "texts": (texts, show_texts),
    "table": (lambda _: load_dataset("penguins"), show_table),
    "cells": (cells, show_cells),
    "photos": (photos, show_photos),
}


def save_picture(content: bytes, path: Path) -> None:
    """Write a screenshot with 256 colours, because such a file is small."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    # Without the passes of k-means, the colours of small marks would change visibly.
    image.quantize(256, kmeans=2, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"Wrote {path.name}: {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """Fit a map for each panel, or for the given ones, and take a screenshot of its page."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for panel in sys.argv[1:] or PANELS:
            load, show = PANELS[panel]
            rows = load(folder)
            scene = Scene(LatentMap(random_state=0).fit(rows), rows, panel)
            export_page(scene, folder / f"{panel}.html")
            page = browser.new_page(viewport=WINDOW, reduced_motion="reduce")
            page.goto((folder / f"{panel}.html").as_uri())
            page.wait_for_selector("body[data-state=ready]")
            show(page)
            page.wait_for_timeout(2000)
            save_picture(page.screenshot(), IMAGES / f"explorer.{panel}.png")
        browser.close()


if __name__ == "__main__":
    main()
