"""The networks that have a name, and the way between them and plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import keras

from latentmap.errors import SettingError, UnknownNameError
from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork, LinearNetwork

__all__ = ["NETWORKS", "describe_network", "network_for"]

NETWORKS: dict[str, Any] = {"linear": LinearNetwork, "dense": DenseNetwork, "conv": ConvNetwork}


def network_for(network: Any) -> Any:
    """Look a network up.

    Parameters
    ----------
    network : str, LinearNetwork, DenseNetwork, ConvNetwork, dict, or pair of keras.Model
        A name, settings, a description by ``describe_network``, or an encoder and a decoder of the
        user's own.

    Returns
    -------
    LinearNetwork, DenseNetwork, ConvNetwork, or tuple of two keras.Model

    Raises
    ------
    UnknownNameError, SettingError
        If it is none of these.

    Examples
    --------
    >>> network_for("linear")
    LinearNetwork(principal=True)
    """
    if isinstance(network, tuple(NETWORKS.values())):
        return network
    if isinstance(network, str):
        network = {"name": network}
    if isinstance(network, dict):
        return _from_description(dict(network))
    if _is_pair(network):
        return tuple(network)
    raise SettingError(
        f"network: expected {', '.join(map(repr, NETWORKS))}, a network's settings, or a pair "
        f"(encoder, decoder) of keras.Model, found {network!r}"
    )


def _is_pair(network: Any) -> bool:
    pair = isinstance(network, tuple | list) and len(network) == 2
    return pair and all(isinstance(model, keras.Model) for model in network)


def _from_description(description: dict[str, Any]) -> Any:
    name = description.pop("name", None)
    if name not in NETWORKS:
        raise UnknownNameError("network", name, NETWORKS)
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in description.items()}
    try:
        return NETWORKS[name](**settings)
    except TypeError as error:
        raise SettingError(f"network {name!r}: {error}") from None


def describe_network(network: Any) -> dict[str, Any]:
    """Describe a network in plain data, as JSON holds it.

    Parameters
    ----------
    network : LinearNetwork, DenseNetwork, ConvNetwork, or pair of keras.Model

    Returns
    -------
    dict
        Its name and settings; ``{"name": "own"}`` for a pair.

    Examples
    --------
    >>> describe_network(DenseNetwork(hidden=(64,)))["hidden"]
    (64,)
    """
    for name, kind in NETWORKS.items():
        if isinstance(network, kind):
            return {"name": name, **asdict(network)}
    return {"name": "own"}
