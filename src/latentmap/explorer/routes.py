"""Requests of the page and their responses: a table of paths and functions, without sockets."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote

import numpy as np

from latentmap.data import Source
from latentmap.errors import DataError, SettingError
from latentmap.explorer.page import Page
from latentmap.explorer.row_scores import CONFIDENCE
from latentmap.explorer.scene import Scene, to_json
from latentmap.explorer.selection_export import write_csv
from latentmap.explorer.uploads import MAX_UPLOAD_BYTES, open_upload

MAX_POINTS = 1024
MAX_THUMBNAILS = 256
MAX_PLACED_ROWS = 100
_MAX_RESPONSE_BYTES = 64 * 2**20
_N_SIMILAR = 12


@dataclass(frozen=True)
class Response:
    """The body of a response, whole or in parts, and its headers."""

    body: bytes | Iterator[bytes]
    content_type: str = "application/octet-stream"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """A request: the variable part of its path, its query and its body."""

    argument: str
    query: dict[str, list[str]]
    body: bytes

    def parameter(self, name: str, default: str) -> str:
        """Return a parameter of the query."""
        return self.query.get(name, [default])[0]


@dataclass(frozen=True)
class Route:
    """The function that responds to a request, and the allowed size of its body."""

    handler: Callable[[Request], Response]
    argument: str
    query: dict[str, list[str]]
    max_bytes: int

    def respond(self, body: bytes) -> Response:
        """Return the response to a request with this body."""
        return self.handler(Request(self.argument, self.query, body))


class Router:
    """Responses to the requests of the page; ``label`` is the label column of uploaded tables."""

    def __init__(self, scene: Scene, page: Page | None = None, label: str | None = None) -> None:
        self._scene, self._page, self._label = scene, page or Page(), label
        row = r"/row/(\d{1,9})"
        # Method, path with one group, handler, maximum size of the body in bytes.
        self._routes: list[tuple[str, str, Callable[[Request], Response], int]] = [
            ("GET", "/()", self._get_page, 0),
            ("GET", r"/page/([a-z_]+\.js)", self._get_module, 0),
            ("GET", r"/data/([a-z0-9-]{1,40})", self._get_buffer, 0),
            ("GET", row, self._get_row, 0),
            ("GET", row + "/original", self._get_original, 0),
            ("GET", row + "/reconstruction", self._get_reconstruction, 0),
            ("GET", "/thumbs()", self._get_thumbnails, 0),
            ("GET", r"/similar/(\d{1,9})", self._get_similar, 0),
            ("POST", "/decode()", self._decode, 8 * MAX_POINTS),
            ("POST", "/place()", self._place, MAX_UPLOAD_BYTES),
            ("POST", "/csv()", self._write_csv, 4 * len(scene)),
        ]

    def find(self, method: str, target: str) -> Route | None:
        """Return the route of a request, or None if there is none."""
        path, _, query = target.partition("?")
        for route_method, pattern, handler, max_bytes in self._routes:
            match = re.fullmatch(pattern, path)
            if match and route_method == method:
                return Route(handler, match[1], parse_qs(query), max_bytes)
        return None

    # -- page and data of all rows -----------------------------------------------------------------

    def _get_page(self, request: Request) -> Response:
        scene = {**self._scene.describe(), "limits": {"upload_bytes": MAX_UPLOAD_BYTES}}
        text = self._page.text(scene, "server")
        policy = self._page.policy("server") + "; frame-ancestors 'none'"
        headers = {"Content-Security-Policy": policy}
        return Response(text.encode(), "text/html; charset=utf-8", headers)

    def _get_module(self, request: Request) -> Response:
        source = self._page.modules.get(request.argument)
        if source is None:
            raise LookupError(f"there is no module {request.argument}")
        return Response(source.encode(), "text/javascript; charset=utf-8")

    def _get_buffer(self, request: Request) -> Response:
        name = request.argument
        if name.startswith("colour-") and name[7:].isdigit():
            return self._get_colors(int(name[7:]))
        content = self._scene.buffer(name)
        if content is None:
            raise LookupError(f"there is no buffer {name}")
        return Response(content)

    def _get_colors(self, index: int) -> Response:
        if index >= len(self._scene.color_scales):
            raise LookupError(f"there is no colour scale {index}")
        values = self._scene.color_scales[index].compute()
        headers = {"X-Low": repr(values.low), "X-High": repr(values.high)}
        if values.categories is not None:
            headers = {"X-Values": quote(json.dumps(values.categories))}
        return Response(values.numbers.tobytes(), headers=headers)

    # -- rows --------------------------------------------------------------------------------------

    def _get_row(self, request: Request) -> Response:
        return _json_response(self._scene.row_details(self._row_index(request)))

    def _get_original(self, request: Request) -> Response:
        return Response(self._scene.original(self._row_index(request)).tobytes())

    def _get_reconstruction(self, request: Request) -> Response:
        return Response(self._scene.reconstruction(self._row_index(request)).tobytes())

    def _get_thumbnails(self, request: Request) -> Response:
        if self._scene.images is None:
            raise LookupError("rows of tables have no thumbnails")
        texts = request.parameter("rows", "").split(",")
        are_numbers = all(text.isascii() and text.isdigit() for text in texts)
        if not are_numbers or len(texts) > MAX_THUMBNAILS:
            raise SettingError(
                f"rows: expected up to {MAX_THUMBNAILS} row numbers, separated by commas"
            )
        indices = np.array([int(text[:10]) for text in texts])
        self._check_indices(indices)
        pixels = self._scene.thumbnails(indices)
        return Response(pixels.tobytes(), headers={"X-Shape": ",".join(map(str, pixels.shape))})

    def _get_similar(self, request: Request) -> Response:
        index, k = self._row_index(request), request.parameter("k", str(_N_SIMILAR))
        if not re.fullmatch(r"[1-9][0-9]{0,2}", k):
            raise SettingError(f"k: expected a whole number from 1 to 999, found {k!r}")
        rows, distances = self._scene.similar(self._scene.codes[[index]], int(k), exclude=index)
        return _json_response({"rows": rows[0], "distances": distances[0]})

    # -- points and files --------------------------------------------------------------------------

    def _decode(self, request: Request) -> Response:
        points = _read_points(request.body)
        row_bytes = 4 * int(np.prod(self._scene.rows.row_shape))
        max_points = _MAX_RESPONSE_BYTES // max(row_bytes, 1)
        if len(points) > max_points:
            raise SettingError(f"expected at most {max_points} points for rows of this size")
        densities = self._scene.density.at(points).astype("<f4")
        return Response(densities.tobytes() + self._scene.decode_points(points).tobytes())

    def _place(self, request: Request) -> Response:
        name = request.parameter("name", "the file")
        with open_upload(name, request.body, self._scene.images, self._label) as (source, note):
            sample = source.subset(np.arange(min(len(source), MAX_PLACED_ROWS)))
            sample.check(sample[:], 0)
            rows = _place_rows(self._scene, sample)
            return _json_response({"rows": rows, "total": len(source), "note": note})

    def _write_csv(self, request: Request) -> Response:
        if len(request.body) % 4 or not request.body:
            raise DataError("expected row numbers of 4 bytes each")
        indices = np.frombuffer(request.body, "<u4").astype(np.int64)
        self._check_indices(indices)
        headers = {"Content-Disposition": 'attachment; filename="selected.csv"'}
        return Response(write_csv(self._scene, indices), "text/csv; charset=utf-8", headers)

    def _row_index(self, request: Request) -> int:
        index = int(request.argument)
        self._check_indices(np.array([index]))
        return index

    def _check_indices(self, indices: np.ndarray) -> None:
        if indices.max() >= len(self._scene):
            raise LookupError(f"expected row numbers below {len(self._scene)}")


def _json_response(value: object) -> Response:
    return Response(json.dumps(value, allow_nan=False).encode(), "application/json")


def _read_points(body: bytes) -> np.ndarray:
    if not body or len(body) % 8:
        raise DataError("expected points of two 4-byte numbers each")
    points = np.frombuffer(body, "<f4").reshape(-1, 2)
    if not np.isfinite(points).all():
        raise DataError("expected points of finite numbers")
    return points


def _place_rows(scene: Scene, source: Source) -> list[dict[str, Any]]:
    """Return the points, scores, reconstructions and similar rows of rows of the user."""
    rows, codes = source[:], scene.estimator.transform(source)
    scores = scene.scores.score(source, codes)
    originals = scene.display.to_display(rows)
    reconstructions = scene.display.to_display(scene.decoder.decode(codes))
    similar, distances = scene.similar(codes, _N_SIMILAR)
    points = scene.plane.to_points(codes)
    return [
        {
            "spot": to_json(points[i]),
            "label": None if source.labels is None else to_json(source.labels[i]),
            CONFIDENCE: None,
            **{name: to_json(values[i]) for name, values in scores.items()},
            "similar": similar[i],
            "distances": distances[i],
            **_encode_row("original", originals[i], scene),
            **_encode_row("reconstruction", reconstructions[i], scene),
        }
        for i in range(len(rows))
    ]


def _encode_row(name: str, row: np.ndarray, scene: Scene) -> dict[str, Any]:
    """Return a table row as numbers, or an image as base64."""
    if scene.images is None:
        return {name: to_json(row)}
    return {f"{name}64": base64.b64encode(row.tobytes()).decode()}
