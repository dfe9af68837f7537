"""Routes: the paths that the page requests, and the functions that create the responses."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

import numpy as np

from latentmap.analysis.model_info import stored_table_options
from latentmap.errors import DataError, SettingError
from latentmap.explorer.json_values import encode_array, encode_rows
from latentmap.explorer.page import Page
from latentmap.explorer.page_data import describe_scene, read_buffer
from latentmap.explorer.row_details import count_unknown, describe_row, place_rows
from latentmap.explorer.scene import N_SIMILAR, Scene
from latentmap.explorer.selection_export import write_csv
from latentmap.explorer.uploads import MAX_UPLOAD_BYTES, read_upload

MAX_POINTS = 1024
MAX_THUMBNAILS = 256
MAX_TABLE_ROWS = 256
_MAX_RESPONSE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Response:
    """The body of a response, as bytes or as an iterator over parts, and its headers."""

    body: bytes | Iterator[bytes]
    content_type: str = "application/octet-stream"
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[str, bytes], Response]
"""Function from the variable part of a path and the body of a request to the response."""


@dataclass(frozen=True)
class Route:
    """The handler of a request, the variable part of its path, and the allowed size of its body."""

    handler: Handler
    argument: str
    max_bytes: int

    def respond(self, body: bytes) -> Response:
        """Return the response to a request with this body."""
        return self.handler(self.argument, body)


class Router:
    """Responses to the requests of the page; ``label`` is the label column of uploaded tables."""

    def __init__(self, scene: Scene, page: Page | None = None, label: str | None = None) -> None:
        self._scene, self._page, self._label = scene, page or Page(), label
        # Method, pattern of the path with one group, handler, and maximum size of a body in bytes.
        self._routes: list[tuple[str, str, Handler, int]] = [
            ("GET", "/()", self._get_page, 0),
            ("GET", r"/page/([a-z_]+\.js)", self._get_module, 0),
            ("GET", r"/data/([a-z0-9-]{1,40})", self._get_buffer, 0),
            ("GET", r"/colors/(\d{1,9})", self._get_colors, 0),
            ("GET", r"/row/(\d{1,9})", self._get_row, 0),
            ("GET", r"/similar/(\d{1,9})", self._get_similar, 0),
            ("POST", "/thumbnails()", self._get_thumbnails, 4 * MAX_THUMBNAILS),
            ("POST", "/rows()", self._get_table_rows, 4 * MAX_TABLE_ROWS),
            ("POST", "/decode()", self._decode, 8 * MAX_POINTS),
            ("POST", r"/place/([^/]*)", self._place, MAX_UPLOAD_BYTES),
            ("POST", "/csv()", self._write_csv, 4 * len(scene)),
        ]

    def find(self, method: str, target: str) -> Route | None:
        """Return the route of a request, or None if there is none."""
        path = target.partition("?")[0]
        for route_method, pattern, handler, max_bytes in self._routes:
            match = re.fullmatch(pattern, path)
            if match and route_method == method:
                return Route(handler, match[1], max_bytes)
        return None

    def _get_page(self, argument: str, body: bytes) -> Response:
        scene = {**describe_scene(self._scene), "max_upload_bytes": MAX_UPLOAD_BYTES}
        text = self._page.text(scene, "server")
        policy = self._page.policy("server") + "; frame-ancestors 'none'"
        headers = {"Content-Security-Policy": policy}
        return Response(text.encode(), "text/html; charset=utf-8", headers)

    def _get_module(self, argument: str, body: bytes) -> Response:
        source = self._page.modules.get(argument)
        if source is None:
            raise LookupError(f"path: expected a module of the page, found {argument}")
        return Response(source.encode(), "text/javascript; charset=utf-8")

    def _get_buffer(self, argument: str, body: bytes) -> Response:
        content = read_buffer(self._scene, argument)
        if content is None:
            raise LookupError(f"path: expected a buffer of the scene, found {argument}")
        return Response(content)

    def _get_colors(self, argument: str, body: bytes) -> Response:
        index, count = int(argument), len(self._scene.color_scales)
        if index >= count:
            raise LookupError(f"colour scale: expected an index below {count}, found {index}")
        colors = self._scene.color_scales[index].compute()
        return _json_response({**colors.describe(), "values": encode_array(colors.values)})

    def _get_row(self, argument: str, body: bytes) -> Response:
        return _json_response(describe_row(self._scene, self._row_index(argument)))

    def _get_similar(self, argument: str, body: bytes) -> Response:
        index = self._row_index(argument)
        rows, distances = self._scene.similar(self._scene.codes[[index]], N_SIMILAR, exclude=index)
        return _json_response({"rows": rows[0], "distances": distances[0]})

    def _row_index(self, argument: str) -> int:
        index = int(argument)
        self._check_indices(np.array([index]))
        return index

    def _get_thumbnails(self, argument: str, body: bytes) -> Response:
        if self._scene.images is None:
            raise LookupError("thumbnails: expected rows that are images, found a table")
        pixels = self._scene.thumbnails(self._read_indices(body))
        _, height, width, channels = pixels.shape
        size = {"height": height, "width": width, "channels": channels}
        return _json_response({**size, "images": encode_rows(pixels)})

    def _get_table_rows(self, argument: str, body: bytes) -> Response:
        if self._scene.columns is None:
            raise LookupError("rows: expected rows of a table, found images without metadata")
        rows = self._scene.columns.rows_at(self._read_indices(body))
        return _json_response(encode_rows(rows))

    def _write_csv(self, argument: str, body: bytes) -> Response:
        indices = self._read_indices(body)
        headers = {"Content-Disposition": 'attachment; filename="selected.csv"'}
        return Response(write_csv(self._scene, indices), "text/csv; charset=utf-8", headers)

    def _read_indices(self, body: bytes) -> np.ndarray:
        if len(body) % 4 or not body:
            raise DataError(
                f"row numbers: expected 4 bytes for each number, found {len(body)} bytes"
            )
        indices = np.frombuffer(body, "<u4").astype(np.int64)
        self._check_indices(indices)
        return indices

    def _check_indices(self, indices: np.ndarray) -> None:
        if indices.max() >= len(self._scene):
            n = len(self._scene)
            raise LookupError(f"row numbers: expected integers below {n}, found {indices.max()}")

    def _decode(self, argument: str, body: bytes) -> Response:
        points = _read_points(body)
        row_bytes = 4 * int(np.prod(self._scene.rows.row_shape))
        max_points = _MAX_RESPONSE_BYTES // max(row_bytes, 1)
        if len(points) > max_points:
            raise SettingError(
                f"points: expected at most {max_points} for rows of this size, found {len(points)}"
            )
        densities = self._scene.density.at(points).tolist()
        rows = encode_rows(self._scene.decode_points(points))
        return _json_response({"densities": densities, "rows": rows})

    def _place(self, argument: str, body: bytes) -> Response:
        name = unquote(argument)
        options = stored_table_options(self._scene.estimator)
        upload = read_upload(name, body, self._scene.images, self._label, options)
        rows, note = place_rows(self._scene, upload.rows), upload.note
        if unknown := count_unknown(self._scene, upload.rows):
            counts = ", ".join(f"{name} ({count})" for name, count in unknown.items())
            note = f"Values that were not fitted count as missing: {counts}."
        return _json_response({"rows": rows, "total": upload.total, "note": note})


def _json_response(value: object) -> Response:
    return Response(json.dumps(value, allow_nan=False).encode(), "application/json")


def _read_points(body: bytes) -> np.ndarray:
    if not body or len(body) % 8:
        raise DataError(f"points: expected 8 bytes for each point, found {len(body)} bytes")
    points = np.frombuffer(body, "<f4").reshape(-1, 2)
    if not np.isfinite(points).all():
        raise DataError("points: expected finite numbers, found NaN or infinity")
    return points
