import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentmap.backend import predict
from latentmap.errors import SettingError
from latentmap.networks.assembly import (
    NetworkSpec,
    build_autoencoder,
    build_variational,
    check_pair,
)
from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork, LinearNetwork
from latentmap.networks.losses import LOSSES
from latentmap.preprocessing.pca_projection import PrincipalComponents

RNG = np.random.default_rng(0)
RAW = (100 + 20 * RNG.random((30, 6))).astype("float32")
OFFSET, SCALE = np.float32(100.0) * np.ones(()), np.float32(20.0) * np.ones(())
SCALED = (RAW - 100) / 20
SMALL = DenseNetwork(hidden=(5,), principal=False)


def make_parts(network=SMALL, loss="gaussian", row_shape=(6,), **options):
    scaling = {"offset": OFFSET, "scale": SCALE, **options}
    return NetworkSpec(row_shape, 2, network, LOSSES[loss], **scaling)


def make_pair(n_features=6, n_components=2):
    encoder = keras.Sequential([keras.Input((n_features,)), keras.layers.Dense(n_components)])
    decoder = keras.Sequential([keras.Input((n_components,)), keras.layers.Dense(n_features)])
    return encoder, decoder


@pytest.mark.parametrize("loss", ["gaussian", "bernoulli", "bounded"])
def test_objective_returns_the_loss_and_error_of_reconstructions(loss):
    networks = build_autoencoder(make_parts(loss=loss))
    reconstructed = (predict(networks.decoder, predict(networks.encoder, RAW)) - 100) / 20
    metrics = predict(networks.objective, RAW)
    errors = ((SCALED - reconstructed) ** 2).mean(axis=1)
    assert metrics.shape == (30, 2)
    assert np.allclose(metrics[:, 1], errors, rtol=1e-4)
    if loss == "gaussian":
        assert np.allclose(metrics[:, 0], errors / 2, rtol=1e-4)
    if loss == "bernoulli":
        log_likelihood = SCALED * np.log(reconstructed) + (1 - SCALED) * np.log(1 - reconstructed)
        entropy = -log_likelihood.mean(axis=1)
        assert np.allclose(metrics[:, 0], entropy, rtol=1e-4)


@pytest.mark.parametrize("network", [SMALL, ConvNetwork(filters=(3,), principal=False)])
def test_decoder_returns_rows_in_their_shape_and_units(network):
    networks = build_autoencoder(make_parts(network, "bernoulli", row_shape=(2, 3)))
    rows = RAW.reshape(-1, 2, 3)
    reconstructed = predict(networks.decoder, predict(networks.encoder, rows))
    assert reconstructed.shape == rows.shape
    assert ((reconstructed > 100) & (reconstructed < 120)).all()


def test_offset_and_scale_can_have_one_number_per_column():
    offset, scale = RAW.mean(axis=0), RAW.std(axis=0)
    networks = build_autoencoder(make_parts(offset=offset, scale=scale))
    errors = predict(networks.objective, np.tile(offset, (3, 1)))
    reconstructed = predict(networks.decoder, predict(networks.encoder, np.tile(offset, (3, 1))))
    assert np.allclose(
        errors[:, 1], (((reconstructed - offset) / scale) ** 2).mean(axis=1), rtol=1e-4
    )


@pytest.mark.parametrize("network", [LinearNetwork(), DenseNetwork(hidden=(5,))])
def test_network_with_principal_path_starts_as_pca(network):
    pca = PCA(2, svd_solver="full").fit(SCALED)
    principal = PrincipalComponents(pca.mean_, pca.components_, 0.3, 0.5)
    networks = build_autoencoder(make_parts(network, principal=principal))
    pca_rows = pca.inverse_transform(pca.transform(SCALED))
    assert np.allclose(predict(networks.encoder, RAW), pca.transform(SCALED), atol=1e-5)
    metrics = predict(networks.objective, RAW)[:, 1]
    assert np.allclose(metrics, ((pca_rows - SCALED) ** 2).mean(axis=1), atol=1e-6)


def test_objective_trains_all_weights_except_scaling():
    networks = build_autoencoder(make_parts())
    before = networks.encoder.get_weights() + networks.decoder.get_weights()
    networks.objective.compile(optimizer="sgd")
    networks.objective.train_on_batch(RAW)
    after = networks.encoder.get_weights() + networks.decoder.get_weights()
    changed = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    # Encoder and decoder each have two kernels, two biases and two constant scaling weights.
    assert sum(changed) == 8
    assert len(changed) == 12


def test_noise_is_added_only_in_training():
    noisy = build_autoencoder(make_parts(noise=0.5)).encoder
    noise_layer = next(
        layer for layer in noisy.layers if isinstance(layer, keras.layers.GaussianNoise)
    )
    zeros = np.zeros((2000, 6), "float32")
    noise = keras.ops.convert_to_numpy(noise_layer(zeros, training=True))
    assert noise.std() == pytest.approx(0.5, rel=0.03)
    assert np.array_equal(predict(noisy, RAW), predict(noisy, RAW))
    assert not any(
        isinstance(layer, keras.layers.GaussianNoise)
        for layer in build_autoencoder(make_parts()).encoder.layers
    )


def test_weights_depend_on_the_seed():
    first, repeated, other_encoder = (
        build_autoencoder(make_parts(seed=seed)).encoder for seed in (1, 1, 2)
    )
    assert all(
        np.array_equal(a, b)
        for a, b in zip(first.get_weights(), repeated.get_weights(), strict=True)
    )
    assert not np.array_equal(predict(first, RAW), predict(other_encoder, RAW))


# -- networks of the user --------------------------------------------------------------------------


def test_networks_of_the_user_are_copied_and_not_trained():
    user_networks = make_pair()
    before = [w for model in user_networks for w in model.get_weights()]
    networks = build_autoencoder(make_parts(user_networks))
    assert np.allclose(
        predict(networks.encoder, RAW), user_networks[0].predict_on_batch(SCALED), atol=1e-4
    )
    networks.objective.compile(optimizer=keras.optimizers.SGD(1.0))
    networks.objective.train_on_batch(RAW)
    after = [w for model in user_networks for w in model.get_weights()]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_check_pair_accepts_networks_of_the_right_shapes():
    check_pair(make_pair(), (6,), 2)
    encoder = keras.Sequential([keras.Input((2, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    decoder = make_pair()[1]
    check_pair((encoder, decoder), (2, 3), 2)  # The output of 6 numbers is reshaped to the row.


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (make_pair(5), r"expected shape \(6,\) for the encoder's input, found \(5,\)"),
        (make_pair(6, 3), r"expected shape \(2,\) for the encoder's output, found \(3,\)"),
        ((make_pair()[0], make_pair(6, 3)[1]), r"expected shape \(2,\) for the decoder's input"),
        (
            (make_pair()[0], make_pair(7)[1]),
            r"expected shape \(6,\) for the decoder's output, found \(7,\)",
        ),
    ],
)
def test_check_pair_refuses_networks_of_other_shapes(models, message):
    with pytest.raises(SettingError, match=message):
        check_pair(models, (6,), 2)


class SubclassedModel(keras.Model):
    def call(self, rows):
        return rows


def make_model_with_two_inputs():
    inputs = [keras.Input((6,)), keras.Input((6,))]
    return keras.Model(inputs, keras.layers.Add()(inputs), name="two")


@pytest.mark.parametrize(
    "model",
    [keras.Sequential([keras.layers.Dense(2)]), SubclassedModel(), make_model_with_two_inputs()],
)
def test_check_pair_refuses_models_without_a_single_known_shape(model):
    with pytest.raises(SettingError, match="network: expected functional or sequential models"):
        check_pair((model, make_pair()[1]), (6,), 2)


# -- variational autoencoders ----------------------------------------------------------------------


def make_variational(beta=1.0, loss="bernoulli", **options):
    return build_variational(make_parts(loss=loss, beta=beta, **options))


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_loss_is_reconstruction_plus_beta_times_divergence(beta):
    loss, _, nats, divergence = predict(make_variational(beta).objective, RAW).T
    assert np.allclose(loss, nats + beta * divergence, rtol=1e-5)
    assert (divergence > 0).all()


@pytest.mark.parametrize("loss", ["gaussian", "bernoulli"])
def test_variational_error_is_that_of_the_decoded_codes(loss):
    networks = make_variational(loss=loss)
    reconstructed = (predict(networks.decoder, predict(networks.encoder, RAW)) - 100) / 20
    errors = predict(networks.objective, RAW)[:, 1]
    assert np.allclose(errors, ((reconstructed - SCALED) ** 2).mean(axis=1), rtol=1e-4)


def test_nats_are_summed_over_the_row():
    networks = make_variational(loss="gaussian")
    posterior = networks.objective.models[0]
    output_layer = [layer for layer in posterior.layers if isinstance(layer, keras.layers.Dense)][
        -1
    ]
    assert output_layer.units == 4
    # With a posterior of almost zero variance, the sampled code is the mean.
    output_layer.bias.assign([0.0, 0.0, -60.0, -60.0])
    reconstructed = (predict(networks.decoder, predict(networks.encoder, RAW)) - 100) / 20
    nats = predict(networks.objective, RAW)[:, 2]
    assert np.allclose(nats, ((reconstructed - SCALED) ** 2).sum(axis=1) / 2, rtol=1e-3)


def test_variational_metrics_are_repeatable():
    objective = make_variational().objective
    assert np.array_equal(predict(objective, RAW), predict(objective, RAW))
