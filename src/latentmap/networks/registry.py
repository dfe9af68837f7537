"""Networks by name, and their conversion to and from JSON data."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from latentmap.errors import SettingError, UnknownNameError
from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork, LinearNetwork, Network

if TYPE_CHECKING:
    import keras

    KerasPair: TypeAlias = tuple[keras.Model, keras.Model]
    NetworkLike: TypeAlias = str | Network | KerasPair

NETWORKS: dict[str, Any] = {"linear": LinearNetwork, "dense": DenseNetwork, "conv": ConvNetwork}


def get_network(network: object) -> Any:
    """Return the network that an argument describes; raise SettingError if it describes none.

    Parameters
    ----------
    network : str, LinearNetwork, DenseNetwork, ConvNetwork, dict, or pair of keras.Model
        A name, settings, data of `network_to_dict`, or an encoder and a decoder of the user.

    Returns
    -------
    LinearNetwork, DenseNetwork, ConvNetwork, or tuple of two keras.Model

    Examples
    --------
    >>> get_network("linear")
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


def _is_pair(network: object) -> TypeGuard[tuple | list]:
    keras = sys.modules.get("keras")
    return (
        keras is not None
        and isinstance(network, tuple | list)
        and len(network) == 2
        and all(isinstance(model, keras.Model) for model in network)
    )


def _from_description(description: dict[str, Any]) -> Network:
    name = description.pop("name", None)
    if name not in NETWORKS:
        raise UnknownNameError("network", name, NETWORKS)
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in description.items()}
    try:
        return NETWORKS[name](**settings)
    except TypeError as error:
        raise SettingError(f"network {name!r}: {error}") from None


def network_to_dict(network: object) -> dict[str, Any]:
    """Return the name and settings of a network as JSON data, or {"name": "own"} for Keras models.

    Examples
    --------
    >>> network_to_dict(DenseNetwork(hidden=(64,)))["hidden"]
    (64,)
    """
    for name, network_class in NETWORKS.items():
        if isinstance(network, network_class):
            return {"name": name, **asdict(network)}
    return {"name": "own"}
