"""Export of the page and its data as one HTML file of at most 19 MB."""

import json
import os
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from latentmap.explorer.color_scales import ColorValues
from latentmap.explorer.display_columns import NUMBER
from latentmap.explorer.page import Page
from latentmap.explorer.page_coordinates import grid_points
from latentmap.explorer.page_data import describe_scene, read_buffer
from latentmap.explorer.scene import MAX_EXPORTED_ROWS, Scene
from latentmap.explorer.sprite_sheets import LoadImages, pack_sprites
from latentmap.explorer.table_columns import MAX_QUANTIZED, DisplayRows, TableColumns
from latentmap.files import check_output_path, write_atomically
from latentmap.progress import progress

PAGE_SUFFIXES = (".html", ".htm")
MAX_FILE_BYTES = 19_000_000
MAX_GRID_NUMBERS = 2**29  # Decoding this many numbers takes a minute.
_MIN_GRID_SIDE, _MAX_GRID_SIDE = 32, 128
_LINE_GRID = (512, 2)  # Width and height of the grid for codes of one component.
_GRID_SHARE, _COLUMN_SHARE, _ENCODER_SHARE = 0.35, 0.6, 0.55  # Shares of the file size.
# Columns whose median number is below this number of quantisation steps are stored as 32 bits too.
_MIN_STEPS = 1000
_ELEMENT_BYTES = 100  # Size of the HTML element of a buffer without its content.
_SAMPLE_ROWS = 4096  # Number of rows used to estimate the compressed size of a column.

Buffers = dict[str, bytes]
"""Names and contents of the buffers in a file: image files, or numbers and texts, deflated."""


def export_page(
    scene: Scene, path: str | os.PathLike[str], page: Page | None = None, verbose: bool = False
) -> int:
    """Write a scene as one HTML file that needs neither a server nor a network connection.

    Parameters
    ----------
    scene : Scene
        If it has more than 100,000 rows, the file contains a uniform sample of them.
    path : path-like
        Ends in .html or .htm.
    page : Page, optional
    verbose : bool
        Show progress with the remaining time.

    Returns
    -------
    int
        The size of the file in bytes, at most about 19 million.

    Raises
    ------
    FileError
        If the path is not writable.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from latentmap import AutoEncoder
    >>> X = np.random.default_rng(0).normal(size=(60, 4))
    >>> scene = Scene(AutoEncoder(2, epochs=1, random_state=0).fit(X), X)
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "map.html"
    >>> export_page(scene, path) == path.stat().st_size
    True
    """
    path = check_output_path(path, PAGE_SUFFIXES)
    page = page or Page()
    scene = _limit_columns(scene.limit_rows(MAX_EXPORTED_ROWS))
    # The last score, the outlier score, is computed first, because this also computes the errors.
    colors = [scale.compute() for scale in reversed(scene.color_scales)][::-1]
    description = describe_scene(scene)
    for scale, values in zip(description["color_scales"], colors, strict=True):
        scale.update(values.describe())
    buffers = _common_buffers(scene, colors) | _encoder_buffer(scene, description)
    # Base64 needs four characters for three bytes.
    budget = (MAX_FILE_BYTES - len(page.text(description, "file"))) * 3 / 4
    if scene.image_metadata is not None:
        buffers |= _original_buffers(scene.image_metadata)
    if scene.table is None:
        budget -= sum(map(len, buffers.values()))
        rows_description, row_buffers = _image_rows(scene, budget, verbose)
    else:
        rows_description, row_buffers = _table_rows(scene, scene.table)
    description, buffers = description | rows_description, buffers | row_buffers
    text = page.text(description, "file", buffers).encode()
    if scene.table is not None:
        numbers = _skewed_numbers(scene.table, (MAX_FILE_BYTES - len(text)) * 3 / 4)
        text = page.text(description, "file", buffers | numbers).encode() if numbers else text
    with write_atomically(path) as temporary_path:
        temporary_path.write_bytes(text)
    return len(text)


def _common_buffers(scene: Scene, colors: list[ColorValues]) -> Buffers:
    """Return the buffers that are the same for images and for rows of a table."""
    names = ["points", "density", "names", "labels", "numbers"]
    names += ["areas", "areas-names", "parts", "parts-names"]
    buffers = {name: read_buffer(scene, name) for name in names}
    for i, (scale, values) in enumerate(zip(scene.color_scales, colors, strict=True)):
        if scale.column is None:  # The values of a column are embedded with the table.
            buffers[f"color-{i}"] = values.values.tobytes()
    return {name: _deflate(content) for name, content in buffers.items() if content is not None}


def _encoder_buffer(scene: Scene, description: dict[str, Any]) -> Buffers:
    """Return the buffer of the encoder; remove it from the description if it is too large."""
    content = read_buffer(scene, "encoder")
    if content is None:
        return {}
    compressed = _deflate(content)
    if 4 / 3 * len(compressed) <= _ENCODER_SHARE * MAX_FILE_BYTES:
        return {"encoder": compressed}
    size = f"{4 / 3 * len(compressed) / 1e6:.0f} MB"
    description["encoder"] = None
    description["unsupported_encoder"] = f"the rows that the map stores would add {size}"
    return {}


def _image_rows(scene: Scene, budget: float, verbose: bool) -> tuple[dict[str, Any], Buffers]:
    """Return descriptions and sprite sheets of the grid, reconstructions and originals."""
    buffers: Buffers = {}

    def add(name: str, task: str, load: LoadImages, count: int, share: float) -> dict[str, object]:
        remaining_bytes = budget - sum(map(len, buffers.values()))
        with progress(f"{task}: {count:,} images", count, verbose) as advance:
            sheets = pack_sprites(load, count, share * remaining_bytes, advance)
        buffers.update({f"{name}-{i}": file for i, file in enumerate(sheets.files)})
        return sheets.describe()

    grid, points = _grid(scene)

    def decode_node(indices: np.ndarray) -> np.ndarray:
        return scene.decode_points(points[indices])

    n, description = len(scene), {"grid": grid}
    grid["sheets"] = add("grid", "Decoding a grid", decode_node, len(points), _GRID_SHARE)
    # With at most two components, the grid approximates the reconstruction of any row.
    if scene.plane.n_components > 2:
        task = "Packing reconstructions"
        description["reconstructions"] = add("reconstructions", task, scene.reconstruction, n, 0.5)
    description["originals"] = add("originals", "Packing originals", scene.original, n, 1)
    return description, buffers


def _table_rows(scene: Scene, table: TableColumns) -> tuple[dict[str, Any], Buffers]:
    """Return the description of the grid, and the decoded, original and reconstructed rows."""
    grid, points = _grid(scene)
    decoded = _in_blocks(scene.decode_points, points)
    ranges = np.array([_range(values) for values in decoded])
    buffers = _table_buffers("grid", table, decoded, ranges)
    buffers |= _original_buffers(table)
    if scene.plane.n_components > 2:
        reconstructions = _in_blocks(scene.reconstruction, np.arange(len(scene)))
        buffers |= _table_buffers("reconstructions", table, reconstructions, table.ranges)
    low, high = ranges.T.tolist()
    return {"grid": {**grid, "low": low, "high": high}}, buffers


def _original_buffers(table: TableColumns) -> Buffers:
    """Return the buffers of the columns of a table, or of the metadata beside images."""
    originals = [table.column_values(j) for j in range(len(table.columns))]
    return _table_buffers("originals", table, originals, table.ranges)


def _skewed_numbers(table: TableColumns, available_bytes: float) -> Buffers:
    """Return the float32 numbers of the columns of which 16 bits represent many numbers badly.

    The numbers of a skewed column, such as amounts of money, are small compared with its range.
    """
    buffers: Buffers = {}
    steps = np.diff(table.ranges).ravel() / MAX_QUANTIZED
    for j, (column, step) in enumerate(zip(table.columns, steps, strict=True)):
        values = table.column_values(j) if column.kind == NUMBER else np.empty(0)
        values = values.astype(np.float32)
        sizes = np.abs(values[np.isfinite(values) & (values != 0)])
        if len(sizes) == 0 or np.median(sizes) >= _MIN_STEPS * step:
            continue
        content = _deflate(values.tobytes())
        available_bytes -= len(content) + _ELEMENT_BYTES
        if available_bytes >= 0:
            buffers[f"originals-numbers-{j}"] = content
    return buffers


def _table_buffers(
    name: str, table: TableColumns, rows: DisplayRows, ranges: np.ndarray
) -> Buffers:
    """Return a buffer of the quantised columns, and a buffer for each text column."""
    buffers = {name: _deflate(table.quantize(rows, ranges).tobytes())}
    for j in table.text_buffers.values():
        if name == "originals" or table.columns[j].encoded_slice is not None:
            buffers[f"{name}-text-{j}"] = _deflate(json.dumps(rows[j].tolist()).encode())
    return buffers


def _range(values: np.ndarray) -> tuple[float, float]:
    """Return the minimum and the maximum of numbers, or 0 and 1 for strings."""
    if values.dtype == object or not np.isfinite(values).any():
        return 0.0, 1.0
    return float(np.nanmin(values)), float(np.nanmax(values))


def _grid(scene: Scene) -> tuple[dict[str, object], np.ndarray]:
    """Return the description of the grid and its nodes, whose decoded rows are embedded."""
    max_grid_side = (MAX_GRID_NUMBERS / np.prod(scene.rows.row_shape)) ** 0.5
    side = int(np.clip(max_grid_side, _MIN_GRID_SIDE, _MAX_GRID_SIDE))
    width, height = _LINE_GRID if scene.plane.n_components == 1 else (side, side)
    bounds = scene.density.bounds
    description = {"width": width, "height": height, "bounds": bounds.ravel().tolist()}
    return description, grid_points(bounds, width, height)


def _limit_columns(scene: Scene) -> Scene:
    """Return the scene with as many table columns as fit into the file."""
    table = scene.table
    if table is None:
        return scene
    k = len(table.columns)
    sample = np.linspace(0, len(scene) - 1, min(len(scene), _SAMPLE_ROWS)).astype(int)
    rows = [table.columns[j].convert(table.values.column(j).take(sample)) for j in range(k)]
    content = _table_buffers("originals", table, rows, table.ranges)
    bytes_per_value = sum(map(len, content.values())) / len(sample) / k
    # With more than two components, the file contains reconstructions in addition to the values.
    copies = 1 + (scene.plane.n_components > 2)
    bytes_per_column = bytes_per_value * (len(scene) * copies + _MAX_GRID_SIDE**2)
    available_bytes = _COLUMN_SHARE * MAX_FILE_BYTES - 16 * len(scene)
    return scene.with_columns(max(1, int(available_bytes / bytes_per_column)))


def _in_blocks(
    function: Callable[[np.ndarray], DisplayRows], array: np.ndarray, size: int = 1024
) -> DisplayRows:
    parts = [function(array[i : i + size]) for i in range(0, len(array), size)]
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]


def _deflate(content: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()
