"""What the page may ask, and the answers: one table from request to function.

Nothing here knows of sockets: bytes come in and bytes go out.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote

import numpy as np

from latentmap.errors import DataError, SettingError
from latentmap.explorer.color_scales import Colour
from latentmap.explorer.page import Page
from latentmap.explorer.row_scores import CONFIDENCE
from latentmap.explorer.scene import Scene, plain
from latentmap.explorer.selection_export import csv_of
from latentmap.explorer.uploads import MOST_BYTES, opened

__all__ = ["Answer", "Answers", "Question"]

MOST_SPOTS = 1024
MOST_THUMBS = 256
MOST_PLACED = 100
_MOST_ANSWER = 64 * 2**20
_JSON, _RAW = "application/json", "application/octet-stream"
_NEAR = 12


@dataclass(frozen=True)
class Answer:
    """What is sent back: a body, whole or in parts, and its type."""

    body: bytes | Iterator[bytes]
    kind: str = _RAW
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """What was asked, taken apart: the number in the path, the query, the body."""

    number: str
    query: dict[str, list[str]]
    body: bytes

    def given(self, name: str, default: str) -> str:
        """Give a part of the query."""
        return self.query.get(name, [default])[0]


class _Route(NamedTuple):
    method: str
    path: re.Pattern[str]
    answer: Callable[[Question], Answer]
    most: int  # bytes of a body


class Answers:
    """Answers questions about a scene.

    Parameters
    ----------
    scene : Scene
    page : Page
    label : str, optional
        The column that holds labels, in tables that are sent.

    Examples
    --------
    >>> from latentmap import AutoEncoder
    >>> X = np.random.default_rng(0).normal(size=(60, 4))
    >>> scene = Scene(AutoEncoder(2, epochs=1, random_state=0).fit(X), X)
    >>> route = Answers(scene).route("GET", "/data/points")
    >>> len(route(b"").body)
    240
    """

    def __init__(self, scene: Scene, page: Page | None = None, label: str | None = None) -> None:
        self._scene, self._page, self._label = scene, page or Page(), label
        row = r"/row/(\d{1,9})"
        self._routes = [
            _Route("GET", re.compile("/()"), self._home, 0),
            _Route("GET", re.compile(r"/page/([a-z_]+\.js)"), self._module, 0),
            _Route("GET", re.compile(r"/data/([a-z0-9-]{1,40})"), self._buffer, 0),
            _Route("GET", re.compile(row), self._row, 0),
            _Route("GET", re.compile(row + "/original"), self._original, 0),
            _Route("GET", re.compile(row + "/reconstruction"), self._reconstruction, 0),
            _Route("GET", re.compile("/thumbs()"), self._thumbs, 0),
            _Route("GET", re.compile(r"/similar/(\d{1,9})"), self._similar, 0),
            _Route("POST", re.compile("/decode()"), self._decode, 8 * MOST_SPOTS),
            _Route("POST", re.compile("/place()"), self._place, MOST_BYTES),
            _Route("POST", re.compile("/csv()"), self._csv, 4 * len(scene)),
        ]

    def route(self, method: str, target: str) -> Route | None:
        """Find who answers a request; None where nobody does."""
        path, _, query = target.partition("?")
        for route in self._routes:
            found = route.path.fullmatch(path)
            if found and route.method == method:
                return Route(route.answer, found[1], parse_qs(query), route.most)
        return None

    # -- the page ----------------------------------------------------------------------------------

    def _home(self, question: Question) -> Answer:
        told = {**self._scene.described(), "limits": {"upload_bytes": MOST_BYTES}}
        policy = self._page.policy("server") + "; frame-ancestors 'none'"
        text = self._page.text(told, "server")
        return Answer(
            text.encode(), "text/html; charset=utf-8", {"Content-Security-Policy": policy}
        )

    def _module(self, question: Question) -> Answer:
        source = self._page.modules.get(question.number)
        if source is None:
            raise LookupError(f"no module {question.number}")
        return Answer(source.encode(), "text/javascript; charset=utf-8")

    def _buffer(self, question: Question) -> Answer:
        name = question.number
        if name.startswith("colour-") and name[7:].isdigit():
            return self._colour(int(name[7:]))
        content = self._scene.buffer(name)
        if content is None:
            raise LookupError(f"no buffer {name}")
        return Answer(content)

    def _colour(self, number: int) -> Answer:
        if number >= len(self._scene.colourings):
            raise LookupError(f"no colouring {number}")
        colour: Colour = self._scene.colourings[number].make()
        headers = {"X-Low": repr(colour.low), "X-High": repr(colour.high)}
        if colour.values is not None:
            headers = {"X-Values": quote(json.dumps(colour.values))}
        return Answer(colour.numbers.tobytes(), headers=headers)

    # -- rows --------------------------------------------------------------------------------------

    def _row(self, question: Question) -> Answer:
        return _json(self._scene.row(self._number(question)))

    def _original(self, question: Question) -> Answer:
        return Answer(self._scene.original(self._number(question)).tobytes())

    def _reconstruction(self, question: Question) -> Answer:
        return Answer(self._scene.reconstruction(self._number(question)).tobytes())

    def _thumbs(self, question: Question) -> Answer:
        if self._scene.pictures is None:
            raise LookupError("rows of tables have no thumbnails")
        texts = question.given("rows", "").split(",")
        if not all(text.isascii() and text.isdigit() for text in texts) or len(texts) > MOST_THUMBS:
            raise SettingError(f"rows: expected up to {MOST_THUMBS} row numbers, parted by commas")
        numbers = np.array([int(text[:10]) for text in texts])
        self._check(numbers)
        pictures = self._scene.thumbnails(numbers)
        return Answer(pictures.tobytes(), headers={"X-Shape": ",".join(map(str, pictures.shape))})

    def _similar(self, question: Question) -> Answer:
        number, k = self._number(question), question.given("k", str(_NEAR))
        if not re.fullmatch(r"[1-9][0-9]{0,2}", k):
            raise SettingError(f"k: expected a whole number from 1 to 999, found {k!r}")
        codes = self._scene.codes[[number]]
        rows, distances = self._scene.similar(codes, int(k), own=number)
        return _json({"rows": rows[0], "distances": distances[0]})

    # -- spots and files ---------------------------------------------------------------------------

    def _decode(self, question: Question) -> Answer:
        spots = _spots(question.body)
        most = _MOST_ANSWER // max(4 * int(np.prod(self._scene.rows.row_shape)), 1)
        if len(spots) > most:
            raise SettingError(f"expected at most {most} spots of rows as large as these")
        densities = self._scene.crowd.at(spots).astype("<f4")
        rows = self._scene.shown(self._scene.decoder.rows(spots))
        return Answer(densities.tobytes() + rows.tobytes())

    def _place(self, question: Question) -> Answer:
        scene, name = self._scene, question.given("name", "the file")
        with opened(name, question.body, scene.pictures, self._label) as (source, note):
            some = source.subset(np.arange(min(len(source), MOST_PLACED)))
            some.check(some[:], 0)
            told = _placed(scene, some)
            return _json({"rows": told, "total": len(source), "note": note})

    def _csv(self, question: Question) -> Answer:
        if len(question.body) % 4 or not question.body:
            raise DataError("expected row numbers of 4 bytes each")
        numbers = np.frombuffer(question.body, "<u4").astype(np.int64)
        self._check(numbers)
        headers = {"Content-Disposition": 'attachment; filename="selected.csv"'}
        return Answer(csv_of(self._scene, numbers), "text/csv; charset=utf-8", headers)

    def _number(self, question: Question) -> int:
        number = int(question.number)
        self._check(np.array([number]))
        return number

    def _check(self, numbers: np.ndarray) -> None:
        if numbers.max() >= len(self._scene):
            raise LookupError(f"expected row numbers below {len(self._scene)}")


class Route:
    """One way to an answer, and how many bytes may be sent along."""

    def __init__(
        self, answer: Callable[[Question], Answer], number: str, query: dict, most: int
    ) -> None:
        self._answer, self._number, self._query, self.most = answer, number, query, most

    def __call__(self, body: bytes) -> Answer:
        return self._answer(Question(self._number, self._query, body))


def _json(value: Any) -> Answer:
    return Answer(json.dumps(value, allow_nan=False).encode(), _JSON)


def _spots(body: bytes) -> np.ndarray:
    if not body or len(body) % 8:
        raise DataError("expected spots of two 4-byte numbers each")
    spots = np.frombuffer(body, "<f4").reshape(-1, 2)
    if not np.isfinite(spots).all():
        raise DataError("expected spots of finite numbers")
    return spots


def _placed(scene: Scene, source: Any) -> list[dict[str, Any]]:
    """Tell where rows land, what becomes of them, and who lives there."""
    rows, codes = source[:], scene.estimator.transform(source)
    figures = scene.figures.judged(source, codes)
    shown = {
        "original": scene.shown(rows),
        "reconstruction": scene.shown(scene.decoder.decoded(codes)),
    }
    near, distances = scene.similar(codes, _NEAR)
    spots = scene.plane.there(codes)
    return [
        {
            "spot": plain(spots[i]),
            "label": None if source.labels is None else plain(source.labels[i]),
            CONFIDENCE: None,
            **{name: plain(values[i]) for name, values in figures.items()},
            "similar": near[i],
            "distances": distances[i],
            **{_key(scene, name): _carried(scene, parts[i]) for name, parts in shown.items()},
        }
        for i in range(len(rows))
    ]


def _key(scene: Scene, name: str) -> str:
    return name if scene.pictures is None else f"{name}64"


def _carried(scene: Scene, row: np.ndarray) -> Any:
    return plain(row) if scene.pictures is None else base64.b64encode(row.tobytes()).decode()
