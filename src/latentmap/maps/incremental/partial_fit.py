"""Add new rows to a fitted map.

The rows of `fit` are not available. Rows sampled from the replay memory replace them, both to
detect novel classes and to train the networks on earlier and new rows together. Rows of novel
classes get a layout and landmarks in a free part of the map. docs/map.md gives the formulas.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import keras
import numpy as np

from latentmap.autoencoders.base import MAX_MEASURED_ROWS
from latentmap.autoencoders.network_application import encode_rows
from latentmap.autoencoders.validation import new_rows
from latentmap.backend import copy_value, predict
from latentmap.data.caching import load_or_cache
from latentmap.data.memory import check_memory
from latentmap.data.sources import Source
from latentmap.data.types import DataLike
from latentmap.errors import DataError, SettingError
from latentmap.maps.diagnostics import CodeLandmarks
from latentmap.maps.incremental.landmark_placement import find_free_region
from latentmap.maps.incremental.novelty import MIN_CLASS_ROWS, detect_novel_rows, n_replay_rows
from latentmap.maps.incremental.replay import (
    ReplayMemory,
    ReplaySampler,
    ReplayState,
    estimate_replay_memory,
)
from latentmap.maps.incremental.replay_dataset import ReplayDataset, TeacherNetworks
from latentmap.maps.incremental.weight_transfer import freeze_batch_normalization, transfer_weights
from latentmap.maps.landmark_layers import SoftAssignment
from latentmap.maps.landmarks import (
    MAX_LANDMARKS,
    ROWS_PER_LANDMARK,
    LandmarkSet,
    compute_landmarks,
)
from latentmap.maps.layout import compute_layout
from latentmap.maps.map_assembly import build_map_networks
from latentmap.maps.map_placement import place_rows
from latentmap.maps.map_state import PartialFitReport
from latentmap.maps.neighbor_search import EuclideanSearch
from latentmap.maps.placement import Placement
from latentmap.preprocessing.pca_projection import project_rows
from latentmap.training.config import Training, check_epochs
from latentmap.training.launcher import LocalLauncher, current_launcher
from latentmap.training.task import TrainingTask

if TYPE_CHECKING:
    from latentmap.maps.latent_map import LatentMap

# Minimum distance of old and new landmarks in window radii, so that no window contains both.
MIN_GAP = 3.0
TRAINING = Training(batch_size=256, learning_rate=2e-3, patience=None, held_out=0)
MIN_REPLAYED, MAX_REPLAYED = 4_000, 40_000  # Limits of the number of replayed rows in one epoch.
# By default, the epochs pass over about ROW_PASSES rows in total, in at most MAX_EPOCHS epochs.
ROW_PASSES, MAX_EPOCHS = 120_000, 8


@dataclass(frozen=True)
class NewRows:
    """New rows, their codes, and a mask of the rows of novel classes.

    ``points`` are the coordinates of the rows on the principal components of the replay memory.
    Neighbours are searched among ``search_points``; see `ReplaySampler.to_search_points`.
    """

    rows: Source
    codes: np.ndarray
    points: np.ndarray
    search_points: np.ndarray
    is_novel: np.ndarray


@dataclass(frozen=True)
class NovelRegion:
    """Landmarks, anchors and row positions of the novel classes, in the units of codes."""

    centers: np.ndarray
    anchors: np.ndarray
    positions: np.ndarray


def add_rows(model: LatentMap, X: DataLike) -> None:
    """Add rows to a fitted map; see `LatentMap.partial_fit`.

    After an error the model is partly changed; the caller restores it.
    """
    replay_state = _check_replay(model)
    model._check_settings()
    rows = new_rows(model, X)
    check_epochs(model.epochs, TRAINING, len(rows))  # Raises SettingError before the long steps.
    codes = _current_codes(model, rows)  # Raises DataError if a number is NaN.
    rows = load_or_cache(rows, model.verbose, use_disk=current_launcher().in_this_process)
    n_partial_fits = (model._state.n_partial_fits or 0) + 1
    seed = (model._state.seed + n_partial_fits) % 2**31
    sampler = ReplaySampler(model, replay_state, seed)
    new_data = _detect_novel(model, rows, codes, sampler, seed)
    region = _place_novel(model, new_data, replay_state, seed)
    landmark_logits = model.encoder_.get_layer("landmark_logits")
    teacher = TeacherNetworks(model.encoder_, landmark_logits, model.decoder_)
    model._state = replace(model._state, n_partial_fits=n_partial_fits)
    objective = _add_landmarks(model, region)
    dataset = _replay_dataset(model, new_data, region, teacher, sampler)
    _train(model, objective, dataset, seed)
    _measure(model, new_data, region, teacher, sampler.sample_rows(MAX_MEASURED_ROWS))
    mixture = _extend_mixture(sampler.mixture, new_data, region, model._landmarks().nearest)
    placement = _extend_placement(model, new_data, region)
    replay_state = replace(replay_state, mixture=mixture)
    model._state = replace(model._state, replay=replay_state, placement=placement)


def _current_codes(model: LatentMap, rows: Source) -> np.ndarray:
    if model._state.placement is None:
        return encode_rows(model, rows)
    return place_rows(model, rows)[0]


def _check_replay(model: LatentMap) -> ReplayState:
    if model._state.has_given_layout:
        raise SettingError(
            "layout: partial_fit cannot add rows to a map with a given layout: fit the map again "
            "with the positions of all rows"
        )
    if model._state.replay is None:
        raise SettingError(
            "partial_fit: expected a map with a replay memory, found one that an older version of "
            "latentmap fitted: fit it again"
        )
    return model._state.replay


def _detect_novel(
    model: LatentMap, rows: Source, codes: np.ndarray, sampler: ReplaySampler, seed: int
) -> NewRows:
    state, principal = model._state, sampler.principal
    check_memory(rows.name, 4 * len(rows) * (len(principal.components) + codes.shape[1]))
    points = project_rows(rows, state.row_scale, principal)
    with np.errstate(over="ignore"):
        is_finite = np.isfinite(codes).all() and np.isfinite((points**2).sum(axis=1)).all()
    if not is_finite:
        raise DataError(
            f"{rows.name}: expected numbers in the range of the fitted rows, found numbers that "
            "are too large"
        )
    replayed_points = sampler.sample_points(n_replay_rows(len(rows), state.n_rows or 0))
    search_points = sampler.to_search_points(points)
    is_novel = detect_novel_rows(search_points, sampler.to_search_points(replayed_points), seed)
    return NewRows(rows, codes, points, search_points, is_novel)


def _place_novel(
    model: LatentMap, new_data: NewRows, replay_state: ReplayState, seed: int
) -> NovelRegion:
    """Compute a layout of the rows of novel classes, and shift it to a free part of the map."""
    points, codes = new_data.points[new_data.is_novel], new_data.codes[new_data.is_novel]
    state, landmarks = model._state, model._landmarks()
    if not len(points):
        return NovelRegion(*(np.empty((0, state.n_components), np.float32) for _ in range(3)))
    search = EuclideanSearch(new_data.search_points[new_data.is_novel], seed, model.verbose)
    layout = compute_layout(
        points, state.n_components, model.n_neighbors, seed, model.verbose, search
    )
    # The number of landmarks per row is the same for new rows as for earlier rows.
    count = round(len(landmarks.positions) * len(points) / (state.n_rows or 1))
    max_count = min(MAX_LANDMARKS, len(points) // ROWS_PER_LANDMARK)
    count = int(np.clip(count, MIN_CLASS_ROWS // ROWS_PER_LANDMARK, max_count))
    new_landmarks = compute_landmarks(layout, seed, count)
    unit = landmarks.width / new_landmarks.width
    earlier_positions = landmarks.positions[replay_state.mixture.counts > 0]
    gap = MIN_GAP * state.window * landmarks.width
    shift = find_free_region(
        new_landmarks.centers * unit, earlier_positions, np.median(codes, axis=0), gap
    )
    parts = (new_landmarks.centers, new_landmarks.anchors, layout)
    return NovelRegion(*((part * unit + shift).astype(np.float32) for part in parts))


def _add_landmarks(model: LatentMap, region: NovelRegion) -> keras.Model:
    """Add landmarks to the networks, and return the objective for new and replayed rows."""
    previous_objective, state = model._objective, model._state
    layer = model.encoder_.get_layer("around_mode")
    centers, anchors = (
        np.concatenate([copy_value(earlier_positions), state.to_landmark_units(new_positions)])
        for earlier_positions, new_positions in (
            (layer.centers, region.centers),
            (layer.anchors, region.anchors),
        )
    )
    radius = float(copy_value(layer.radius))
    landmarks = LandmarkSet(
        centers, anchors, radius / state.window, radius, state.code_offset, state.code_scale
    )
    model._state = replace(state, n_landmarks=len(centers), n_anchors=len(anchors))
    networks = build_map_networks(model, landmarks)
    transfer_weights(networks.objective, previous_objective)
    model._set_networks(networks)
    return networks.replay_objective


def _replay_dataset(
    model: LatentMap,
    new_data: NewRows,
    region: NovelRegion,
    teacher: TeacherNetworks,
    sampler: ReplaySampler,
) -> ReplayDataset:
    state, landmarks = model._state, model._landmarks()
    positions = state.to_landmark_units(landmarks.positions)
    assignment = SoftAssignment(positions, landmarks.width / state.code_scale)
    network = keras.Sequential([keras.Input(positions.shape[1:]), assignment])
    n_replayed = max(state.n_rows or 0, len(new_data.rows), MIN_REPLAYED)
    return ReplayDataset(
        new_data.rows,
        new_data.is_novel,
        region.positions,
        lambda codes: predict(network, state.to_landmark_units(codes)),
        teacher=teacher,
        sample_rows=sampler.sample_rows,
        n_replayed=min(n_replayed, MAX_REPLAYED),
        scale_rows=state.decoder_targets,
        n_landmarks=len(positions),
    )


def _train(model: LatentMap, objective: keras.Model, dataset: ReplayDataset, seed: int) -> None:
    epochs = int(np.clip(math.ceil(ROW_PASSES / len(dataset)), 1, MAX_EPOCHS))
    if model.epochs != "auto":
        epochs = int(model.epochs)
    freeze_batch_normalization(objective)
    task = TrainingTask(dataset, None, epochs, TRAINING, seed)
    # A training cannot be resumed, because a later process would sample other replayed rows.
    launcher = LocalLauncher(saves_checkpoints=False)
    model.history_ = launcher.run(objective, task, model.verbose)


def _measure(
    model: LatentMap,
    new_data: NewRows,
    region: NovelRegion,
    teacher: TeacherNetworks,
    replayed_rows: np.ndarray,
) -> None:
    """Include the new rows in the diagnostics, and report how far replayed rows moved."""
    state, landmarks, n_before = model._state, model._landmarks(), model._state.n_rows or 0
    codes_before, codes_after = (
        predict(teacher.encoder, replayed_rows),
        predict(model.encoder_, replayed_rows),
    )
    codes = encode_rows(model, new_data.rows)
    errors = model.reconstruction_error(new_data.rows.sample(MAX_MEASURED_ROWS, state.seed))
    diagnostics = model._diagnostics.with_rows(
        n_before, landmarks.nearest(codes), errors, len(landmarks.positions)
    )
    sample = codes[:: math.ceil(len(codes) / MAX_MEASURED_ROWS)]
    groups = [(codes_after, n_before), (sample, len(codes))]
    median_density = _median_density(landmarks, diagnostics.landmark_share, groups)
    earlier_positions = landmarks.positions[: len(landmarks.positions) - len(region.centers)]
    map_width = float(np.ptp(earlier_positions, axis=0).max()) or 1.0
    median_shift = float(np.median(np.linalg.norm(codes_after - codes_before, axis=1))) / map_width
    n_novel, n_new_landmarks = int(new_data.is_novel.sum()), len(region.centers)
    model._state = replace(
        state,
        n_rows=n_before + len(new_data.rows),
        diagnostics=replace(diagnostics, median_density=median_density),
        report=PartialFitReport(
            rows=len(new_data.rows),
            novel_rows=n_novel,
            landmarks=n_new_landmarks,
            median_shift=median_shift,
        ),
    )


def _median_density(
    landmarks: CodeLandmarks, share: np.ndarray, groups: list[tuple[np.ndarray, int]]
) -> float:
    """Return the median density at groups of codes, each of which represents a number of rows."""
    density = landmarks.kernel_density(np.concatenate([codes for codes, _ in groups]), share)
    weights = np.concatenate([np.full(len(codes), n_rows / len(codes)) for codes, n_rows in groups])
    median = np.quantile(density, 0.5, weights=weights, method="inverted_cdf")
    return float(median) or 1.0


def _extend_placement(model: LatentMap, new_data: NewRows, region: NovelRegion) -> Placement | None:
    """Store the new rows at their codes before the update, or in the region of novel classes."""
    placement = model._state.placement
    if placement is None:
        return None
    positions = new_data.codes.copy()
    positions[new_data.is_novel] = region.positions
    coordinates = project_rows(new_data.rows, model._state.row_scale, placement.fitted.principal)
    return replace(placement, fitted=placement.fitted.with_rows(coordinates, positions))


def _extend_mixture(
    mixture: ReplayMemory,
    new_data: NewRows,
    region: NovelRegion,
    nearest: Callable[[np.ndarray], np.ndarray],
) -> ReplayMemory:
    """Count new rows at the earlier landmarks, and add a Gaussian for each new landmark."""
    n_earlier = len(mixture.counts)
    new_counts = np.bincount(nearest(new_data.codes[~new_data.is_novel]), minlength=n_earlier)[
        :n_earlier
    ]
    counts = mixture.counts + np.where(mixture.counts > 0, new_counts, 0).astype(np.float32)
    mixture = replace(mixture, counts=counts)
    if not len(region.centers):
        return mixture
    index = np.maximum(nearest(region.positions) - n_earlier, 0)
    return mixture.concatenate(
        estimate_replay_memory(new_data.points[new_data.is_novel], index, len(region.centers))
    )
