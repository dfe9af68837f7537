"""What a map keeps of the rows that it was fitted to, so that it can grow without them.

A Gaussian at each landmark (`maps/incremental/replay.py`), in the coordinates that the layout was
found in, as small arrays beside the weights; and the ways from raw rows to these and back.
"""

import keras
import numpy as np

from latentmap.errors import SettingError
from latentmap.maps.diagnostics import MapFigures
from latentmap.maps.incremental.replay import Recalled, recall
from latentmap.maps.layout_extension import Positions
from latentmap.preprocessing.neighbors import NeighborIndex
from latentmap.preprocessing.pca_projection import PrincipalComponents, scale_rows
from latentmap.preprocessing.scaling import Scale

KEPT = {name: f"kept_{name}" for name in Recalled._fields}


class Keeping(MapFigures):
    """The memory of a map; not for use by itself."""

    def _keep(self, found: Positions, principal: PrincipalComponents) -> None:
        """Keep a Gaussian of the points at each landmark, and what takes them back to rows."""
        kept = recall(found.points, self._nearest(found.spots), self._learned["n_landmarks"])
        each = np.float32(len(found.of_rows) / len(found.points))
        self._set_kept(kept._replace(counts=kept.counts * each))
        if not self._learned.get("n_seen"):
            self._fitted_arrays["kept_row"] = principal.mean
            self._fitted_arrays["kept_components"] = principal.components

    def _set_kept(self, kept: Recalled) -> None:
        arrays = {KEPT[name]: part for name, part in kept._asdict().items()}
        self._fitted_arrays = {**self._fitted_arrays, **arrays}

    def _kept(self) -> Recalled:
        arrays = self._fitted_arrays
        if self._learned.get("own_layout"):
            raise SettingError(
                "layout: a map of your own layout cannot place rows that are not in it: fit it "
                "again, with the positions of all rows"
            )
        if any(name not in arrays for name in KEPT.values()):
            raise SettingError(
                "partial_fit: this map was fitted by an older latentmap, which kept nothing to "
                "grow from: fit it again"
            )
        return Recalled(*(arrays[name] for name in KEPT.values()))

    def _check_kept(self) -> None:
        """Refuse a file whose Gaussians are not of its landmarks and rows."""
        arrays, learned = self._fitted_arrays, self._learned
        if KEPT["means"] not in arrays:
            return
        kept, width = self._kept(), len(self._components().components)
        shapes = [(), (width,), (kept.directions.shape[1], width), ()]
        for name, part, shape in zip(KEPT.values(), kept, shapes, strict=True):
            if part.shape != (learned["n_landmarks"], *shape) or not np.isfinite(part).all():
                raise ValueError(f"{name}: expected finite numbers for each landmark")
        if kept.counts.min() < 0 or not kept.counts.sum() > 0 or not learned["rows"] > 0:
            raise ValueError(f"{KEPT['counts']}: expected numbers of rows")

    def _components(self) -> PrincipalComponents:
        """Give the components that the layout was found in; rows are mean + point · components."""
        if not self._learned.get("n_seen"):
            arrays = self._fitted_arrays
            mean, components = arrays["kept_row"], arrays["kept_components"]
            if mean.shape != (self.n_features_in_,) or components.shape[1:] != mean.shape:
                raise ValueError("kept_components: expected one number for each of a row's")
            return PrincipalComponents(mean, components)
        layer = self.encoder_.get_layer("places").get_layer("components")
        kernel, bias = (keras.ops.convert_to_numpy(weight) for weight in layer.get_weights())
        return PrincipalComponents(-bias @ kernel.T, kernel.T)

    @property
    def _scale(self) -> Scale:
        arrays = self._fitted_arrays
        return Scale(arrays["offset"], arrays["scale"], not self._learned["squash"])

    def _plane(self, codes: np.ndarray) -> np.ndarray:
        """Take codes to the plane of the landmarks, where the layout had deviation 1."""
        arrays = self._fitted_arrays
        return ((codes - arrays["code_offset"]) / arrays["code_scale"]).astype(np.float32)

    def _raw(self, flat: np.ndarray) -> np.ndarray:
        """Take scaled, flat rows back to raw ones, shape (n, ...)."""
        rows = flat * self._scale.scale + self._scale.offset
        return rows.astype(np.float32).reshape(-1, *self.row_shape_)

    def _scaled(self, rows: np.ndarray) -> np.ndarray:
        """Give flat rows as the decoder can give them."""
        flat = scale_rows(rows, self._scale).astype(np.float32)
        return np.clip(flat, 0.0, 1.0) if self._scale.unit else flat

    def _nearest(self, codes: np.ndarray) -> np.ndarray:
        """Give the number of each code's nearest landmark."""
        landmarks = self.landmarks_.astype(np.float32)
        return NeighborIndex(landmarks, 0, cells=0).search(codes.astype(np.float32), 1)[:, 0]
