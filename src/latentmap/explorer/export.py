"""One file with everything in it that the page may ask for, small enough to be sent by mail.

There are 19 MB to share out, whatever the data: first what tells of all rows, then a grid of
decoded rows, then the rows themselves, which take what is left, at the quality and the size that it
allows.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from latentmap.explorer.color_scales import ColorValues
from latentmap.explorer.page import Page
from latentmap.explorer.page_coordinates import grid_points
from latentmap.explorer.scene import Scene
from latentmap.explorer.sprite_sheets import CONTENT_TYPE, SpriteSheets, pack_sprites
from latentmap.explorer.table_columns import quantize
from latentmap.files import check_output_path, write_atomically
from latentmap.progress import progress

__all__ = ["PAGE_SUFFIXES", "export_page"]

PAGE_SUFFIXES = (".html", ".htm")

LIMIT = 19_000_000
"""Bytes of a file."""
GRID, COARSEST, LINE = 128, 32, (512, 2)
"""Nodes of the grid, across and up; of the largest rows; on a line."""
GRID_NUMBERS = 2**29
"""That are decoded for the grid: a minute's work at the most."""
_GRID_SHARE = 0.35  # of the bytes that are left, at the most
_PROBED = 4096


@dataclass
class _Buffers:
    """The buffers of a file, and how many bytes are left for more."""

    left: float
    contents: dict[str, bytes] = field(default_factory=dict)
    about: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, content: bytes) -> None:
        """Add numbers or text, deflated."""
        self._keep(name, _deflated(content), {"bytes": len(content), "deflated": True})

    def add_sheets(self, name: str, sheets: SpriteSheets) -> None:
        """Add sheets, numbered from 0."""
        for i, file in enumerate(sheets.files):
            about = {"bytes": len(file), "deflated": False, "type": CONTENT_TYPE}
            self._keep(f"{name}-{i}", file, about)

    def _keep(self, name: str, content: bytes, about: dict[str, Any]) -> None:
        self.contents[name], self.about[name] = content, about
        self.left -= len(content)


def export_page(
    scene: Scene, path: str | os.PathLike[str], page: Page | None = None, verbose: bool = False
) -> int:
    """Write a scene as one HTML file that needs neither server nor network.

    Parameters
    ----------
    scene : Scene
    path : path-like
    page : Page, optional
    verbose : bool
        Show progress with the time left.

    Returns
    -------
    int
        Its bytes: about 19 million at the most.

    Raises
    ------
    FileError
        If the place cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from latentmap import AutoEncoder
    >>> X = np.random.default_rng(0).normal(size=(60, 4))
    >>> scene = Scene(AutoEncoder(2, epochs=1, random_state=0).fit(X), X)
    >>> place = pathlib.Path(tempfile.mkdtemp()) / "map.html"
    >>> export_page(scene, place) == place.stat().st_size
    True
    """
    path = check_output_path(path, PAGE_SUFFIXES)
    page = page or Page()
    scene = _narrowed(scene)
    # Outlier scores, the last of the figures, give the errors as well.
    colours = [scale.compute() for scale in reversed(scene.color_scales)][::-1]
    told = {**scene.describe(), "drawable": False, "limits": {"upload_bytes": 0}}
    buffers = _Buffers((LIMIT - len(page.text(told, "file"))) * 3 / 4)  # base64 takes a third more
    _add_whole(buffers, scene, colours)
    told |= (_add_images if scene.images is not None else _add_table)(buffers, scene, verbose)
    told["buffers"] = buffers.about
    text = page.text(told, "file", buffers.contents.items()).encode()
    with write_atomically(path) as beside:
        beside.write_bytes(text)
    return len(text)


def _add_whole(buffers: _Buffers, scene: Scene, colours: list[ColorValues]) -> None:
    """Add what tells of all rows; a column's colour is in its values already."""
    for name in ("points", "density", "names", "labels", "numbers"):
        content = scene.buffer(name)
        if content is not None:
            buffers.add(name, content)
    for i, (scale, colour) in enumerate(zip(scene.color_scales, colours, strict=True)):
        if scale.column is None:
            buffers.add(f"colour-{i}", colour.numbers.tobytes())


# -- images ----------------------------------------------------------------------------------------


def _add_images(buffers: _Buffers, scene: Scene, verbose: bool) -> dict[str, Any]:
    about, spots = _grid(scene)
    back = scene.plane.n_components > 2  # else what the grid holds at a row's spot is nearly that
    most = _GRID_SHARE * buffers.left
    grid = _sheets(
        lambda i: scene.decode_points(spots[i]),
        len(spots),
        most,
        "Decoding a grid of spots",
        verbose,
    )
    buffers.add_sheets("grid", grid)
    told: dict[str, Any] = {"grid": {**about, "sheets": grid.describe()}}
    if back:
        sheets = _sheets(
            scene.reconstruction, len(scene), buffers.left / 2, "Packing reconstructions", verbose
        )
        buffers.add_sheets("back", sheets)
        told["back"] = sheets.describe()
    sheets = _sheets(scene.original, len(scene), buffers.left, "Packing the rows", verbose)
    buffers.add_sheets("sheet", sheets)
    return {**told, "sheets": sheets.describe()}


def _sheets(
    give: Callable[[np.ndarray], np.ndarray], count: int, budget: float, text: str, verbose: bool
) -> SpriteSheets:
    with progress(f"{text}: {count:,} pictures", count, verbose) as advance:
        return pack_sprites(give, count, budget, advance)


def _grid(scene: Scene) -> tuple[dict[str, Any], np.ndarray]:
    """Give where the nodes of the grid lie: told, and as spots."""
    numbers = int(np.prod(scene.rows.row_shape))
    side = int(np.clip((GRID_NUMBERS / numbers) ** 0.5, COARSEST, GRID))
    width, height = LINE if scene.plane.n_components == 1 else (side, side)
    bounds = scene.density.bounds
    about = {"width": width, "height": height, "bounds": bounds.ravel().tolist()}
    return about, grid_points(bounds, width, height)


# -- tables ----------------------------------------------------------------------------------------


def _narrowed(scene: Scene) -> Scene:
    """Leave as many columns of a table as there is room for, the most telling ones."""
    if scene.table is None:
        return scene
    low, high = scene.table.low, scene.table.high
    some = np.linspace(0, len(scene) - 1, min(len(scene), _PROBED)).astype(int)
    probe = quantize(scene.table.values[some], low, high).tobytes()
    packed = len(_deflated(probe)) / len(probe)
    a_column = 2 * packed * (len(scene) * (1 + (scene.plane.n_components > 2)) + GRID**2)
    room = 0.6 * LIMIT - 16 * len(scene)
    return scene.with_columns(max(1, int(room / a_column)))


def _add_table(buffers: _Buffers, scene: Scene, verbose: bool) -> dict[str, Any]:
    table = scene.table
    assert table is not None
    about, spots = _grid(scene)
    decoded = np.concatenate([scene.decode_points(p) for p in _parts(spots)])
    low, high = decoded.min(axis=0).astype(np.float64), decoded.max(axis=0).astype(np.float64)
    buffers.add("grid", quantize(decoded, low, high).tobytes())
    buffers.add("values", quantize(table.values, table.low, table.high).tobytes())
    if scene.plane.n_components > 2:
        back = np.concatenate([scene.reconstruction(p) for p in _parts(np.arange(len(scene)))])
        buffers.add("back", quantize(back, table.low, table.high).tobytes())
    return {"grid": {**about, "low": low.tolist(), "high": high.tolist()}, "values": True}


def _parts(array: np.ndarray, size: int = 1024) -> list[np.ndarray]:
    return [array[i : i + size] for i in range(0, len(array), size)]


def _deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()
