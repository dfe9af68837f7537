"""Sample of rows for which a layout is computed or given."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from latentmap.data import memory
from latentmap.data.sources import ArraySource, Source
from latentmap.maps.directions import DirectionTransform
from latentmap.maps.fitted_rows import MAX_STORED_ROWS, quantize
from latentmap.maps.neighbor_search import Metric
from latentmap.preprocessing.neighbors import DIRECTION_METRICS
from latentmap.preprocessing.pca_projection import (
    PrincipalComponents,
    principal_components,
    project_rows,
)
from latentmap.preprocessing.scaling import TINY
from latentmap.training.preparation import PreparedData

# Range of the number of principal components, if the rows have that many columns.
MIN_PRINCIPAL_COMPONENTS = 50
MAX_PRINCIPAL_COMPONENTS = 150
MAX_PCA_ROWS = 20_000
# Maximum size of the sample by number of components. In three dimensions, t-SNE is slow because it
# does not use a grid.
MAX_SAMPLE_ROWS = {1: 100_000, 2: 100_000, 3: 5_000}
LAYOUT_BYTES = 1200  # Memory that a layout takes for each row of the sample.


@dataclass(frozen=True)
class LayoutSample:
    """Sample of rows for which a layout was computed or given.

    Attributes
    ----------
    principal : PrincipalComponents
    points : ndarray of shape (m, d)
        Coordinates of the sampled rows on the principal components.
    positions : ndarray of shape (m, n_components)
        Layout positions of the sampled rows.
    rows : Source
        The sampled raw rows.
    point_scale : float
        Root mean square of the coordinates. A map stores coordinates divided by it, as float16.
    directions : DirectionTransform or None
        Conversion of the points to the space in which neighbours are searched. None if neighbours
        are searched among the points themselves.
    """

    principal: PrincipalComponents
    points: np.ndarray
    positions: np.ndarray
    rows: Source
    point_scale: float
    directions: DirectionTransform | None = None

    def to_search_points(self, points: np.ndarray) -> np.ndarray:
        """Return points, or their directions if the metric is the cosine or the correlation."""
        return points if self.directions is None else self.directions.apply(points)


@dataclass(frozen=True)
class Layout:
    """Layout positions of all rows, shape (n, n_components).

    ``sample`` is None if the user gave the positions.
    """

    positions: np.ndarray
    sample: LayoutSample | None = None


def layout_sample_size(n: int, n_components: int) -> int:
    """Return the number of rows in the layout's sample.

    Examples
    --------
    >>> layout_sample_size(300, 2), layout_sample_size(1_000_000, 2)
    (300, 100000)
    """
    return min(MAX_SAMPLE_ROWS[n_components], stored_sample_size(n))


def stored_sample_size(n: int) -> int:
    """Return how many of n rows with positions a map stores."""
    return min(n, MAX_STORED_ROWS, max(1000, memory.BUDGET.layout.max_bytes() // LAYOUT_BYTES))


def sample_of_positions(
    data: PreparedData, rows: Source, positions: np.ndarray, metric: Metric, verbose: bool
) -> LayoutSample:
    """Return a random sample of rows that have positions, or all of these rows if they are few."""
    n_rows = stored_sample_size(len(rows))
    principal = compute_components(data, verbose)
    # Both samples use the same seed, so that each row is paired with its position.
    sampled_positions = ArraySource(positions).sample(n_rows, data.seed)[:]
    sample = sample_rows(data, rows.sample(n_rows, data.seed), principal, metric)
    return replace(sample, positions=sampled_positions)


def sample_rows(
    data: PreparedData, rows: Source, principal: PrincipalComponents, metric: Metric
) -> LayoutSample:
    """Return a sample that consists of all given rows, without positions.

    The points are rounded as a map stores them. Rows that are equal after the rounding therefore
    get one position.
    """
    coordinates = project_rows(rows, data.scale, principal)
    spread = float(np.sqrt(np.mean(coordinates.astype(np.float64) ** 2)))
    scale = spread if spread > TINY else 1.0
    points = quantize(coordinates / np.float32(scale)).astype(np.float32) * np.float32(scale)
    directions = None
    if metric in DIRECTION_METRICS:
        directions = DirectionTransform.of_rows(principal, data.scale, str(metric))
    return LayoutSample(principal, points, points[:, :0], rows, scale, directions)


def compute_components(data: PreparedData, verbose: bool) -> PrincipalComponents:
    """Compute the principal components of the rows, in which their neighbours are searched."""
    n_columns = math.prod(data.rows.row_shape)
    return principal_components(
        data.sample(MAX_PCA_ROWS),
        data.scale,
        min(MIN_PRINCIPAL_COMPONENTS, n_columns),
        data.seed,
        verbose,
        min(MAX_PRINCIPAL_COMPONENTS, n_columns),
    )
