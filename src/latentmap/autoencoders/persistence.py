"""Conversion between a fitted estimator and the metadata and arrays of a model file.

Networks are never pickled. Each estimator builds its networks from its state, and the arrays of the
file are assigned to their weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from latentmap import __version__
from latentmap.autoencoders.fitted_networks import check_loss_name, sort_weights
from latentmap.autoencoders.imputation import column_starts
from latentmap.data.code_checks import check_codes
from latentmap.errors import ModelFileError, SettingError
from latentmap.model_metadata import read_history
from latentmap.networks.registry import get_network, network_to_dict
from latentmap.preprocessing.column_terms import TABLE_LOSSES
from latentmap.preprocessing.gaussian_imputer import GaussianImputer
from latentmap.preprocessing.table_metadata import TABLE_PREFIX, read_table

if TYPE_CHECKING:
    from latentmap.autoencoders.base import BaseAutoEncoder
    from latentmap.autoencoders.network_estimator import NetworkEstimator
    from latentmap.autoencoders.state import FittedState
    from latentmap.preprocessing.table_encoder import TableEncoder


_STATE_PREFIX, _IMPUTER_PREFIX = "fitted/", "gaps/"
_OFFSET_KEY = "rows/offset"


def describe_estimator(estimator: NetworkEstimator) -> dict[str, Any]:
    """Return the metadata of a fitted estimator as JSON values: settings, state and history."""
    from importlib.metadata import version  # slow to import, and not needed to load a model

    names = getattr(estimator, "feature_names_in_", None)
    return {
        "estimator": type(estimator).__name__,
        "parameters": _to_json(estimator._saved_parameters()),
        "row_shape": list(estimator.row_shape_),
        "dtype": estimator.dtype_,
        "feature_names": None if names is None else list(names),
        "history": _to_json(estimator.history_),
        "learned": _to_json(estimator._state.to_json()),
        **({} if estimator.table_ is None else {"table": _to_json(estimator.table_.to_json())}),
        "figures": _to_json(getattr(estimator, "fit_report_", None)),
        "versions": {"latentmap": __version__, "keras": version("keras")},
    }


def estimator_arrays(estimator: NetworkEstimator) -> dict[str, np.ndarray]:
    """Return the weights of the networks and the arrays of the state with their names in a file."""
    weights = estimator._networks.weights()
    state = {_STATE_PREFIX + name: a for name, a in estimator._state.to_arrays().items()}
    table = {} if estimator.table_ is None else estimator.table_.to_arrays()
    if estimator.row_offset_ is not None:
        state[_OFFSET_KEY] = estimator.row_offset_
    imputer = {} if estimator._imputer is None else estimator._imputer.to_arrays()
    tables = {TABLE_PREFIX + name: a for name, a in table.items()}
    return weights | state | tables | {_IMPUTER_PREFIX + name: a for name, a in imputer.items()}


def state_arrays(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays of a file that belong to the state."""
    return {
        k.removeprefix(_STATE_PREFIX): v for k, v in arrays.items() if k.startswith(_STATE_PREFIX)
    }


def restore_estimator(
    estimator: BaseAutoEncoder,
    state: FittedState,
    metadata: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
) -> None:
    """Set the fitted attributes of an estimator to the contents of a file."""
    state.validate()
    _check_scale(state, metadata["row_shape"])
    estimator._state = state
    estimator.table_ = read_table(metadata, arrays)
    if estimator.table_ is None and state.loss in TABLE_LOSSES:
        raise ModelFileError("table: expected the fitted columns, found none")
    estimator.row_offset_ = _read_offset(metadata, arrays)
    estimator._imputer = _read_imputer(estimator.table_, arrays)
    _restore_metadata(estimator, metadata)
    check_loss_name(state.loss)
    estimator._set_weights(sort_weights(arrays))
    estimator._check_restored()
    check_codes(estimator._draw_codes(1, check_random_state(0)), state.n_components)


def _check_scale(state: FittedState, row_shape: Sequence[int]) -> None:
    """Raise ModelFileError unless the scale is one number, or one for each number of a row."""
    for name, array in (("offset", state.offset), ("scale", state.scale)):
        if array.shape not in ((), (math.prod(row_shape),)):
            raise ModelFileError(f"{name}: expected a number for each column, found {array.shape}")


def _read_offset(
    metadata: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> np.ndarray | None:
    offset = arrays.get(_OFFSET_KEY)
    if offset is not None and list(offset.shape) != list(metadata["row_shape"]):
        raise ModelFileError("offset: expected the shape of a row")
    return offset


def _read_imputer(
    table: TableEncoder | None, arrays: Mapping[str, np.ndarray]
) -> GaussianImputer | None:
    """Return the imputer of missing values of a fitted table; None for other rows."""
    if table is None:
        return None
    own_arrays = {
        k.removeprefix(_IMPUTER_PREFIX): v
        for k, v in arrays.items()
        if k.startswith(_IMPUTER_PREFIX)
    }
    imputer = GaussianImputer.from_file({}, own_arrays)
    imputer.validate(column_starts(table), table.width)
    return imputer


def _restore_metadata(estimator: BaseAutoEncoder, metadata: Mapping[str, Any]) -> None:
    estimator.row_shape_ = tuple(metadata["row_shape"])
    n_numbers, table = math.prod(estimator.row_shape_), estimator.table_
    estimator.n_features_in_ = n_numbers if table is None else len(table.columns)
    estimator.dtype_ = np.dtype(metadata["dtype"]).name
    if np.dtype(estimator.dtype_).kind not in "biuf":
        raise ValueError(f"dtype: expected a type of numbers, found {estimator.dtype_[:20]}")
    if metadata["feature_names"] is not None:
        estimator.feature_names_in_ = np.asarray(metadata["feature_names"], dtype=object)
    estimator.history_ = read_history(metadata)
    estimator.fit_report_ = metadata["figures"]


def _to_json(value: object) -> Any:
    """Convert settings and metrics to JSON values; NaN and infinity become null."""
    if isinstance(value, Mapping):
        return {str(k): _to_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_to_json(v) for v in value]
    if isinstance(value, np.generic):
        return _to_json(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, BaseEstimator):
        return _to_json(value.get_params())
    try:
        return network_to_dict(get_network(value))
    except SettingError:
        return repr(value)
