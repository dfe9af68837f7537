"""A map that grows: new rows into a fitted one, and nothing that it knows moves.

The fitted rows are not there any more, so `fit` keeps a Gaussian of them at each landmark
(`maps/incremental/replay.py`), and growing draws rows from it: to tell which new rows are of a new
kind, and to train old and new together. Rows of a new kind get a layout and landmarks of their own
where the map is free. Formulas: docs/map.md, "Growing a map".
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import keras
import numpy as np

from latentmap.autoencoders.base import DESCRIBED_ROWS
from latentmap.autoencoders.validation import new_rows
from latentmap.backend import apply
from latentmap.data.caching import load_or_cache
from latentmap.data.memory import check_memory
from latentmap.data.sources import Source
from latentmap.errors import DataError
from latentmap.maps.diagnostics import USUAL_ERROR
from latentmap.maps.incremental.landmark_placement import find_room
from latentmap.maps.incremental.novelty import FEWEST, new_kinds, wanted_recalled
from latentmap.maps.incremental.replay import Recalled, recall
from latentmap.maps.incremental.replay_dataset import Lessons, Teacher
from latentmap.maps.incremental.replay_state import KEPT, Keeping
from latentmap.maps.incremental.weight_transfer import keep_normalized, take_over
from latentmap.maps.landmark_layers import Softened
from latentmap.maps.landmarks import MOST, LandmarkSet, choose_landmarks
from latentmap.maps.layout import find_layout
from latentmap.maps.map_networks import assemble_map
from latentmap.preprocessing.pca_projection import PrincipalComponents, project_rows
from latentmap.training.config import Training, check_epochs
from latentmap.training.launcher import LocalLauncher, current_launcher
from latentmap.training.task import TrainingTask

GAP = 3.0
"""New landmarks stay so many radii of the window away from old ones: no window holds both."""
ROWS_EACH = 4
LESSONS = Training(batch_size=256, learning_rate=2e-3, patience=None, held_out=0)
FEWEST_RECALLED, MOST_RECALLED = 4_000, 40_000
SEEN_ROWS, MOST_EPOCHS = 120_000, 8
"""Growing runs through its rows until it has seen so many, but no more than 8 times."""


class Annex(NamedTuple):
    """The place of new kinds, in the units of the codes."""

    centers: np.ndarray
    anchors: np.ndarray
    spots: np.ndarray
    """Of each row of a new kind."""


class Growing(Keeping):
    """What lets a map take new rows in; not for use by itself."""

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Take new rows into the fitted map, without the old rows and without moving them.

        Rows of a kind that the map does not know, 20 of them or more, get a place of their own
        where the map was free; all others are placed as before, and the networks learn from them.
        On an estimator that is not fitted this is `fit`. One that fails or is interrupted leaves
        the estimator as it was.

        Parameters
        ----------
        X : array-like of shape (n, ...), sparse matrix, data frame, or Source
            Raw rows, as those that were fitted. Their scaling stays that of the fitted ones.
        y : None
            Not used: labels never train anything.

        Returns
        -------
        self
            ``partial_fit_report_`` holds the numbers of rows and landmarks added.

        Raises
        ------
        DataError
            If the rows do not look like those that were fitted.
        SettingError
            If the map was fitted to a layout of the user's own, or by a version of latentmap that
            kept nothing to grow from.

        Notes
        -----
        Old rows are recalled from Gaussians, one a landmark, that `fit` keeps: A. Robins,
        "Catastrophic Forgetting, Rehearsal and Pseudorehearsal", Connection Science 7, 1995.

        Examples
        --------
        >>> from sklearn.datasets import load_digits
        >>> from latentmap import LatentMap
        >>> X, y = load_digits(return_X_y=True)
        >>> m = LatentMap(epochs=8, random_state=0).fit(X[y != 0])
        >>> report = m.partial_fit(X[y == 0]).partial_fit_report_
        >>> report["rows"], report["novel_rows"] > 150, report["median_shift"] < 0.02
        (178, True, True)
        """
        if not self.__sklearn_is_fitted__():
            return self.fit(X)
        before = dict(self.__dict__)
        try:
            self._grow(X)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise
        return self

    @property
    def partial_fit_report_(self) -> dict[str, Any] | None:
        """Figures of the last `partial_fit`; None before the first one."""
        report = self._fitted()._learned.get("growth")
        if report is None:
            return None
        # Files of format 1 call the novel rows "new_kind".
        return {"novel_rows" if key == "new_kind" else key: report[key] for key in report}

    # -- growing -----------------------------------------------------------------------------------

    def _grow(self, X: Any) -> None:
        kept = self._kept()
        self._check_settings()
        rows = new_rows(self, X)
        check_epochs(self.epochs, LESSONS, len(rows))  # An error comes before any work.
        codes = self._over_rows(self.encoder_, rows)  # and no NaN comes past this
        rows = load_or_cache(rows, self.verbose, use_disk=current_launcher().in_this_process)
        grown = self._learned.get("grown", 0) + 1
        seed = (self._learned["seed"] + grown) % 2**31
        rng = np.random.default_rng(seed)
        back = self._components()
        check_memory(rows.name, 4 * len(rows) * (len(back.components) + codes.shape[1]))
        points = project_rows(rows, self._scale, back)
        with np.errstate(over="ignore"):
            near = np.isfinite(codes).all() and np.isfinite((points**2).sum(axis=1)).all()
        if not near:
            raise DataError(
                f"{rows.name}: expected numbers near those fitted, found some too large"
            )
        beside = kept.draw(wanted_recalled(len(rows), self._learned["rows"]), rng)
        novel = new_kinds(points, beside, seed)
        annex = self._annex(points[novel], codes[novel], seed)
        old = Teacher(self.encoder_, self.encoder_.get_layer("places"), self.decoder_)
        self._learned = {**self._learned, "grown": grown}
        self._widen(annex)

        def recalled(n: int, rng: np.random.Generator = rng) -> np.ndarray:
            return self._raw(kept.draw(n, rng) @ back.components + back.mean)

        self._learn(rows, novel, annex, old, recalled, seed)
        self._describe_growth(rows, novel, old, recalled(DESCRIBED_ROWS), len(annex.centers))
        self._set_kept(_kept_with(kept, points, novel, codes, annex, self._nearest))

    def _annex(self, points: np.ndarray, codes: np.ndarray, seed: int) -> Annex:
        """Lay rows of a new kind out, and find room for them."""
        width = self._learned["n_components"]
        if not len(points):
            return Annex(*(np.empty((0, width), np.float32) for _ in Annex._fields))
        spots = find_layout(points, width, self.n_neighbors, seed, self.verbose)
        landmarks = self.landmarks_
        alike = len(landmarks) * len(points) / self._learned["rows"]
        count = int(np.clip(round(alike), FEWEST // ROWS_EACH, min(MOST, len(points) // ROWS_EACH)))
        chosen = choose_landmarks(spots, seed, count)
        unit = self._width / chosen.width
        lived = landmarks[self._fitted_arrays[KEPT["counts"]] > 0]
        gap = GAP * self._learned["window"] * self._width
        shift = find_room(chosen.centers * unit, lived, np.median(codes, axis=0), gap)
        placed = (chosen.centers, chosen.anchors, spots)
        return Annex(*((part * unit + shift).astype(np.float32) for part in placed))

    def _widen(self, annex: Annex) -> None:
        """Build networks with more landmarks, and let them start with what the old ones know."""
        around, old = self._around, self._objective
        centers, anchors = (
            np.concatenate([keras.ops.convert_to_numpy(had), self._plane(more)])
            for had, more in ((around.centers, annex.centers), (around.anchors, annex.anchors))
        )
        radius = float(keras.ops.convert_to_numpy(around.radius))
        learned = self._learned
        chosen = LandmarkSet(centers, anchors, radius / learned["window"], radius)
        self._learned = {**learned, "n_landmarks": len(centers), "n_anchors": len(anchors)}
        seen = learned["n_seen"]
        blank = PrincipalComponents.blank(self.n_features_in_, seen) if seen else None
        loss = learned["loss"] if isinstance(self.loss, str) else self.loss
        networks = assemble_map(self._parts(loss, chosen, blank, learned["reconstruction"]))
        take_over(networks.objective, old)
        self._set_networks(networks)
        self._lessons = networks.growing

    def _learn(
        self,
        rows: Source,
        novel: np.ndarray,
        annex: Annex,
        old: Teacher,
        recalled: Callable[..., np.ndarray],
        seed: int,
    ) -> None:
        """Train on new rows and recalled ones."""
        landmarks = self._plane(self.landmarks_)
        soften = keras.Sequential(
            [
                keras.Input(landmarks.shape[1:]),
                Softened(landmarks, self._width / self._fitted_arrays["code_scale"]),
            ]
        )
        n_recalled = max(self._learned["rows"], len(rows), FEWEST_RECALLED)
        lessons = Lessons(
            rows,
            novel,
            annex.spots,
            lambda codes: apply(soften, self._plane(codes)),
            teacher=old,
            recalled=recalled,
            n_recalled=min(n_recalled, MOST_RECALLED),
            scaled=self._scaled,
            width=len(landmarks),
        )
        epochs = self.epochs
        if epochs == "auto":
            epochs = int(np.clip(math.ceil(SEEN_ROWS / len(lessons)), 1, MOST_EPOCHS))
        objective = self.__dict__.pop("_lessons")
        keep_normalized(objective)
        task = TrainingTask(lessons, None, epochs, LESSONS, seed)
        self.history_ = LocalLauncher().run(objective, task, self.verbose)

    # -- what is usual now -------------------------------------------------------------------------

    def _describe_growth(
        self, rows: Source, novel: np.ndarray, old: Teacher, some: np.ndarray, n_more: int
    ) -> None:
        """Count the new rows in, and tell what became of them; ``some`` rows are recalled ones."""
        learned, landmarks = self._learned, self.landmarks_
        total = learned["rows"] + len(rows)
        was, stands = apply(old.encoder, some), apply(self.encoder_, some)
        codes = self._over_rows(self.encoder_, rows)
        arrived = np.bincount(self._nearest(codes), minlength=len(landmarks))
        before = np.pad(self._fitted_arrays["landmark_share"], (0, n_more))
        share = (before * learned["rows"] + arrived) / total
        self._fitted_arrays = {**self._fitted_arrays, "landmark_share": share.astype(np.float32)}
        errors = self.reconstruction_error(rows.sample(DESCRIBED_ROWS, learned["seed"]))
        usual = learned["rows"] * learned["usual_error"]
        usual += len(rows) * float(np.percentile(errors, USUAL_ERROR))
        shift = float(np.median(np.linalg.norm(stands - was, axis=1)))
        had = landmarks[: len(landmarks) - n_more]
        self._learned = {
            **learned,
            "rows": total,
            "usual_error": usual / total,
            "usual_crowd": self._middle_crowd(stands, learned["rows"], codes),
            "growth": {
                "rows": len(rows),
                "new_kind": int(novel.sum()),
                "landmarks": n_more,
                "median_shift": shift / (float(np.ptp(had, axis=0).max()) or 1.0),
            },
        }

    def _middle_crowd(self, stands: np.ndarray, n_old: int, codes: np.ndarray) -> float:
        """Give the weighted median of how much lives around old rows, and around new ones."""
        n_new, codes = len(codes), codes[:: math.ceil(len(codes) / DESCRIBED_ROWS)]
        crowd = np.concatenate([self._crowd(stands), self._crowd(codes)])
        weights = np.repeat([n_old / len(stands), n_new / len(codes)], [len(stands), len(codes)])
        order = np.argsort(crowd)
        reached = np.cumsum(weights[order])
        return float(crowd[order][np.searchsorted(reached, reached[-1] / 2)]) or 1.0


def _kept_with(
    kept: Recalled,
    points: np.ndarray,
    novel: np.ndarray,
    codes: np.ndarray,
    annex: Annex,
    nearest: Callable[[np.ndarray], np.ndarray],
) -> Recalled:
    """Keep Gaussians of the new kinds, and count the others at the landmarks that knew some."""
    had = len(kept.counts)
    arrived = np.bincount(nearest(codes[~novel]), minlength=had)[:had]
    counts = kept.counts + np.where(kept.counts > 0, arrived, 0).astype(np.float32)
    kept = kept._replace(counts=counts)
    if not len(annex.centers):
        return kept
    which = nearest(annex.spots) - had
    return kept.joined(recall(points[novel], np.maximum(which, 0), len(annex.centers)))
