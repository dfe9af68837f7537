"""Scene: the rows, codes, scores and decoded rows of the explorer's page."""

from __future__ import annotations

import copy
import math
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis import SearchIndex
from latentmap.analysis.encoding import numeric_model, numeric_rows
from latentmap.analysis.model_info import ModelInfo
from latentmap.data import Source, as_source
from latentmap.explorer.color_scales import ColorScale, list_color_scales
from latentmap.explorer.decoding import CodeDecoder
from latentmap.explorer.display_columns import DisplayColumn
from latentmap.explorer.json_values import to_json
from latentmap.explorer.map_regions import MapRegions
from latentmap.explorer.page_coordinates import CodePlane
from latentmap.explorer.page_encoder import PageEncoder, make_page_encoder
from latentmap.explorer.point_density import DensityGrid
from latentmap.explorer.row_images import RowImages, shrink_images
from latentmap.explorer.row_scores import RowScores
from latentmap.explorer.shared_source import SharedSource, map_batches, unencoded_rows
from latentmap.explorer.table_columns import (
    MAX_COLUMNS,
    TableColumns,
    metadata_columns,
    numeric_columns,
    table_columns,
)
from latentmap.plots.image_tiles import is_image_shape

if TYPE_CHECKING:
    from pathlib import Path

    from latentmap.autoencoders.base import BaseAutoEncoder
    from latentmap.data.types import DataLike

MAX_ROWS = 1_000_000
# Maximum number of values of a table. A table of at most 100,000 rows may have more.
MAX_VALUES = 50_000_000
MAX_EXPORTED_ROWS = 100_000
N_SIMILAR = 12  # Number of similar rows on the page.
THUMBNAIL_SIDE = 64
_SAMPLE_POINTS = 128  # Number of decoded codes that determine the importance of columns.


class Scene:
    """The rows on a map, and all data of the page.

    Parameters
    ----------
    estimator : AutoEncoder, VariationalAutoEncoder or LatentMap
        Fitted.
    rows : Source, path, data-set name, data frame, array or sparse matrix
        Rows to show. If there are more than ``max_rows``, a uniform sample is shown.
    title : str
        The title of the page.
    verbose : bool
        Show progress on the console.
    max_rows : int
        Maximum number of rows, at most 1,000,000; for tables, at most 50,000,000 values.

    Attributes
    ----------
    rows : Source
        The n rows that are shown; threads can share it.
    total : int
        The number of rows before sampling.
    original_indices : ndarray of shape (n,), int
        The index of each row before sampling.
    codes : ndarray of shape (n, n_components)
    scores : RowScores
        Cluster, confidence, reconstruction error, neighbour recall and outlier score of each row.

    Raises
    ------
    DataError
        If the rows do not match the fitted rows.

    Examples
    --------
    >>> from latentmap import AutoEncoder
    >>> X = np.random.default_rng(0).normal(size=(60, 4))
    >>> scene = Scene(AutoEncoder(2, epochs=1, random_state=0).fit(X), X)
    >>> len(scene), [scale.name for scale in scene.color_scales]
    (60, ['cluster', 'error', 'neighbour recall', 'outlier score', 'c0', 'c1', 'c2', 'c3'])
    >>> [column.shape for column in scene.decode_points(scene.plane.points[:2])]
    [(2,), (2,), (2,), (2,)]
    """

    def __init__(
        self,
        estimator: BaseAutoEncoder,
        rows: DataLike | str | Path,
        title: str = "",
        verbose: bool = False,
        max_rows: int = MAX_ROWS,
    ) -> None:
        source = unencoded_rows(numeric_rows(estimator, as_source(rows)))
        self.estimator, self.title, self.total = estimator, title, len(source)
        self._source = source
        sample = source.sample(min(max_rows, _row_limit(source)))
        self.rows: Source = SharedSource(sample)
        self.model, self.encoded = numeric_model(estimator), numeric_rows(estimator, self.rows)
        self.original_indices = np.array([sample.original_index(i) for i in range(len(sample))])
        self.file_names = _file_names(source, self.original_indices)
        task = f"Encoding {len(sample):,} rows"
        self.codes = map_batches(self.model.transform, self.encoded, task, verbose)
        self.plane = CodePlane.fit(self.codes)
        self.density = DensityGrid(estimator, self.plane)
        self.decoder = CodeDecoder(estimator)
        decode = self.decoder.decode
        self.scores = RowScores(self.model, self.encoded, self.codes, decode, verbose)
        self.display = self._choose_display(source, verbose)
        self.image_metadata = self._read_metadata(verbose)
        self.regions = MapRegions(self.rows, self.plane.points, self.scores)
        self.color_scales = self._list_color_scales()
        self._index_lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.codes)

    def _list_color_scales(self) -> list[ColorScale]:
        return list_color_scales(self.rows.labels, self.scores, self.regions, self.columns)

    def _choose_display(self, source: Source, verbose: bool) -> RowImages | TableColumns:
        for shape in (source.row_shape, self.estimator.row_shape_):
            if is_image_shape(shape):
                return RowImages.from_source(self.rows, tuple(shape))
        encoder = self.estimator.table_
        if encoder is not None:
            columns = table_columns(encoder, self.rows)
        else:
            metadata = [] if self.rows.metadata is None else metadata_columns(self.rows.metadata)
            columns = metadata + self._numeric_columns({column.name for column in metadata})
        return TableColumns.read(self.rows, columns, self._column_importance(columns), verbose)

    def _read_metadata(self, verbose: bool) -> TableColumns | None:
        """Return the columns of metadata beside images."""
        if self.images is None or self.rows.metadata is None:
            return None
        columns = metadata_columns(self.rows.metadata)
        return TableColumns.read(self.rows, columns, np.full(len(columns), np.inf), verbose)

    def _numeric_columns(self, metadata_names: set[str]) -> list[DisplayColumn]:
        """Return the columns of an array; none if it has no names but has metadata."""
        if metadata_names and self.rows.feature_names is None:
            return []
        names = self.column_names()
        names = [f"{name} (fitted)" if name in metadata_names else name for name in names]
        return numeric_columns(names, self.rows.dtype)

    def limit_rows(self, max_rows: int) -> Scene:
        """Return the scene, or a scene with a uniform sample of its rows if there are too many."""
        if len(self) <= max_rows:
            return self
        return Scene(self.estimator, self._source, self.title, max_rows=max_rows)

    @property
    def images(self) -> RowImages | None:
        """The conversion of images, or None if the rows are not images."""
        return self.display if isinstance(self.display, RowImages) else None

    @property
    def table(self) -> TableColumns | None:
        """The displayed columns, or None if the rows are images."""
        return self.display if isinstance(self.display, TableColumns) else None

    @property
    def columns(self) -> TableColumns | None:
        """The displayed columns of a table, or of the metadata beside images."""
        return self.image_metadata if self.table is None else self.table

    @cached_property
    def page_encoder(self) -> PageEncoder:
        """The encoder with which the page places new rows."""
        sample = np.linspace(0, len(self) - 1, _SAMPLE_POINTS).astype(int)
        return make_page_encoder(self.estimator, self.encoded.take(sample))

    def original(self, indices: ArrayLike) -> Any:
        """Return rows for display: images of shape (m, h, w, c), or `DisplayRows` of a table."""
        row_indices = np.atleast_1d(indices)
        if isinstance(self.display, TableColumns):
            return self.display.rows_at(row_indices)
        return self.display.to_display(self.rows.take(row_indices))

    def reconstruction(self, indices: ArrayLike) -> Any:
        """Return the reconstructions of rows for display."""
        return self.display.decode(self.decoder.decode(self.codes[np.atleast_1d(indices)]))

    def decode_points(self, points: ArrayLike) -> Any:
        """Decode points of the page, shape (m, 2), to rows for display."""
        return self.display.decode(self.decoder.decode(self.plane.to_codes(points)))

    def thumbnails(self, indices: ArrayLike) -> np.ndarray:
        """Return images with sides of at most 64 pixels, uint8 of shape (m, h, w, c)."""
        return shrink_images(self.original(indices), THUMBNAIL_SIDE)

    def similar(
        self, codes: np.ndarray, k: int, exclude: int | None = None
    ) -> tuple[list[list[int]], list[list[float]]]:
        """Return indices and distances of the k nearest rows of each code, except ``exclude``."""
        with self._index_lock:
            index = self._index
        k = min(k, len(self) - (exclude is not None))
        if k < 1:
            return [[] for _ in codes], [[] for _ in codes]
        excluded_rows = None if exclude is None else np.full(len(codes), exclude)
        result = index.search(codes, k, excluded_rows)
        return result.indices.tolist(), to_json(result.distances)

    @cached_property
    def _index(self) -> SearchIndex:
        return SearchIndex(self.codes)

    def warm_up(self) -> None:
        """Compile the networks and build the search index before the first request."""
        self.decoder.warm_up(self.plane.n_components)
        self.scores.of_rows([0])
        self.similar(self.codes[:1], 1)

    def column_names(self) -> list[str]:
        """Return the names of all columns of a table."""
        names = self.rows.feature_names or ModelInfo.from_estimator(self.estimator).feature_names
        if names is None:
            names = [f"c{i}" for i in range(int(np.prod(self.rows.row_shape)))]
        return [str(name) for name in names]

    def with_columns(self, count: int) -> Scene:
        """Return the scene with the ``count`` most important table columns."""
        if self.table is None or len(self.table.names) <= count:
            return self
        scene = copy.copy(self)
        scene.display = self.table.keep_most_important(count)
        scene.color_scales = scene._list_color_scales()
        return scene

    def _column_importance(self, columns: list[DisplayColumn]) -> np.ndarray:
        """Return the variance of each column among decoded codes, in scaled units.

        A column that is not fitted, such as a name, has infinite importance.
        """
        sample = np.linspace(0, len(self.codes) - 1, _SAMPLE_POINTS).astype(int)
        rows = self.decoder.decode(self.codes[sample]).reshape(_SAMPLE_POINTS, -1)
        scale = ModelInfo.from_estimator(self.estimator).scale
        variance = np.var(rows.astype(np.float64) / scale, axis=0)
        return np.array(
            [
                np.inf if c.encoded_slice is None else variance[c.encoded_slice].sum()
                for c in columns
            ]
        )


def _row_limit(source: Source) -> int:
    """Return the maximum number of rows, which is smaller for tables with many columns."""
    if is_image_shape(source.row_shape):
        return MAX_ROWS
    width = min(MAX_COLUMNS, math.prod(source.row_shape))
    return min(MAX_ROWS, max(MAX_EXPORTED_ROWS, MAX_VALUES // width))


def _file_names(source: Source, indices: np.ndarray) -> list[str] | None:
    """Return the names of the files that images were read from."""
    paths = getattr(source, "paths", None)
    if paths is None or len(paths) != len(source):
        return None
    # A file name may contain bytes that are not valid UTF-8.
    return [paths[i].encode("utf-8", "replace").decode() for i in indices]
