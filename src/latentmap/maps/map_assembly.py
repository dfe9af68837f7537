"""Assembly of the networks of a map, during a fit and for the weights of a model file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from latentmap.autoencoders.fitting import common_arguments
from latentmap.maps.landmarks import LandmarkSet
from latentmap.networks.registry import get_network
from latentmap.preprocessing.pca_projection import PrincipalComponents

if TYPE_CHECKING:
    from latentmap.maps.latent_map import LatentMap
    from latentmap.maps.map_networks import MapNetworks


def build_map_networks(
    model: LatentMap,
    landmarks: LandmarkSet,
    principal: PrincipalComponents | None = None,
) -> MapNetworks:
    """Build the untrained networks of a map.

    The principal components of the encoder's input are zeros by default. They are part of the
    weights, which are assigned afterwards.
    """
    from latentmap.maps.map_networks import MapNetworkSpec, build_map

    state = model._state
    if principal is None and state.n_input_components:
        n_features = math.prod(model.row_shape_)
        principal = PrincipalComponents.zeros(n_features, state.n_input_components)
    spec = MapNetworkSpec(
        network=get_network(state.network),
        decoder_network=get_network(state.decoder_network),
        arcsinh_input=state.arcsinh_input,
        reconstruction_weight=state.reconstruction_weight or 1.0,
        **vars(landmarks),
        **common_arguments(model, state.loss, principal),
    )
    return build_map(spec)


def assemble_map(model: LatentMap) -> MapNetworks:
    """Build the networks that the state of a map describes, with arbitrary weights."""
    state = model._state
    centers, anchors = (
        np.zeros((count, state.n_components)) for count in (state.n_landmarks, state.n_anchors)
    )
    landmarks = LandmarkSet(
        centers, anchors, 1.0, 1.0, code_offset=state.code_offset, code_scale=state.code_scale
    )
    return build_map_networks(model, landmarks)


def check_restored_map(model: LatentMap) -> None:
    """Raise ValueError if the state and the networks of a loaded map are inconsistent."""
    state, width = model._state, model._landmarks().width
    if not 0 < width < math.inf:
        raise ValueError(f"landmarks: expected a finite width above 0, found {width}")
    if state.replay is not None:
        n_features = math.prod(model.row_shape_)
        state.replay.validate(state.n_landmarks, n_features, model._encoder_components())
    if state.placement is None:
        return
    fitted = state.placement.fitted
    expected = math.prod(model.row_shape_), state.n_components
    actual = fitted.row_mean.size, fitted.positions.shape[1]
    if actual != expected:
        raise ValueError(
            f"placement: expected rows of {expected[0]} and positions of {expected[1]} numbers, "
            f"found rows of {actual[0]} and positions of {actual[1]}"
        )
