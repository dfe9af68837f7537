"""Networks of a fitted estimator: Keras models, and functions of NumPy that need no engine.

The Keras models of a loaded estimator are built when they are first needed, because Keras takes
seconds to import. NumPy always computes small numbers of rows, because its calls take less time.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from latentmap.autoencoders.table_fitting import indicator_indices
from latentmap.backend import (
    VariableVersions,
    check_process,
    have_equal_versions,
    is_engine_lost,
    start_engine,
    to_numpy,
    variable_versions,
)
from latentmap.errors import ModelFileError
from latentmap.networks.network_functions import NetworkFunctions
from latentmap.networks.network_graphs import GraphSpec
from latentmap.networks.registry import get_network
from latentmap.preprocessing.column_terms import TABLE_LOSSES, ColumnTerms

if TYPE_CHECKING:
    import keras

    from latentmap.autoencoders.network_estimator import NetworkEstimator
    from latentmap.inference.graph import Node
    from latentmap.networks.assembly import Networks
    from latentmap.networks.network_graphs import NetworkGraphs

NUMPY_SPEED = 2e10  # Estimated number of multiplications that NumPy computes in a second.
# Estimated seconds until an engine has computed a first batch: if Keras is not imported yet, if the
# models are not built yet, and if they are built and a loaded program computes the batch.
IMPORT_SECONDS, BUILD_SECONDS, CALL_SECONDS = 4.0, 1.0, 0.1


class FittedNetworks:
    """Networks of one fitted estimator.

    Parameters
    ----------
    graphs : NetworkGraphs or None
        Description of the networks; None for Keras models of the user.
    models : Networks, optional
        Keras models. Either they or ``weights`` are given.
    weights : dict of str to ndarray, optional
        Weights of a model file, in the order of the networks' weights.

    Raises
    ------
    ModelFileError
        If the weights do not fit the networks, or are not finite.
    """

    def __init__(
        self,
        graphs: NetworkGraphs | None,
        models: Networks | None = None,
        weights: dict[str, np.ndarray] | None = None,
    ) -> None:
        self.graphs = graphs
        self._is_supported = graphs is not None and graphs.is_supported()
        self._models, self._weights = models, weights
        self._lock = threading.RLock()
        self._functions: NetworkFunctions | None = None
        self._node_weights: dict[Node, Sequence[np.ndarray]] | None = None
        self._numpy_seconds = 0.0  # Estimated total time of the long calls of NumPy.
        self._variables: list | None = None
        # Versions of the Keras variables when the weights of the nodes were read.
        self._versions: VariableVersions | None = None
        if graphs is not None and weights is not None:
            check_weights(weights, graphs.weight_shapes())

    def models(self, assemble: Callable[[], Networks]) -> Networks:
        """Return the Keras models; ``assemble`` builds them when they are first needed."""
        check_process()
        with self._lock:
            if self._models is None:
                assert self._weights is not None
                start_engine()
                models = assemble()
                assign_weights(models.objective, self._weights)
                self._models, self._weights = models, None
                self._versions = self._variable_versions()
            return self._models

    def weights(self) -> dict[str, np.ndarray]:
        """Return the weights with their names in a model file, in their order."""
        with self._lock:
            if self._models is None:
                assert self._weights is not None
                return self._weights
            return named_weights(self._models.objective)

    def node_weights(self) -> dict[Node, Sequence[np.ndarray]]:
        """Return the weights of each node of the graphs."""
        with self._lock:
            return self._node_weights_of(self._variable_versions())

    def _node_weights_of(
        self, versions: VariableVersions | None
    ) -> dict[Node, Sequence[np.ndarray]]:
        """Return the weights of each node; read them again if the variables have changed."""
        assert self.graphs is not None
        is_current = self._models is None or have_equal_versions(versions, self._versions)
        if self._node_weights is None or not is_current:
            arrays = iter(self.weights().values())
            nodes = self.graphs.weight_nodes()
            self._node_weights = {node: [next(arrays) for _ in node.weights] for node in nodes}
            self._versions, self._functions = versions, None
        return self._node_weights

    def first_weights(self, operation: str) -> Sequence[np.ndarray]:
        """Return the weights of the first node of the encoder with an operation."""
        assert self.graphs is not None
        return self.node_weights()[self.graphs.find(operation)]

    def functions(self) -> NetworkFunctions | None:
        """Return functions of NumPy with the current weights; None if NumPy cannot compute them."""
        if not self._is_supported:
            return None
        with self._lock:
            versions = self._variable_versions()
            if self._models is not None and versions is None:
                return None
            weights = self._node_weights_of(versions)
            if self._functions is None:
                assert self.graphs is not None
                self._functions = NetworkFunctions(self.graphs, weights)
            return self._functions

    def functions_for(self, n_rows: int) -> NetworkFunctions | None:
        """Return the functions of NumPy if they are faster than the engine for a number of rows.

        NumPy computes long calls until their total time exceeds the time in which an engine starts.
        """
        functions = self.functions()
        if functions is None or is_engine_lost():
            return functions
        seconds = n_rows * functions.n_operations / NUMPY_SPEED
        if seconds <= CALL_SECONDS:
            return functions
        self._numpy_seconds += seconds
        start_seconds = BUILD_SECONDS if "keras" in sys.modules else IMPORT_SECONDS
        is_faster = self._models is None and self._numpy_seconds <= start_seconds
        return functions if is_faster else None

    def _variable_versions(self) -> VariableVersions | None:
        """Return the versions of the Keras variables; None if their changes are not counted."""
        if self._models is None:
            return None
        # The list is stored, because Keras collects the variables from all layers at each call.
        if self._variables is None:
            self._variables = self._models.objective.weights
        return variable_versions(self._variables)


WEIGHT_PREFIX = "weight/"


def named_weights(objective: keras.Model) -> dict[str, np.ndarray]:
    """Return the weights of an objective with their names in a file, in their order."""
    return {
        f"{WEIGHT_PREFIX}{i:03d}/{_without_numbers(w.path)}": to_numpy(w.value)
        for i, w in enumerate(objective.weights)
    }


def sort_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of a file that are weights, in the order of their numbers."""
    names = [name for name in arrays if name.startswith(WEIGHT_PREFIX)]
    return {name: arrays[name] for name in sorted(names, key=lambda name: int(name.split("/")[1]))}


def check_weights(weights: Mapping[str, np.ndarray], shapes: Sequence[tuple[int, ...]]) -> None:
    """Raise ModelFileError unless the weights have the given shapes and are finite."""
    if [tuple(array.shape) for array in weights.values()] != list(shapes):
        raise ModelFileError(
            "the arrays do not fit the network that the file describes: "
            f"expected {len(shapes)} weights, found {len(weights)} or other shapes"
        )
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise ModelFileError(f"{name}: expected finite weights, found NaN or infinity")


def assign_weights(objective: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Assign the weights of a file to an objective; raise ModelFileError if they do not fit."""
    variables = objective.weights
    check_weights(weights, [tuple(variable.shape) for variable in variables])
    for variable, array in zip(variables, weights.values(), strict=True):
        variable.assign(array)


def _without_numbers(path: str) -> str:
    """Remove counters from a Keras path such as "dense_7/kernel"; they differ between processes."""
    return re.sub(r"_\d+(?=/)", "", path)


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
