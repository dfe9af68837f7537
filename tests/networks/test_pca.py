from random import Random

import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork, LinearNetwork
from latentmap.networks.pca import Logit, principal_decoder, principal_encoder
from latentmap.preprocessing.pca_projection import PrincipalComponents

RNG = np.random.default_rng(0)
ROWS = (RNG.random((40, 3)) @ RNG.random((3, 8)) / 3 + 0.02 * RNG.normal(size=(40, 8))).astype("f4")
KNOWN = PCA(2, svd_solver="full").fit(ROWS)
PRINCIPAL = PrincipalComponents(KNOWN.mean_, KNOWN.components_, row_spread=0.3, code_spread=0.7)
NETWORKS = [LinearNetwork(), DenseNetwork(hidden=(5,)), ConvNetwork(filters=(3,))]


def pair(network, link="linear", row_shape=(8,)):
    rows, z, rng = keras.Input(row_shape), keras.Input((2,)), Random(0)
    encoder = keras.Model(rows, principal_encoder(rows, PRINCIPAL, network, rng))
    decoder = principal_decoder(z, PRINCIPAL, network, row_shape, link, rng)
    return encoder, keras.Model(z, decoder)


def shape_for(network):
    return (2, 4) if isinstance(network, ConvNetwork) else (8,)


@pytest.mark.parametrize("network", NETWORKS)
def test_before_training_the_codes_are_those_of_pca(network):
    encoder, _ = pair(network, row_shape=shape_for(network))
    codes = encoder.predict_on_batch(ROWS.reshape(-1, *shape_for(network)))
    assert np.allclose(codes, KNOWN.transform(ROWS), atol=1e-5)


@pytest.mark.parametrize("network", NETWORKS)
def test_before_training_the_way_back_is_that_of_pca(network):
    _, decoder = pair(network, row_shape=shape_for(network))
    codes = KNOWN.transform(ROWS).astype("float32")
    assert np.allclose(decoder.predict_on_batch(codes), KNOWN.inverse_transform(codes), atol=1e-5)


def test_before_a_sigmoid_the_way_back_is_that_of_pca_kept_off_the_ends():
    _, decoder = pair(DenseNetwork(hidden=(5,)), link="sigmoid")
    codes = 4 * KNOWN.transform(ROWS).astype("float32")
    back = 1 / (1 + np.exp(-decoder.predict_on_batch(codes)))
    expected = KNOWN.inverse_transform(codes)
    assert (expected < 0).any()
    assert (expected > 1).any()
    assert np.allclose(back, np.clip(expected, 0.02, 0.98), atol=1e-5)


def test_what_the_network_finds_is_added_in_the_units_of_its_place():
    encoder, decoder = pair(DenseNetwork(hidden=(5,)))
    for model in (encoder, decoder):
        for weight in model.trainable_variables:
            if weight.path.endswith("bias") and "components" not in weight.path:
                weight.assign(np.ones(weight.shape))
    codes = KNOWN.transform(ROWS)
    shift = encoder.predict_on_batch(ROWS) - codes
    back = decoder.predict_on_batch(codes.astype("f4")) - KNOWN.inverse_transform(codes)
    assert np.allclose(shift, PRINCIPAL.code_spread, atol=1e-5)
    assert np.allclose(back, PRINCIPAL.row_spread, atol=1e-5)


def test_everything_but_the_units_can_be_trained():
    encoder, decoder = pair(DenseNetwork(hidden=(5,)))
    fixed = {w.path.split("/")[0] for m in (encoder, decoder) for w in m.non_trainable_variables}
    assert fixed == {"centred", "code_spread", "row_spread"}


def test_logit_undoes_the_sigmoid():
    q = np.linspace(0.021, 0.979, 50, dtype="float32")
    logits = keras.ops.convert_to_numpy(Logit()(q))
    assert np.allclose(1 / (1 + np.exp(-logits)), q, atol=1e-6)


@pytest.mark.parametrize("margin", [0.02, 0.2])
def test_logit_is_bounded_by_its_margin(margin):
    ends = keras.ops.convert_to_numpy(Logit(margin)(np.array([-1e30, 0, 1, 1e30], "float32")))
    bound = np.log((1 - margin) / margin)
    assert np.allclose(ends, [-bound, -bound, bound, bound], rtol=1e-5)
    assert Logit.from_config(Logit(margin).get_config()).margin == margin


def test_a_blank_has_the_shapes_of_a_real_one():
    blank = PrincipalComponents.blank(8, 2)
    assert blank.mean.shape == PRINCIPAL.mean.shape
    assert blank.components.shape == PRINCIPAL.components.shape
