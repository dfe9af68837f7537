"""Specification of the graphs of a fitted estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latentmap.autoencoders.table_fitting import indicator_indices
from latentmap.backend import start_engine
from latentmap.networks.network_graphs import GraphSpec
from latentmap.networks.registry import get_network
from latentmap.preprocessing.column_terms import TABLE_LOSSES, ColumnTerms

if TYPE_CHECKING:
    from latentmap.autoencoders.network_estimator import NetworkEstimator

# Last activations of the decoder by the name of the loss; other losses have none.
_LINKS = {"bernoulli": "sigmoid", "bounded": "clip", "table": "table"}
# Names of Keras losses that are accepted without an import of Keras.
_KERAS_LOSSES = ("mse", "mae", "binary_crossentropy")


def check_loss_name(loss: str) -> None:
    """Raise SettingError if a model file names an unknown loss."""
    if loss not in (*_LINKS, "gaussian", "table_pca", *_KERAS_LOSSES):
        start_engine()
        from latentmap.networks.losses import get_loss

        get_loss(loss)


def graph_spec(estimator: NetworkEstimator) -> GraphSpec:
    """Return the specification of the graphs of a fitted estimator's networks."""
    state = estimator._state
    encoder = get_network(state.network)
    decoder = getattr(state, "decoder_network", None)
    terms = None
    if estimator.table_ is not None and state.loss in TABLE_LOSSES:
        terms = ColumnTerms(estimator.table_.columns)
    return GraphSpec(
        row_shape=estimator.row_shape_,
        n_components=state.n_components,
        encoder=encoder,
        decoder=encoder if decoder is None else get_network(decoder),
        link=_LINKS.get(state.loss, "linear"),
        offset=state.offset,
        scale=state.scale,
        terms=terms,
        indicator_indices=indicator_indices(estimator),
    )
