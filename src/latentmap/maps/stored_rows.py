"""Use of the stored rows of a map: they are stored by a fit, place rows, and decode positions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from latentmap.autoencoders.imputation import column_starts
from latentmap.autoencoders.validation import read_new_rows
from latentmap.backend import predict
from latentmap.data.sources import ArraySource
from latentmap.data.types import DataLike
from latentmap.maps.layout_extension import LayoutSample
from latentmap.maps.placement import PlacementQuality, row_sizes
from latentmap.maps.placement_fit import (
    choose_queries,
    fit_placement,
    max_sample_rows,
    select_decoding,
)
from latentmap.preprocessing.pca_projection import project_rows, scale_rows

if TYPE_CHECKING:
    from latentmap.maps.latent_map import LatentMap
    from latentmap.maps.map_state import MapState

MEASURED_ROWS = 64  # Number of rows of a batch whose range is checked.


def store_rows(model: LatentMap, sample: LayoutSample, seed: int) -> MapState:
    """Return the state of a trained map with stored rows, and with the errors of other rows."""
    assert model._state.diagnostics is not None

    def encode(indices: np.ndarray) -> np.ndarray:
        return predict(model.encoder_, sample.rows.subset(indices)[:])

    placement = fit_placement(sample, encode, seed)
    queries = choose_queries(placement, max_sample_rows(placement.row_mean.size))
    rows = _flat_scaled(model, sample.rows.subset(queries)[:])
    network_rows = predict(model.decoder_, placement.positions[queries])
    placement, reconstructions = select_decoding(
        placement, queries, rows, _flat_scaled(model, network_rows)
    )
    errors = _squared_errors(model, rows, reconstructions)
    diagnostics = model._state.diagnostics.with_errors(errors)
    return replace(model._state, placement=placement, diagnostics=diagnostics)


def place_batches(
    model: LatentMap, X: DataLike
) -> Iterator[tuple[np.ndarray, np.ndarray, PlacementQuality]]:
    """Yield batches of raw rows, their codes, and the quality of their placement."""
    for rows, codes, quality, _ in _place_batches(model, X, None):
        yield rows, codes, quality


def find_codes(model: LatentMap, X: DataLike) -> tuple[np.ndarray, str | None]:
    """Return the codes of rows, and how most of the rows differ from the fitted rows.

    The second is None if the rows are similar. A sample of the rows is measured.
    """
    placement = model._state.placement
    assert placement is not None
    codes, sizes, ratios = [], [], []
    for rows, batch_codes, quality, measured in _place_batches(model, X, MEASURED_ROWS):
        codes.append(batch_codes)
        sizes.append(row_sizes(rows[measured]))
        ratios.append(quality.distance_ratio)
    problem = placement.find_range_problem(np.concatenate(sizes), np.concatenate(ratios))
    return np.concatenate(codes), problem


def _place_batches(
    model: LatentMap, X: DataLike, n_measured: int | None
) -> Iterator[tuple[np.ndarray, np.ndarray, PlacementQuality, slice]]:
    placement, scale = model._state.placement, model._state.row_scale
    assert placement is not None
    for rows in read_new_rows(model, X):
        coordinates = project_rows(ArraySource(rows), scale, placement.principal)
        encoded = predict(model.encoder_, rows)
        measured = slice(None, None, max(1, len(rows) // n_measured) if n_measured else 1)
        yield rows, *placement.place(coordinates, encoded, measured), measured


def add_local_means(model: LatentMap, codes: np.ndarray, network_rows: np.ndarray) -> np.ndarray:
    """Return the weighted mean of the decoder's rows and the local means of stored rows.

    Without stored rows, these are the decoder's rows.
    """
    state = model._state
    if state.placement is None:
        return network_rows
    scaled_rows = state.placement.decode(codes)
    if state.row_scale.in_unit_range:
        scaled_rows = np.clip(scaled_rows, 0.0, 1.0)
    local_rows = state.raw_rows(scaled_rows, model.row_shape_)
    return local_rows + np.float32(state.placement.network_share) * (network_rows - local_rows)


def decoding_errors(model: LatentMap, rows: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the reconstruction error of each raw row with a given code, shape (n,)."""
    reconstructions = _flat_scaled(model, model._decode(codes))
    return _squared_errors(model, _flat_scaled(model, rows), reconstructions)


def _flat_scaled(model: LatentMap, rows: np.ndarray) -> np.ndarray:
    """Return raw rows scaled and flattened, with NaN for missing values."""
    return scale_rows(rows, model._state.row_scale._replace(allow_nan=False))


def _squared_errors(model: LatentMap, rows: np.ndarray, reconstructions: np.ndarray) -> np.ndarray:
    """Return the mean squared error of the known columns of flat, scaled rows, float32."""
    squares = np.subtract(rows, reconstructions, dtype=np.float64) ** 2
    if model.table_ is None:
        errors = squares.mean(axis=1)
    else:
        is_known = ~np.isnan(rows[:, column_starts(model.table_)])
        errors = np.nansum(squares, axis=1) / np.maximum(is_known.sum(axis=1), 1)
    return np.minimum(errors, np.finfo(np.float32).max).astype(np.float32)
