"""Placement of rows and decoding of positions by a fitted `LatentMap`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from latentmap.autoencoders.imputation import column_starts
from latentmap.autoencoders.network_application import (
    decode_codes,
    encode_batch,
    reconstruction_errors,
    window_masses,
)
from latentmap.autoencoders.validation import read_new_rows
from latentmap.data.sources import ArraySource
from latentmap.data.types import DataLike
from latentmap.errors import DataWarning
from latentmap.maps.layout_sample import LayoutSample
from latentmap.maps.local_mean import combine_rows, decode_by_local_mean
from latentmap.maps.placement import PlacementQuality
from latentmap.maps.placement_fit import (
    choose_queries,
    fit_placement,
    select_decoding,
)
from latentmap.maps.range_check import MIN_CHECKED_ROWS, describe_mismatch, row_sizes
from latentmap.preprocessing.pca_projection import project_rows, scale_rows

if TYPE_CHECKING:
    from latentmap.maps.latent_map import LatentMap
    from latentmap.maps.map_state import MapState

CHECKED_ROWS = 64  # Approximate number of rows of each batch whose range is checked.


def store_rows(model: LatentMap, sample: LayoutSample, seed: int) -> MapState:
    """Return the state of a trained map with stored rows.

    The reconstruction errors in the diagnostics are measured afterwards, because the stored rows
    change the reconstructions.
    """
    assert model._state.diagnostics is not None

    def encode(indices: np.ndarray) -> np.ndarray:
        return encode_batch(model, sample.rows.subset(indices)[:])

    placement = fit_placement(sample, encode, seed)
    queries = choose_queries(placement.fitted)
    rows = _flat_scaled(model, sample.rows.subset(queries)[:])
    decoded = _flat_scaled(model, decode_codes(model, placement.fitted.positions[queries]))
    placement, reconstructions = select_decoding(placement, queries, rows, decoded)
    has_copy = placement.fitted.have_copies(queries)
    if has_copy.all():
        # Each query has a copy among the stored rows, which is its local mean. The error of a local
        # mean would be smaller than that of a new row, so the errors of the decoder are used.
        errors = _squared_errors(model, rows, decoded)
    else:
        errors = _squared_errors(model, rows, reconstructions)[~has_copy]
    if model._state.has_given_layout:
        _report_moved_rows(sample.positions, placement.fitted.positions)
    diagnostics = model._state.diagnostics.with_errors(errors)
    return replace(model._state, placement=placement, diagnostics=diagnostics)


def _report_moved_rows(layout: np.ndarray, stored: np.ndarray) -> None:
    """Warn if equal rows were given different positions, of which only the first is stored."""
    is_moved = (layout.astype(np.float32) != stored).any(axis=1)
    if is_moved.any():
        message = (
            f"layout: {is_moved.sum()} rows are equal to an earlier row that has another position, "
            "and equal rows can have one position only: the position of the first row is used"
        )
        warnings.warn(message, DataWarning, stacklevel=6)


def place_batches(
    model: LatentMap, X: DataLike
) -> Iterator[tuple[np.ndarray, np.ndarray, PlacementQuality]]:
    """Yield batches of raw rows, their codes, and the quality of their placement."""
    for rows, codes, quality, _ in _place_batches(model, X):
        yield rows, codes, quality


def place_rows(model: LatentMap, X: DataLike) -> tuple[np.ndarray, str | None]:
    """Return the codes of rows, and a description of how most of them differ from the fitted rows.

    The description is None if the rows are similar to the fitted rows. It is based on a sample.
    """
    placement = model._state.placement
    assert placement is not None
    codes, sizes, ratios = [], [], []
    for rows, batch_codes, quality, sample in _place_batches(model, X, CHECKED_ROWS):
        codes.append(batch_codes)
        sizes.append(row_sizes(rows[sample]))
        ratios.append(quality.distance_ratio)
    mismatch = describe_mismatch(placement, np.concatenate(sizes), np.concatenate(ratios))
    return np.concatenate(codes), mismatch


def _place_batches(
    model: LatentMap, X: DataLike, sample_size: int | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray, PlacementQuality, slice]]:
    """Yield batches of raw rows, their codes, the quality of sampled rows, and the sample's slice.

    By default, the sample of a batch is the whole batch. With ``sample_size``, it is empty for a
    batch with too few rows for a check of their range.
    """
    placement, scale = model._state.placement, model._state.row_scale
    assert placement is not None
    for rows in read_new_rows(model, X):
        coordinates = project_rows(ArraySource(rows), scale, placement.fitted.principal)
        encode = partial(_encode_subset, model, rows)
        sample = slice(None)
        if sample_size:
            stop = len(rows) if len(rows) >= MIN_CHECKED_ROWS else 0
            sample = slice(0, stop, max(1, len(rows) // sample_size))
        yield rows, *placement.place(coordinates, encode, sample), sample


def _encode_subset(model: LatentMap, rows: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return the encoder's codes of the rows of a batch with given indices."""
    return encode_batch(model, rows[indices], batch_size=len(rows))


def add_local_means(model: LatentMap, codes: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """Return the weighted means of the decoder's rows and the local means of fitted rows.

    Without stored rows, these are the decoder's rows.
    """
    state = model._state
    if state.placement is None:
        return decoded
    scaled_rows, nearness = decode_by_local_mean(state.placement, codes)
    if state.row_scale.in_unit_range:
        scaled_rows = np.clip(scaled_rows, 0.0, 1.0)
    local_rows = state.raw_rows(scaled_rows, model.row_shape_)
    return combine_rows(local_rows, decoded, state.placement.decoder_weight * nearness)


def decoding_errors(model: LatentMap, rows: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the reconstruction error of each raw row with a given code, shape (n,)."""
    reconstructions = _flat_scaled(model, model._decode(codes))
    return _squared_errors(model, _flat_scaled(model, rows), reconstructions)


def row_confidence(model: LatentMap, X: DataLike) -> np.ndarray:
    """Return the confidence in the position of each row; see `LatentMap.confidence`."""
    masses = window_masses(model, X)
    diagnostics, state = model._diagnostics, model._state
    if state.placement is None:
        errors = reconstruction_errors(model, X)
        return diagnostics.confidence(errors, masses, state.max_mass)
    batches = [
        (decoding_errors(model, rows, codes), state.placement.confidence(quality))
        for rows, codes, quality in place_batches(model, X)
    ]
    errors, agreement = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    return agreement * diagnostics.confidence(errors, masses, state.max_mass)


def _flat_scaled(model: LatentMap, rows: np.ndarray) -> np.ndarray:
    """Scale and flatten raw rows; missing values are NaN."""
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
