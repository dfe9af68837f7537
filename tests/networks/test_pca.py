from random import Random

import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork, LinearNetwork
from latentmap.networks.losses import get_loss
from latentmap.networks.pca import Logit, principal_decoder, principal_encoder
from latentmap.preprocessing.pca_projection import PrincipalComponents

RNG = np.random.default_rng(0)
ROWS = (RNG.random((40, 3)) @ RNG.random((3, 8)) / 3 + 0.02 * RNG.normal(size=(40, 8))).astype("f4")
FITTED_PCA = PCA(2, svd_solver="full").fit(ROWS)
PRINCIPAL = PrincipalComponents(
    FITTED_PCA.mean_, FITTED_PCA.components_, row_spread=0.3, code_spread=0.7
)
NETWORKS = [LinearNetwork(), DenseNetwork(hidden=(5,)), ConvNetwork(filters=(3,))]


def make_pair(network, loss="gaussian", row_shape=(8,)):
    rows, z, rng = keras.Input(row_shape), keras.Input((2,)), Random(0)
    encoder = keras.Model(rows, principal_encoder(rows, PRINCIPAL, network, rng))
    decoder = principal_decoder(z, PRINCIPAL, network, row_shape, get_loss(loss), rng)
    return encoder, keras.Model(z, decoder)


def row_shape_for(network):
    return (2, 4) if isinstance(network, ConvNetwork) else (8,)


@pytest.mark.parametrize("network", NETWORKS)
def test_untrained_encoder_equals_pca(network):
    encoder, _ = make_pair(network, row_shape=row_shape_for(network))
    codes = encoder.predict_on_batch(ROWS.reshape(-1, *row_shape_for(network)))
    assert np.allclose(codes, FITTED_PCA.transform(ROWS), atol=1e-5)


@pytest.mark.parametrize("network", NETWORKS)
def test_untrained_decoder_equals_pca(network):
    _, decoder = make_pair(network, row_shape=row_shape_for(network))
    codes = FITTED_PCA.transform(ROWS).astype("float32")
    assert np.allclose(
        decoder.predict_on_batch(codes), FITTED_PCA.inverse_transform(codes), atol=1e-5
    )


def test_untrained_decoder_with_sigmoid_equals_clipped_pca():
    _, decoder = make_pair(DenseNetwork(hidden=(5,)), loss="bernoulli")
    codes = 4 * FITTED_PCA.transform(ROWS).astype("float32")
    reconstructed = 1 / (1 + np.exp(-decoder.predict_on_batch(codes)))
    expected = FITTED_PCA.inverse_transform(codes)
    assert (expected < 0).any()
    assert (expected > 1).any()
    assert np.allclose(reconstructed, np.clip(expected, 0.02, 0.98), atol=1e-5)


def test_network_output_is_scaled_to_the_spread_of_codes_and_rows():
    encoder, decoder = make_pair(DenseNetwork(hidden=(5,)))
    for model in (encoder, decoder):
        for weight in model.trainable_variables:
            if weight.path.endswith("bias") and "components" not in weight.path:
                weight.assign(np.ones(weight.shape))
    codes = FITTED_PCA.transform(ROWS)
    code_shift = encoder.predict_on_batch(ROWS) - codes
    reconstructed = decoder.predict_on_batch(codes.astype("f4")) - FITTED_PCA.inverse_transform(
        codes
    )
    assert np.allclose(code_shift, PRINCIPAL.code_spread, atol=1e-5)
    assert np.allclose(reconstructed, PRINCIPAL.row_spread, atol=1e-5)


def test_only_scaling_layers_are_not_trainable():
    encoder, decoder = make_pair(DenseNetwork(hidden=(5,)))
    constant_layers = {
        w.path.split("/")[0] for m in (encoder, decoder) for w in m.non_trainable_variables
    }
    assert constant_layers == {"centred", "code_spread", "row_spread"}


def test_logit_is_the_inverse_of_the_sigmoid():
    q = np.linspace(0.021, 0.979, 50, dtype="float32")
    logits = keras.ops.convert_to_numpy(Logit()(q))
    assert np.allclose(1 / (1 + np.exp(-logits)), q, atol=1e-6)


@pytest.mark.parametrize("margin", [0.02, 0.2])
def test_logit_is_bounded_by_its_margin(margin):
    bounds = keras.ops.convert_to_numpy(Logit(margin)(np.array([-1e30, 0, 1, 1e30], "float32")))
    bound = np.log((1 - margin) / margin)
    assert np.allclose(bounds, [-bound, -bound, bound, bound], rtol=1e-5)
    assert Logit.from_config(Logit(margin).get_config()).margin == margin


def test_blank_components_have_the_shapes_of_fitted_components():
    empty = PrincipalComponents.zeros(8, 2)
    assert empty.mean.shape == PRINCIPAL.mean.shape
    assert empty.components.shape == PRINCIPAL.components.shape
