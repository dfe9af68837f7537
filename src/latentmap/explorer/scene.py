"""What the page shows: rows, where they lie, what colours them, and what would live elsewhere.

Everything here answers in arrays and plain data. How it reaches the page, asked for piece by piece
or all in one file, is the business of `server` and `export`.
"""

from __future__ import annotations

import copy
import json
import threading
from functools import cached_property
from typing import Any

import numpy as np

import latentmap
from latentmap.analysis import SearchIndex
from latentmap.data import Source, as_source
from latentmap.explorer.color_scales import colourings
from latentmap.explorer.decoding import Decoder
from latentmap.explorer.page_coordinates import Plane
from latentmap.explorer.point_density import SIDE, Crowd
from latentmap.explorer.row_images import Pictures, shrunk
from latentmap.explorer.row_scores import CONFIDENCE, Figures
from latentmap.explorer.shared_source import Shared, over_rows
from latentmap.explorer.table_columns import Table
from latentmap.plots.image_tiles import is_image_shape

__all__ = ["MOST_ROWS", "Scene", "plain"]

MOST_ROWS = 100_000
"""Of more rows a uniform sample is shown."""
THUMBNAIL = 64
"""Pixels of a thumbnail's longer side, at the most."""
_PROBED = 128  # spots that tell which columns the map can tell


class Scene:
    """Rows on a map, and the map itself.

    Parameters
    ----------
    estimator : AutoEncoder, VariationalAutoEncoder or LatentMap
        Fitted.
    rows : Source, path, data-set name, data frame, array or sparse matrix
        Rows to show; of more than 100,000 a uniform sample.
    title : str
        What the page is called: the model's file.
    verbose : bool
        Say on the console what is computed, and how far it has come.

    Attributes
    ----------
    rows : Source
        The n rows that are shown, for several threads to read.
    total : int
        How many rows there are in all.
    numbers : ndarray of shape (n,), int
        Where each stands in the data.
    names : list of str or None
        The files that images were read from.
    codes : ndarray of shape (n, n_components)
    plane : Plane
    crowd : Crowd
    decoder : Decoder
    figures : Figures
    pictures : Pictures or None
        Where rows are images.
    table : Table or None
        Where they are not.
    colourings : list of Colouring

    Raises
    ------
    DataError
        If the rows do not look like those that were fitted.

    Examples
    --------
    >>> from latentmap import AutoEncoder
    >>> X = np.random.default_rng(0).normal(size=(60, 4))
    >>> scene = Scene(AutoEncoder(2, epochs=1, random_state=0).fit(X), X)
    >>> scene.described()["n"], [colouring.name for colouring in scene.colourings]
    (60, ['cluster', 'error', 'outlier score', 'c0', 'c1', 'c2', 'c3'])
    >>> scene.shown(scene.decoder.rows(scene.plane.spots[:2])).shape
    (2, 4)
    """

    def __init__(self, estimator: Any, rows: Any, title: str = "", verbose: bool = False) -> None:
        source = as_source(rows)
        self.estimator, self.title, self.total = estimator, title, len(source)
        sample = source.sample(MOST_ROWS)
        self.rows: Source = Shared(sample)
        self.numbers = np.array([sample.original_index(i) for i in range(len(sample))])
        self.names = _names(source, sample)
        text = f"Encoding {len(sample):,} rows"
        self.codes = over_rows(estimator.transform, self.rows, text, verbose)
        self.plane = Plane.of(self.codes)
        self.crowd = Crowd(estimator, self.plane)
        self.decoder = Decoder(estimator, self.plane)
        self.figures = Figures(estimator, self.rows, self.codes, self.decoder.decoded, verbose)
        shape = _image_shape(source, estimator)
        self.pictures = None if shape is None else Pictures.of(self.rows, shape)
        self.table = None if shape is not None else self._read_table(verbose)
        self.colourings = colourings(self.rows.labels, self.figures, self.table)
        self._turn = threading.Lock()

    def __len__(self) -> int:
        return len(self.codes)

    # -- what the page is told ---------------------------------------------------------------------

    def described(self) -> dict[str, Any]:
        """Tell what the page must know before anything else, as JSON can hold it."""
        return {
            "title": self._titled(),
            "data": self.rows.name,
            "model": type(self.estimator).__name__,
            "version": latentmap.__version__,
            "n": len(self),
            "total": self.total,
            "named": self.names is not None,
            "row": self._described_row(),
            "bounds": self.plane.bounds.ravel().tolist(),
            "plane": {"components": self.plane.components, "share": self.plane.share},
            "density": {
                "width": SIDE,
                "height": SIDE,
                "bounds": self.crowd.bounds.ravel().tolist(),
            },
            "colourings": [colouring.described() for colouring in self.colourings],
            "drawable": self.pictures is not None and self.pictures.channels == 1,
        }

    def _titled(self) -> str:
        """Name the model's file, and how many rows are shown where not all are."""
        part = f"{len(self):,} of {self.total:,} rows"
        return f"{self.title} · {part}" if self.total > len(self) else self.title

    def _described_row(self) -> dict[str, Any]:
        if self.pictures is not None:
            height, width, channels = self.pictures.size
            return {"kind": "image", "height": height, "width": width, "channels": channels}
        assert self.table is not None
        return {"kind": "table", "of": self.table.total, "columns": self.table.described()}

    def buffer(self, name: str) -> bytes | None:
        """Give a buffer that tells of all rows: points, density, names, labels, numbers."""
        if name == "names" and self.names is not None:
            return json.dumps(self.names).encode()
        if name == "labels" and self.rows.labels is not None:
            return json.dumps(plain(self.rows.labels)).encode()
        if name == "numbers" and self.total > len(self):
            return self.numbers.astype("<u4").tobytes()
        whole = {"points": self.plane.points, "density": lambda: self.crowd.grid}
        return whole[name]().tobytes() if name in whole else None

    # -- rows --------------------------------------------------------------------------------------

    def shown(self, rows: Any) -> np.ndarray:
        """Give rows as the page shows them.

        Parameters
        ----------
        rows : array-like of shape (m, ...)
            In the data's own units: originals, or decoded.

        Returns
        -------
        ndarray
            Of images (m, h, w, c), uint8; of tables (m, k), float32.
        """
        return self.table.shown(rows) if self.pictures is None else self.pictures.bytes_of(rows)  # type: ignore[union-attr]

    def original(self, numbers: Any) -> np.ndarray:
        """Give some of the rows as the page shows them."""
        return self.shown(self.rows.take(np.atleast_1d(numbers)))

    def reconstruction(self, numbers: Any) -> np.ndarray:
        """Give what becomes of some of the rows on their way through the code."""
        return self.shown(self.decoder.decoded(self.codes[np.atleast_1d(numbers)]))

    def thumbnails(self, numbers: Any, most: int = THUMBNAIL) -> np.ndarray:
        """Give some of the images, shrunk: (m, h, w, c), uint8."""
        return shrunk(self.original(numbers), most)

    def row(self, number: int) -> dict[str, Any]:
        """Tell everything of one row, as JSON can hold it."""
        told = {name: plain(values[0]) for name, values in self.figures.told([number]).items()}
        about = {
            "number": int(self.numbers[number]),
            "name": None if self.names is None else self.names[number],
            "label": None if self.rows.labels is None else plain(self.rows.labels[number]),
            "spot": self.plane.spots[number].tolist(),
            CONFIDENCE: None,
            **told,
        }
        if self.pictures is None:
            about["original"] = plain(self.original(number)[0])
            about["reconstruction"] = plain(self.reconstruction(number)[0])
        return about

    def similar(self, codes: Any, k: int, own: int = -1) -> tuple[list[list[int]], list]:
        """Find the rows nearest to codes.

        Parameters
        ----------
        codes : array-like of shape (m, n_components)
        k : int
            At most so many; fewer where there are not as many.
        own : int
            The row that the codes are of: nobody is its own neighbour.

        Returns
        -------
        rows, distances : lists of m lists
        """
        with self._turn:
            index = self._index
        most = min(k, len(self) - (own >= 0))
        if most < 1:
            return [[] for _ in codes], [[] for _ in codes]
        numbers = None if own < 0 else np.full(len(codes), own)
        found = index.search(codes, most, numbers)
        return found.indices.tolist(), plain(found.distances)

    def warm_up(self) -> None:
        """Compile and build what a pointer would otherwise wait for."""
        self.decoder.warm_up()
        self.row(0)
        self.similar(self.codes[:1], 1)

    @cached_property
    def _index(self) -> SearchIndex:
        return SearchIndex(self.codes)

    # -- tables ------------------------------------------------------------------------------------

    def column_names(self) -> list[str]:
        """Name all columns of a table."""
        names = self.rows.feature_names
        if names is None:
            names = getattr(self.estimator, "feature_names_in_", None)
        width = int(np.prod(self.rows.row_shape))
        return [f"c{i}" for i in range(width)] if names is None else [str(name) for name in names]

    def with_columns(self, most: int) -> Scene:
        """Give the same scene of a table with fewer columns, those that tell most."""
        if self.table is None or len(self.table.names) <= most:
            return self
        fewer = copy.copy(self)
        fewer.table = self.table.narrowed(most)
        fewer.colourings = colourings(self.rows.labels, self.figures, fewer.table)
        return fewer

    def _read_table(self, verbose: bool) -> Table:
        return Table.of(self.rows, self.column_names(), self._telling(), verbose)

    def _telling(self) -> np.ndarray:
        """Tell of each column how much it differs, as the network sees it, between spots."""
        some = np.linspace(0, len(self.codes) - 1, _PROBED).astype(int)
        rows = self.decoder.decoded(self.codes[some]).reshape(_PROBED, -1).astype(np.float64)
        return np.var(rows / self.estimator.scale_.ravel(), axis=0)


def _names(source: Source, sample: Source) -> list[str] | None:
    """Give the names of the files that images were read from."""
    paths = getattr(source, "paths", None)
    if paths is None or len(paths) != len(source):
        return None
    chosen = (paths[sample.original_index(i)] for i in range(len(sample)))
    # A file may be called by bytes that are no text.
    return [name.encode("utf-8", "replace").decode() for name in chosen]


def _image_shape(source: Source, estimator: Any) -> tuple[int, ...] | None:
    """Tell the shape of the images that rows are, or None where they are none."""
    shapes = (tuple(source.row_shape), tuple(estimator.row_shape_))
    return next((shape for shape in shapes if is_image_shape(shape)), None)


def plain(value: Any) -> Any:
    """Make numbers, texts and arrays into what JSON can hold: NaN and infinity become None.

    Examples
    --------
    >>> plain(np.array([1.0, np.inf])), plain(np.int64(3)), plain(np.str_("a"))
    ([1.0, None], 3, 'a')
    """
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, list):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
