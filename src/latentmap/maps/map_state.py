"""Fitted state of a map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np

from latentmap.autoencoders.state import FittedState
from latentmap.file_record import FileRecord
from latentmap.maps.defaults import layer_sizes
from latentmap.maps.diagnostics import CodeLandmarks, MapDiagnostics
from latentmap.maps.directions import have_unit_length
from latentmap.maps.incremental.replay import ReplayState
from latentmap.maps.landmarks import LandmarkSet
from latentmap.maps.layout_sample import Layout
from latentmap.maps.placement import Placement
from latentmap.networks.dense import Network, check_widths
from latentmap.networks.registry import get_network, network_to_dict
from latentmap.preprocessing.column_terms import TABLE_LOSSES
from latentmap.preprocessing.pca_projection import PrincipalComponents, scale_rows
from latentmap.preprocessing.scaling import Scale
from latentmap.training.preparation import PreparedData
from latentmap.value_types import PositiveArray

RECONSTRUCTION_WEIGHT = 8.0  # Loss in nats if each row is reconstructed as the mean row.
MAX_WINDOW = 1e9
MAX_WEIGHT = 1e300


@dataclass(frozen=True, kw_only=True)
class PartialFitReport(FileRecord):
    """Result of one `partial_fit`; see `LatentMap.partial_fit_report_`."""

    file_keys: ClassVar[dict[str, str]] = {"novel_rows": "new_kind"}

    rows: int
    novel_rows: int
    landmarks: int
    median_shift: float

    def validate(self) -> None:
        """Raise ValueError if a number is negative."""
        numbers = asdict(self)
        if not all(number >= 0 for number in numbers.values()):
            raise ValueError(f"partial_fit report: expected numbers of at least 0, found {numbers}")


@dataclass(frozen=True, kw_only=True)
class MapState(FittedState):
    """State of a `LatentMap`. Fields that files of older versions do not contain may be None.

    Attributes
    ----------
    decoder_network : dict
        Name and settings of the decoder's network; ``network`` is that of the encoder.
    n_landmarks, n_anchors : int
    window : float
        Radius of the window around the mode, in units of the kernel width of the landmarks.
    arcsinh_input : bool
        Whether the encoder applies arsinh to its input, as for rows that are not in 0–1.
    code_offset, code_scale : ndarray
        Codes are positions in landmark units · code_scale + code_offset.
    n_input_components : int
        Number of principal components that the encoder receives; 0 if it receives all columns.
    has_given_layout : bool
        Whether the layout was given by the user.
    has_unit_rows : bool
        Whether the fitted rows have length 1.
    n_rows : int
        Number of rows that `fit` and `partial_fit` have received.
    reconstruction_weight : float
        Weight of the reconstruction in the loss.
    n_partial_fits : int
    diagnostics : MapDiagnostics
        None until the networks are trained.
    replay : ReplayState
        None if the layout was given by the user.
    report : PartialFitReport
        Result of the last `partial_fit`.
    placement : Placement
        Fitted rows and their positions. None if the encoder alone places rows.
    """

    file_keys: ClassVar[dict[str, str]] = {
        "arcsinh_input": "squash",
        "decoder_network": "back",
        "has_given_layout": "own_layout",
        "n_input_components": "n_seen",
        "n_rows": "rows",
        "reconstruction_weight": "reconstruction",
        "n_partial_fits": "grown",
    }

    decoder_network: dict[str, Any]
    n_landmarks: int
    n_anchors: int
    window: float
    arcsinh_input: bool
    code_offset: np.ndarray
    code_scale: PositiveArray
    n_input_components: int | None = None
    has_given_layout: bool | None = None
    has_unit_rows: bool | None = None
    n_rows: int | None = None
    reconstruction_weight: float | None = None
    n_partial_fits: int | None = None
    diagnostics: MapDiagnostics | None = None
    replay: ReplayState | None = None
    report: PartialFitReport | None = None
    placement: Placement | None = None

    @classmethod
    def untrained(
        cls,
        networks: tuple[Network, Network],
        loss: str,
        data: PreparedData,
        layout: Layout,
        landmarks: LandmarkSet,
        principal: PrincipalComponents | None,
    ) -> Self:
        """Return the state of a map before its networks are trained."""
        from latentmap.networks.losses import constant_loss, get_loss

        # A table's loss of a decoder that always returns the mean row is 0.5 by its definition.
        sample = data.scaled_sample()
        mean_loss = 0.5 if loss == "table" else constant_loss(get_loss(loss), sample)
        return cls(
            n_components=layout.positions.shape[1],
            network=network_to_dict(networks[0]),
            decoder_network=network_to_dict(networks[1]),
            loss=loss,
            seed=data.seed,
            offset=data.scale.offset,
            scale=data.scale.scale,
            n_landmarks=len(landmarks.centers),
            n_anchors=len(landmarks.anchors),
            window=landmarks.radius / landmarks.width,
            arcsinh_input=not data.scale.in_unit_range,
            code_offset=np.asarray(landmarks.code_offset),
            code_scale=np.asarray(landmarks.code_scale),
            n_input_components=0 if principal is None else len(principal.components),
            has_given_layout=layout.sample is None,
            has_unit_rows=have_unit_length(sample * data.scale.scale + data.scale.offset),
            n_rows=len(data.rows),
            reconstruction_weight=RECONSTRUCTION_WEIGHT / mean_loss,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the fields that are not arrays."""
        values = super().to_json()
        if self.diagnostics is not None:
            values |= self.diagnostics.to_json()
        if self.report is not None:
            values["growth"] = self.report.to_json()
        if self.placement is not None:
            values["placement"] = self.placement.to_json()
        return values

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the fields that are arrays."""
        possible_parts = (self.diagnostics, self.replay, self.placement)
        parts = [part for part in possible_parts if part is not None]
        arrays = super().to_arrays()
        for part in parts:
            arrays |= part.to_arrays()
        return arrays

    @classmethod
    def _read_fields(
        cls, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
    ) -> dict[str, Any]:
        fields = super()._read_fields(values, arrays)
        fields["diagnostics"] = MapDiagnostics.from_file(values, arrays)
        if ReplayState.exists_in(arrays):
            fields["replay"] = ReplayState.from_file(values, arrays)
        if values.get("growth") is not None:
            fields["report"] = PartialFitReport.from_file(values["growth"], {})
        if values.get("placement") is not None:
            fields["placement"] = Placement.from_file(values["placement"], arrays)
        return fields

    def layer_sizes(self, row_shape: tuple[int, ...]) -> list[int]:
        """Return the number of weights of each layer, and of the landmarks."""
        counts = (self.n_landmarks, self.n_anchors)
        check_widths(counts, "n_landmarks")
        if self.n_input_components:
            check_widths((self.n_input_components,), "n_input_components")
        encoder, decoder = get_network(self.network), get_network(self.decoder_network)
        sizes = layer_sizes(encoder, decoder, row_shape, counts[0], self.n_input_components)
        return [*sizes, *(count * self.n_components for count in counts)]

    def validate(self) -> None:
        """Raise an error if a value is outside its range or the network is unknown."""
        get_network(self.network)
        if not 0 < self.window < MAX_WINDOW:
            raise ValueError(
                f"window: expected a number between 0 and {MAX_WINDOW:g}, found {self.window}"
            )
        counts = {"seed": self.seed, "rows": self.n_rows or 0, "grown": self.n_partial_fits or 0}
        if not all(0 <= count < 2**63 for count in counts.values()):
            raise ValueError(f"map state: expected integers from 0 to 2**63 - 1, found {counts}")
        weight = 1.0 if self.reconstruction_weight is None else self.reconstruction_weight
        if not 0 < weight < MAX_WEIGHT:
            raise ValueError(f"reconstruction weight: expected a number above 0, found {weight!r}")
        if self.replay is not None and not self.n_rows:
            raise ValueError(
                "rows: expected the number of fitted rows with a replay memory, found none"
            )
        if self.report is not None:
            self.report.validate()

    def landmarks(self, centers: np.ndarray, radius: float) -> CodeLandmarks:
        """Return the landmarks in the units of codes.

        ``centers`` and ``radius`` are those of the encoder's mean around the mode.
        """
        return CodeLandmarks(self.to_codes(centers), float(radius * self.code_scale) / self.window)

    @property
    def row_scale(self) -> Scale:
        """Offset and scale of raw rows."""
        allow_nan = self.loss in TABLE_LOSSES
        return Scale(self.offset, self.scale, not self.arcsinh_input, allow_nan)

    @property
    def max_mass(self) -> float:
        """Largest share of the encoder's distribution that a window can hold."""
        return (1.0 + 1.0 / self.window**2) ** (-self.n_components / 2)

    def to_landmark_units(self, codes: np.ndarray) -> np.ndarray:
        """Convert codes to the units of the landmarks, in which the layout has mean square 1."""
        return ((codes - self.code_offset) / self.code_scale).astype(np.float32)

    def to_codes(self, points: np.ndarray) -> np.ndarray:
        """Convert positions in the units of the landmarks to codes."""
        return points * self.code_scale + self.code_offset

    def decoder_targets(self, rows: np.ndarray) -> np.ndarray:
        """Return flat scaled rows, clipped to 0–1 if the decoder's output is in this range."""
        # Missing values stay NaN, which the loss leaves out.
        scale = self.row_scale._replace(allow_nan=False)
        flat = scale_rows(rows, scale).astype(np.float32)
        return flat if self.arcsinh_input else np.clip(flat, 0.0, 1.0)

    def raw_rows(self, scaled_rows: np.ndarray, row_shape: tuple[int, ...]) -> np.ndarray:
        """Convert flat scaled rows to rows in their own units."""
        rows = scaled_rows * self.scale + self.offset
        return rows.astype(np.float32).reshape(-1, *row_shape)
