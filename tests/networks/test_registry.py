import json

import keras
import pytest

from latentmap.errors import SettingError, UnknownNameError
from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork, LinearNetwork
from latentmap.networks.registry import NETWORKS, get_network, network_to_dict


def pair():
    encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
    return encoder, decoder


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_names_give_defaults(name):
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
def test_a_description_survives_json(network):
    assert get_network(network) is network
    assert get_network(json.loads(json.dumps(network_to_dict(network)))) == network


def test_a_pair_of_models():
    models = pair()
    assert get_network(models) == models
    assert get_network(list(models)) == models
    assert network_to_dict(models) == {"name": "own"}


@pytest.mark.parametrize("name", ["dens", "own", {"name": "dens"}, {}])
def test_unknown_names(name):
    with pytest.raises(UnknownNameError, match=r"unknown network .*known: conv, dense, linear"):
        get_network(name)


@pytest.mark.parametrize("network", [None, 3, ("a", "b"), keras, DenseNetwork, pair()[:1]])
def test_what_is_no_network(network):
    with pytest.raises(SettingError, match="network: expected"):
        get_network(network)


def test_an_unknown_setting():
    with pytest.raises(SettingError, match=r"network 'dense': .*width"):
        get_network({"name": "dense", "width": 3})
