"""The steps of `LatentMap.fit`: layout, training of the networks, diagnostics and stored rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from latentmap.autoencoders.base import MAX_MEASURED_ROWS
from latentmap.autoencoders.fitting import prepare_rows
from latentmap.autoencoders.imputation import fit_imputer
from latentmap.autoencoders.network_application import encode_rows
from latentmap.autoencoders.table_fitting import has_table_loss
from latentmap.autoencoders.validation import fitting_rows
from latentmap.data.code_checks import check_layout
from latentmap.data.memory import check_memory, fit_memory_bytes
from latentmap.data.sources import ArraySource
from latentmap.data.types import DataLike
from latentmap.errors import SettingError
from latentmap.maps.defaults import (
    ENCODER_NETWORK,
    default_epochs,
    get_networks,
    layer_sizes,
    training_settings,
)
from latentmap.maps.diagnostics import LayoutFit, MapDiagnostics
from latentmap.maps.incremental.replay import ReplayState
from latentmap.maps.landmarks import MAX_LANDMARKS, layout_landmarks
from latentmap.maps.layout_extension import compute_positions, fill_positions
from latentmap.maps.layout_sample import Layout, sample_of_positions
from latentmap.maps.map_assembly import build_map_networks
from latentmap.maps.map_placement import store_rows
from latentmap.maps.map_state import MapState
from latentmap.maps.neighbor_graph import NeighborGraph
from latentmap.maps.neighbor_search import check_metric
from latentmap.networks.dense import Network
from latentmap.progress import print_note
from latentmap.training.launcher import current_launcher
from latentmap.training.preparation import PreparedData

if TYPE_CHECKING:
    from latentmap.maps.latent_map import LatentMap
    from latentmap.maps.neighbor_graph import NeighborsLike

PLACEMENTS = ("auto", "network")
UNIT_ROWS = "All rows have length 1, so that Euclidean neighbours are those of the cosine."


def check_map_settings(model: LatentMap) -> None:
    """Raise SettingError if a setting that only maps have is outside its range."""
    if model.n_components not in (1, 2, 3):
        raise SettingError(f"n_components: expected 1, 2 or 3, found {model.n_components!r}")
    if model.placement not in PLACEMENTS:
        raise SettingError(f"placement: expected 'auto' or 'network', found {model.placement!r}")


def fit_map(
    model: LatentMap, X: DataLike, layout: ArrayLike | None, neighbors: NeighborsLike | None
) -> None:
    """Fit a map to rows, and set all its fitted attributes; see `LatentMap.fit`."""
    if layout is not None and neighbors is not None:
        raise SettingError(
            "neighbors: expected None with a given layout, which needs no neighbours, found a "
            "graph: give either layout or neighbors"
        )
    model._check_settings()
    check_metric(model.metric)
    rows = fitting_rows(model, X)
    graph = None if neighbors is None else NeighborGraph.from_user(neighbors, len(rows))
    networks = get_networks(model.network)
    n_weights = sum(layer_sizes(*networks, rows.row_shape, MAX_LANDMARKS))
    needed_bytes = fit_memory_bytes(len(rows), rows.nbytes // len(rows), n_weights)
    check_memory("network", needed_bytes, with_engine=True)
    given_positions = None if layout is None else check_layout(layout, len(rows))
    training = training_settings(model.training, len(rows))
    epochs = model.epochs
    if epochs == "auto":
        epochs = default_epochs(len(rows), stores_rows=model.placement == "auto")
    data = prepare_rows(model, rows, epochs, training).rescale_by_median()
    row_layout = _find_layout(model, data, given_positions, graph)
    _train(model, networks, data, row_layout)
    _measure(model, data, row_layout)
    if model.placement == "auto":
        sample = row_layout.sample or sample_of_positions(
            data, data.rows, row_layout.positions, model.metric, model.verbose
        )
        model._state = store_rows(model, sample, data.seed)
    fit_imputer(model, data)


def _find_layout(
    model: LatentMap,
    data: PreparedData,
    given_positions: np.ndarray | None,
    graph: NeighborGraph | None,
) -> Layout:
    """Return the given layout with positions for all rows, or compute a layout."""
    if given_positions is not None:
        return Layout(fill_positions(data, given_positions, model.metric, model.verbose))
    return compute_positions(
        data, model.n_components, model.n_neighbors, model.verbose, model.metric, graph
    )


def _train(
    model: LatentMap, networks: tuple[Network, Network], data: PreparedData, layout: Layout
) -> None:
    """Train the networks on rows and their layout positions."""
    loss = _choose_loss(model, data)
    principal = None
    if layout.sample is not None and networks[0] is ENCODER_NETWORK:
        # Only the default encoder takes principal components; others may need whole images.
        principal = layout.sample.principal
    landmarks = layout_landmarks(layout.positions, data.seed)
    model._state = MapState.untrained(networks, loss, data, layout, landmarks, principal)
    print_note(UNIT_ROWS, verbose=model.verbose and bool(model._state.has_unit_rows))
    map_networks = build_map_networks(model, landmarks, principal)
    model._set_networks(map_networks)
    task = data.task.with_targets(layout.positions)
    model.history_ = current_launcher().run(map_networks.fit_objective, task, model.verbose)


def _choose_loss(model: LatentMap, data: PreparedData) -> str:
    if has_table_loss(model):
        return "table"
    return "bernoulli" if data.scale.in_unit_range else "gaussian"


def _measure(model: LatentMap, data: PreparedData, layout: Layout) -> None:
    """Measure diagnostics, and estimate the replay memory."""
    # Both samples use the same seed, so that each row is paired with its position.
    rows = data.rows.sample(MAX_MEASURED_ROWS, data.seed)
    positions = ArraySource(layout.positions).sample(MAX_MEASURED_ROWS, data.seed)[:]
    encoded, stores_rows = encode_rows(model, rows), model.placement == "auto"
    # If the map stores rows, `store_rows` replaces these errors by those of the stored rows.
    errors = np.zeros(1) if stores_rows else model.reconstruction_error(rows)
    codes = positions if stores_rows else encoded
    landmarks, has_components = model._landmarks(), bool(model._state.n_input_components)
    model._state = replace(
        model._state,
        replay=ReplayState.estimate(layout, landmarks, has_components),
        diagnostics=MapDiagnostics.measure(
            LayoutFit.measure(encoded.astype(np.float64), positions),
            codes.astype(np.float64),
            errors,
            landmarks,
            data.seed,
        ),
    )
