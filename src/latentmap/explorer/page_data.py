"""Description and buffers of a scene, as the page requests them."""

from __future__ import annotations

import json
from typing import Any

from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

import latentmap
from latentmap.explorer.display_columns import as_display_strings
from latentmap.explorer.json_values import to_json
from latentmap.explorer.point_density import GRID_SIDE
from latentmap.explorer.scene import Scene


def describe_scene(scene: Scene) -> dict[str, Any]:
    """Return the size, columns, bounds and colour scales of a scene, as JSON values."""
    is_sampled = scene.total > len(scene)
    sample = f" · {len(scene):,} of {scene.total:,} rows" if is_sampled else ""
    bounds = scene.density.bounds.ravel().tolist()
    has_texts = scene.columns is not None and bool(scene.columns.text_buffers)
    return {
        "title": scene.title + sample,
        "dataset": scene.rows.name,
        "model": type(scene.estimator).__name__,
        "version": latentmap.__version__,
        "n": len(scene),
        "total": scene.total,
        "row": _describe_display(scene),
        "bounds": scene.plane.bounds.ravel().tolist(),
        "n_components": scene.plane.n_components,
        "explained_variance": scene.plane.explained_variance,
        "names": _names_buffer(scene),
        "density": {"width": GRID_SIDE, "height": GRID_SIDE, "bounds": bounds},
        "color_scales": [scale.describe() for scale in scene.color_scales],
        "encoder": scene.page_encoder.describe(scene.display, scene.column_names()),
        "unsupported_encoder": scene.page_encoder.unsupported,
        **({"stop_words": sorted(ENGLISH_STOP_WORDS)} if has_texts else {}),
    }


def _describe_display(scene: Scene) -> dict[str, Any]:
    if scene.image_metadata is None:
        return scene.display.describe()
    return {**scene.image_metadata.describe(), **scene.display.describe()}


def read_buffer(scene: Scene, name: str) -> bytes | None:
    """Return the array with a name such as "points", "density" or "labels", or None.

    "originals-text-3" is the displayed text column with the index 3.
    """
    if name == "points":
        return scene.plane.quantized_points().tobytes()
    if name == "encoder":
        return scene.page_encoder.content
    if name == "density":
        return scene.density.values.tobytes()
    if name == "names" and scene.file_names is not None:
        return json.dumps(scene.file_names).encode()
    if name == "labels" and scene.rows.labels is not None:
        return json.dumps(to_json(scene.rows.labels)).encode()
    if name in ("areas", "parts"):
        return getattr(scene.regions, name).values.tobytes()
    if name in ("areas-names", "parts-names"):
        return json.dumps(getattr(scene.regions, name.removesuffix("-names")).names).encode()
    if name == "numbers" and scene.total > len(scene):
        return scene.original_indices.astype("<u4").tobytes()
    if scene.columns is not None and name in scene.columns.text_buffers:
        return json.dumps(scene.columns.strings(scene.columns.text_buffers[name])).encode()
    return None


def _names_buffer(scene: Scene) -> str | None:
    """Return the buffer of file names, or of the first column of a table that is not fitted."""
    if scene.table is None:
        return None if scene.file_names is None else "names"
    buffers = scene.table.text_buffers.items()
    columns = scene.table.columns
    return next((name for name, j in buffers if columns[j].encoded_slice is None), None)


def row_name(scene: Scene, index: int) -> str | None:
    """Return the file name of an image, or the name of a row of a table."""
    buffer = _names_buffer(scene)
    if scene.table is None or buffer is None:
        return None if scene.file_names is None else scene.file_names[index]
    values = scene.table.values.column(scene.table.text_buffers[buffer])
    return as_display_strings(values.slice(index, 1))[0].as_py()
