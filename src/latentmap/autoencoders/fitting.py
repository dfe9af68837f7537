"""Steps of a fit that all estimators share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from latentmap.autoencoders.table_fitting import find_loss, indicator_indices, table_scale
from latentmap.autoencoders.validation import fitting_rows
from latentmap.backend import check_process, count_fit, start_engine
from latentmap.data.memory import check_memory, fit_memory_bytes, release_freed_memory
from latentmap.data.types import DataLike
from latentmap.networks.registry import get_network
from latentmap.number_checks import check_number
from latentmap.training.config import Training, check_training, random_generator
from latentmap.training.preparation import PreparedData, prepare_data

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder
    from latentmap.autoencoders.network_estimator import NetworkEstimator
    from latentmap.data.sources import Source
    from latentmap.networks.dense import Network
    from latentmap.networks.losses import LossLike
    from latentmap.networks.registry import KerasPair
    from latentmap.preprocessing.pca_projection import PrincipalComponents

_MINIMA: dict[str, tuple[int, type]] = {
    "n_components": (1, Integral),
    "n_neighbors": (1, Integral),
    "beta": (0, Real),
}


def check_numeric_parameters(estimator: NetworkEstimator) -> None:
    """Raise SettingError if a numeric parameter is outside its range."""
    random_generator(estimator.random_state)
    for name, (low, kind) in _MINIMA.items():
        check_number(name, getattr(estimator, name, low), kind, low)


def prepare_fit(
    estimator: BaseAutoEncoder, X: DataLike
) -> tuple[Network | KerasPair, PreparedData]:
    """Check settings, rows and memory; return the network and the training data."""
    estimator._check_settings()
    network = get_network(estimator.network)
    rows = fitting_rows(estimator, X)
    if not isinstance(network, tuple):
        n_components = estimator.n_components
        n_weights = sum(network.layer_sizes(rows.row_shape, n_components))
        row_bytes = rows.nbytes // len(rows)
        needed_bytes = fit_memory_bytes(len(rows), row_bytes, n_weights, n_components)
        check_memory(f"n_components: {n_components}", needed_bytes, with_engine=True)
    return network, prepare_rows(estimator, rows, estimator.epochs, estimator.training)


def prepare_rows(
    estimator: BaseAutoEncoder, rows: Source, epochs: int | str, training: Training | None
) -> PreparedData:
    """Cache, scale and split the rows of a fit, and store their type on the estimator."""
    start_engine()
    scaling = table_scale(estimator) or estimator.scaling
    data = prepare_data(rows, scaling, epochs, training, estimator.random_state, estimator.verbose)
    estimator.dtype_ = data.rows.dtype.name
    return data


def common_arguments(
    estimator: BaseAutoEncoder, loss: LossLike, principal: PrincipalComponents | None = None
) -> dict[str, Any]:
    """Return the arguments of `NetworkSpec` that do not depend on the type of estimator."""
    state, noise = estimator._state, check_training(estimator.training).noise
    return {
        "row_shape": estimator.row_shape_,
        "n_components": state.n_components,
        "loss": find_loss(estimator, loss),
        "offset": state.offset,
        "scale": state.scale,
        "principal": principal,
        "noise": estimator._default_noise if noise is None else noise,
        "seed": state.seed,
        "indicator_indices": indicator_indices(estimator),
    }


@contextlib.contextmanager
def fit_or_restore(estimator: NetworkEstimator) -> Iterator[None]:
    """Fit an estimator in the block, or restore all its attributes if the block fails.

    An interruption counts as a failure. After a fit, memory and unused programs are released.
    """
    check_process()
    saved_attributes = dict(vars(estimator))
    try:
        yield
        release_freed_memory()
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(saved_attributes)
        raise
    count_fit()
