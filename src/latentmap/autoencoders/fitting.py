"""Steps of a fit that all estimators share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from numbers import Integral, Real
from typing import TYPE_CHECKING

from latentmap.autoencoders.validation import fitting_rows
from latentmap.data.memory import check_memory, fit_memory_bytes
from latentmap.data.types import DataLike
from latentmap.networks.registry import KerasPair, get_network
from latentmap.training.config import check_number

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder
    from latentmap.networks.dense import Network
    from latentmap.training.preparation import PreparedData

_MINIMA: dict[str, tuple[int, type]] = {
    "n_components": (1, Integral),
    "n_neighbors": (1, Integral),
    "beta": (0, Real),
}


def check_numbers(estimator: BaseAutoEncoder) -> None:
    """Raise SettingError if a numeric parameter is outside its range."""
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
        needed = fit_memory_bytes(len(rows), row_bytes, n_weights, n_components)
        check_memory(f"n_components: {n_components}", needed, engine=True)
    return network, estimator._prepare_rows(rows, estimator.epochs, estimator.training)


@contextlib.contextmanager
def restore_on_error(estimator: BaseAutoEncoder) -> Iterator[None]:
    """Restore all attributes of an estimator if the block raises an error or is interrupted."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
