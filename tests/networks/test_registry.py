import json

import keras
import pytest

from latentmap.errors import SettingError, UnknownNameError
from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork, LinearNetwork
from latentmap.networks.registry import NETWORKS, get_network, network_to_dict


def make_pair():
    encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
    return encoder, decoder


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_get_network_returns_the_default_network_of_a_name(name):
    assert get_network(name) == NETWORKS[name]()


@pytest.mark.parametrize(
    "network",
    [
        LinearNetwork(principal=False),
        DenseNetwork(hidden=(64, 8), activation="relu", dropout=0.1, principal=False),
        DenseNetwork(),
        ConvNetwork(filters=(4, 8, 16), activation="tanh"),
    ],
)
def test_network_to_dict_can_be_stored_as_json(network):
    assert get_network(network) is network
    assert get_network(json.loads(json.dumps(network_to_dict(network)))) == network


def test_get_network_accepts_a_pair_of_models():
    models = make_pair()
    assert get_network(models) == models
    assert get_network(list(models)) == models
    assert network_to_dict(models) == {"name": "own"}


@pytest.mark.parametrize("name", ["dens", "own", {"name": "dens"}, {}])
def test_unknown_network_is_refused(name):
    with pytest.raises(UnknownNameError, match=r"unknown network .*known: conv, dense, linear"):
        get_network(name)


@pytest.mark.parametrize("network", [None, 3, ("a", "b"), keras, DenseNetwork, make_pair()[:1]])
def test_objects_of_other_types_are_refused(network):
    with pytest.raises(SettingError, match="network: expected"):
        get_network(network)


def test_unknown_setting_is_refused():
    with pytest.raises(SettingError, match=r"network 'dense': .*width"):
        get_network({"name": "dense", "width": 3})
