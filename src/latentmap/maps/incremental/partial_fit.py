"""Addition of new rows to a fitted map.

The earlier rows are not available. Replay replaces them by draws from the Gaussian mixture that
`fit` stores (`maps/incremental/replay.py`): to detect new rows of novel classes, and to train on
earlier and new rows together. Rows of novel classes get a layout and landmarks of their own in a
free part of the map. docs/map.md gives the formulas.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import keras
import numpy as np

from latentmap.autoencoders.base import MAX_MEASURED_ROWS
from latentmap.autoencoders.validation import new_rows
from latentmap.backend import predict
from latentmap.data.caching import load_or_cache
from latentmap.data.memory import check_memory
from latentmap.data.sources import Source
from latentmap.data.types import DataLike
from latentmap.errors import DataError, SettingError
from latentmap.maps.incremental.landmark_placement import find_free_region
from latentmap.maps.incremental.novelty import MIN_CLASS_ROWS, detect_novel_rows, n_replay_rows
from latentmap.maps.incremental.replay import ReplayMemory, estimate_replay_memory
from latentmap.maps.incremental.replay_dataset import ReplayDataset, TeacherNetworks
from latentmap.maps.incremental.replay_state import ReplayState
from latentmap.maps.incremental.weight_transfer import freeze_batch_normalization, transfer_weights
from latentmap.maps.landmark_layers import SoftAssignment
from latentmap.maps.landmarks import MAX_LANDMARKS, LandmarkSet, compute_landmarks
from latentmap.maps.layout import compute_layout
from latentmap.maps.map_networks import build_map
from latentmap.maps.map_state import PartialFitReport
from latentmap.preprocessing.pca_projection import project_rows
from latentmap.training.config import Training, check_epochs
from latentmap.training.launcher import LocalLauncher, current_launcher
from latentmap.training.task import TrainingTask

if TYPE_CHECKING:
    from latentmap.maps.latent_map import LatentMap

MIN_GAP = 3.0  # In window radii: no window contains earlier and new landmarks.
ROWS_PER_LANDMARK = 4
TRAINING = Training(batch_size=256, learning_rate=2e-3, patience=None, held_out=0)
MIN_REPLAY_ROWS, MAX_REPLAY_ROWS = 4_000, 40_000
ROW_PASSES, MAX_EPOCHS = 120_000, 8


@dataclass(frozen=True)
class NewRows:
    """New rows on the map before they are added.

    Attributes
    ----------
    rows : Source
    codes : ndarray of shape (n, n_components)
    points : ndarray of shape (n, d)
        Coordinates on the components of the replay memory.
    novel : ndarray of bool of shape (n,)
        Whether a row belongs to a novel class.
    """

    rows: Source
    codes: np.ndarray
    points: np.ndarray
    novel: np.ndarray


@dataclass(frozen=True)
class NovelRegion:
    """Part of the map for rows of novel classes, in the units of codes.

    Attributes
    ----------
    centers, anchors : ndarray of shape (k, n_components), (a, n_components)
        New landmarks.
    positions : ndarray of shape (m, n_components)
        Layout position of each row of a novel class.
    """

    centers: np.ndarray
    anchors: np.ndarray
    positions: np.ndarray


class Replay:
    """Draws rows like the earlier ones.

    Parameters
    ----------
    model : LatentMap
    state : ReplayState
    rng : Generator
    """

    def __init__(self, model: LatentMap, state: ReplayState, rng: np.random.Generator) -> None:
        self.mixture, self.rng = state.mixture, rng
        self.components = state.principal(model.encoder_)
        self._state, self._row_shape = model._state, model.row_shape_

    def draw_points(self, n: int) -> np.ndarray:
        """Return coordinates on the components, shape (n, d)."""
        return self.mixture.sample(n, self.rng)

    def draw_rows(self, n: int) -> np.ndarray:
        """Return raw rows, shape (n, ...)."""
        scaled = self.draw_points(n) @ self.components.components + self.components.mean
        return self._state.raw_rows(scaled, self._row_shape)


def add_rows(model: LatentMap, X: DataLike) -> None:
    """Add rows to a fitted map; see `LatentMap.partial_fit`. An error leaves it half changed."""
    state = _check_replay(model)
    model._check_settings()
    rows = new_rows(model, X)
    check_epochs(model.epochs, TRAINING, len(rows))  # An error comes before any work.
    codes = model._apply_to_rows(model.encoder_, rows)  # Raises an error if a number is NaN.
    rows = load_or_cache(rows, model.verbose, use_disk=current_launcher().in_this_process)
    n_partial_fits = (model._state.n_partial_fits or 0) + 1
    seed = (model._state.seed + n_partial_fits) % 2**31
    replay = Replay(model, state, np.random.default_rng(seed))
    new = _find_novel(model, rows, codes, replay, seed)
    region = _lay_out_novel(model, new, seed)
    landmark_logits = model.encoder_.get_layer("landmark_logits")
    teacher = TeacherNetworks(model.encoder_, landmark_logits, model.decoder_)
    model._state = replace(model._state, n_partial_fits=n_partial_fits)
    objective = _add_landmarks(model, region)
    _train(model, objective, new, region, teacher, replay, seed)
    _measure(model, new, region, teacher, replay.draw_rows(MAX_MEASURED_ROWS))
    mixture = _extend_mixture(replay.mixture, new, region, model._landmarks().nearest)
    model._state = replace(model._state, replay=replace(state, mixture=mixture))


def _check_replay(model: LatentMap) -> ReplayState:
    if model._state.own_layout:
        raise SettingError(
            "layout: a map of your own layout cannot place rows that are not in it: fit it "
            "again, with the positions of all rows"
        )
    if model._state.replay is None:
        raise SettingError(
            "partial_fit: this map was fitted by an older latentmap, which stored no replay "
            "memory: fit it again"
        )
    return model._state.replay


def _n_rows(model: LatentMap) -> int:
    """Return the number of rows fitted so far, which every map with a replay memory has."""
    n_rows = model._state.n_rows
    assert n_rows is not None
    return n_rows


def _find_novel(
    model: LatentMap, rows: Source, codes: np.ndarray, replay: Replay, seed: int
) -> NewRows:
    components = replay.components
    check_memory(rows.name, 4 * len(rows) * (len(components.components) + codes.shape[1]))
    points = project_rows(rows, model._state.row_scale, components)
    with np.errstate(over="ignore"):
        is_finite = np.isfinite(codes).all() and np.isfinite((points**2).sum(axis=1)).all()
    if not is_finite:
        raise DataError(
            f"{rows.name}: expected numbers near those of the fitted rows, found some too large"
        )
    replayed = replay.draw_points(n_replay_rows(len(rows), _n_rows(model)))
    return NewRows(rows, codes, points, detect_novel_rows(points, replayed, seed))


def _lay_out_novel(model: LatentMap, new: NewRows, seed: int) -> NovelRegion:
    """Compute a layout of the rows of novel classes, and shift it to a free part of the map."""
    points, codes = new.points[new.novel], new.codes[new.novel]
    width = model._state.n_components
    if not len(points):
        return NovelRegion(*(np.empty((0, width), np.float32) for _ in range(3)))
    layout = compute_layout(points, width, model.n_neighbors, seed, model.verbose)
    landmarks = model._landmarks()
    same_density = len(landmarks.positions) * len(points) / _n_rows(model)
    most = min(MAX_LANDMARKS, len(points) // ROWS_PER_LANDMARK)
    count = int(np.clip(round(same_density), MIN_CLASS_ROWS // ROWS_PER_LANDMARK, most))
    chosen = compute_landmarks(layout, seed, count)
    unit = landmarks.width / chosen.width
    replay = _check_replay(model)
    occupied = landmarks.positions[replay.mixture.counts > 0]
    gap = MIN_GAP * model._state.window * landmarks.width
    shift = find_free_region(chosen.centers * unit, occupied, np.median(codes, axis=0), gap)
    parts = (chosen.centers, chosen.anchors, layout)
    return NovelRegion(*((part * unit + shift).astype(np.float32) for part in parts))


def _add_landmarks(model: LatentMap, region: NovelRegion) -> keras.Model:
    """Replace the networks by ones with more landmarks and the earlier weights.

    Returns
    -------
    keras.Model
        The objective for training on new and replayed rows.
    """
    previous, state = model._objective, model._state
    layer = model.encoder_.get_layer("around_mode")
    centers, anchors = (
        np.concatenate([keras.ops.convert_to_numpy(earlier), state.to_landmark_units(added)])
        for earlier, added in ((layer.centers, region.centers), (layer.anchors, region.anchors))
    )
    radius = float(keras.ops.convert_to_numpy(layer.radius))
    landmarks = LandmarkSet(
        centers, anchors, radius / state.window, radius, state.code_offset, state.code_scale
    )
    model._state = replace(state, n_landmarks=len(centers), n_anchors=len(anchors))
    loss = state.loss if isinstance(model.loss, str) else model.loss
    networks = build_map(model._parts(loss, landmarks))
    transfer_weights(networks.objective, previous)
    model._set_networks(networks)
    return networks.replay_objective


def _train(
    model: LatentMap,
    objective: keras.Model,
    new: NewRows,
    region: NovelRegion,
    teacher: TeacherNetworks,
    replay: Replay,
    seed: int,
) -> None:
    """Train on new and replayed rows."""
    state, landmarks = model._state, model._landmarks()
    positions = state.to_landmark_units(landmarks.positions)
    soften = keras.Sequential(
        [
            keras.Input(positions.shape[1:]),
            SoftAssignment(positions, landmarks.width / state.code_scale),
        ]
    )
    n_replayed = max(_n_rows(model), len(new.rows), MIN_REPLAY_ROWS)
    dataset = ReplayDataset(
        new.rows,
        new.novel,
        region.positions,
        lambda codes: predict(soften, state.to_landmark_units(codes)),
        teacher=teacher,
        sample_replayed=replay.draw_rows,
        n_replayed=min(n_replayed, MAX_REPLAY_ROWS),
        scale_rows=state.decoder_targets,
        width=len(positions),
    )
    epochs = int(np.clip(math.ceil(ROW_PASSES / len(dataset)), 1, MAX_EPOCHS))
    if model.epochs != "auto":
        epochs = int(model.epochs)
    freeze_batch_normalization(objective)
    task = TrainingTask(dataset, None, epochs, TRAINING, seed)
    model.history_ = LocalLauncher().run(objective, task, model.verbose)


def _measure(
    model: LatentMap,
    new: NewRows,
    region: NovelRegion,
    teacher: TeacherNetworks,
    replayed: np.ndarray,
) -> None:
    """Include the new rows in the diagnostics, and report how far replayed rows moved."""
    state, landmarks, n_before = model._state, model._landmarks(), _n_rows(model)
    before, after = predict(teacher.encoder, replayed), predict(model.encoder_, replayed)
    codes = model._apply_to_rows(model.encoder_, new.rows)
    errors = model.reconstruction_error(new.rows.sample(MAX_MEASURED_ROWS, state.seed))
    diagnostics = model._diagnostics.with_rows(
        n_before, landmarks.nearest(codes), errors, len(landmarks.positions)
    )
    sample = codes[:: math.ceil(len(codes) / MAX_MEASURED_ROWS)]
    density = landmarks.kernel_density(np.concatenate([after, sample]), diagnostics.landmark_share)
    weights = np.repeat(
        [n_before / len(after), len(codes) / len(sample)], [len(after), len(sample)]
    )
    median_density = np.quantile(density, 0.5, weights=weights, method="inverted_cdf")
    n_added = len(region.centers)
    earlier = landmarks.positions[: len(landmarks.positions) - n_added]
    shift = float(np.median(np.linalg.norm(after - before, axis=1)))
    model._state = replace(
        state,
        n_rows=n_before + len(new.rows),
        diagnostics=replace(diagnostics, median_density=float(median_density) or 1.0),
        report=PartialFitReport(
            rows=len(new.rows),
            novel_rows=int(new.novel.sum()),
            landmarks=n_added,
            median_shift=shift / (float(np.ptp(earlier, axis=0).max()) or 1.0),
        ),
    )


def _extend_mixture(
    mixture: ReplayMemory,
    new: NewRows,
    region: NovelRegion,
    nearest: Callable[[np.ndarray], np.ndarray],
) -> ReplayMemory:
    """Count new rows at the earlier landmarks, and add a Gaussian for each new landmark."""
    n_earlier = len(mixture.counts)
    added = np.bincount(nearest(new.codes[~new.novel]), minlength=n_earlier)[:n_earlier]
    counts = mixture.counts + np.where(mixture.counts > 0, added, 0).astype(np.float32)
    mixture = replace(mixture, counts=counts)
    if not len(region.centers):
        return mixture
    which = np.maximum(nearest(region.positions) - n_earlier, 0)
    return mixture.concatenate(
        estimate_replay_memory(new.points[new.novel], which, len(region.centers))
    )
