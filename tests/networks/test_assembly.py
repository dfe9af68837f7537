import keras
import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentmap.backend import predict
from latentmap.errors import SettingError
from latentmap.networks.assembly import (
    NetworkParts,
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


def parts(network=SMALL, loss="gaussian", row_shape=(6,), **options):
    given = {"offset": OFFSET, "scale": SCALE, **options}
    return NetworkParts(row_shape, 2, network, LOSSES[loss], **given)


def pair(n_features=6, n_components=2):
    encoder = keras.Sequential([keras.Input((n_features,)), keras.layers.Dense(n_components)])
    decoder = keras.Sequential([keras.Input((n_components,)), keras.layers.Dense(n_features)])
    return encoder, decoder


def weights(model):
    return [keras.ops.convert_to_numpy(w.value) for w in model.weights]


@pytest.mark.parametrize("loss", ["gaussian", "bernoulli", "bounded"])
def test_figures_are_those_of_the_round_trip(loss):
    networks = build_autoencoder(parts(loss=loss))
    back = (predict(networks.decoder, predict(networks.encoder, RAW)) - 100) / 20
    figures = predict(networks.objective, RAW)
    errors = ((SCALED - back) ** 2).mean(axis=1)
    assert figures.shape == (30, 2)
    assert np.allclose(figures[:, 1], errors, rtol=1e-4)
    if loss == "gaussian":
        assert np.allclose(figures[:, 0], errors / 2, rtol=1e-4)
    if loss == "bernoulli":
        entropy = -(SCALED * np.log(back) + (1 - SCALED) * np.log(1 - back)).mean(axis=1)
        assert np.allclose(figures[:, 0], entropy, rtol=1e-4)


@pytest.mark.parametrize("network", [SMALL, ConvNetwork(filters=(3,), principal=False)])
def test_rows_come_back_in_their_shape_and_units(network):
    networks = build_autoencoder(parts(network, "bernoulli", row_shape=(2, 3)))
    rows = RAW.reshape(-1, 2, 3)
    back = predict(networks.decoder, predict(networks.encoder, rows))
    assert back.shape == rows.shape
    assert ((back > 100) & (back < 120)).all()


def test_offsets_of_each_column():
    offset, scale = RAW.mean(axis=0), RAW.std(axis=0)
    networks = build_autoencoder(parts(offset=offset, scale=scale))
    errors = predict(networks.objective, np.tile(offset, (3, 1)))
    back = predict(networks.decoder, predict(networks.encoder, np.tile(offset, (3, 1))))
    assert np.allclose(errors[:, 1], (((back - offset) / scale) ** 2).mean(axis=1), rtol=1e-4)


@pytest.mark.parametrize("network", [LinearNetwork(), DenseNetwork(hidden=(5,))])
def test_with_the_principal_path_the_start_is_pca(network):
    known = PCA(2, svd_solver="full").fit(SCALED)
    principal = PrincipalComponents(known.mean_, known.components_, 0.3, 0.5)
    networks = build_autoencoder(parts(network, principal=principal))
    projected = known.inverse_transform(known.transform(SCALED))
    assert np.allclose(predict(networks.encoder, RAW), known.transform(SCALED), atol=1e-5)
    figures = predict(networks.objective, RAW)[:, 1]
    assert np.allclose(figures, ((projected - SCALED) ** 2).mean(axis=1), atol=1e-6)


def test_the_objective_trains_the_pair():
    networks = build_autoencoder(parts())
    before = [w.copy() for w in weights(networks.encoder) + weights(networks.decoder)]
    networks.objective.compile(optimizer="sgd")
    networks.objective.train_on_batch(RAW)
    after = weights(networks.encoder) + weights(networks.decoder)
    changed = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    # Two kernels and two biases each way; two numbers of scaling each way stay.
    assert sum(changed) == 8
    assert len(changed) == 12


def test_noise_is_added_while_training_only():
    noisy = build_autoencoder(parts(noise=0.5)).encoder
    drop = next(layer for layer in noisy.layers if isinstance(layer, keras.layers.GaussianNoise))
    zeros = np.zeros((2000, 6), "float32")
    noise = keras.ops.convert_to_numpy(drop(zeros, training=True))
    assert noise.std() == pytest.approx(0.5, rel=0.03)
    assert np.array_equal(predict(noisy, RAW), predict(noisy, RAW))
    assert not any(
        isinstance(layer, keras.layers.GaussianNoise)
        for layer in build_autoencoder(parts()).encoder.layers
    )


def test_seeds_decide_the_weights():
    first, same, other = (build_autoencoder(parts(seed=seed)).encoder for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(weights(first), weights(same), strict=True))
    assert not np.array_equal(predict(first, RAW), predict(other, RAW))


# -- a pair of the user's own ----------------------------------------------------------------------


def test_a_pair_is_copied_with_its_weights_and_never_trained():
    own = pair()
    kept = [w.copy() for model in own for w in weights(model)]
    networks = build_autoencoder(parts(own))
    assert np.allclose(predict(networks.encoder, RAW), own[0].predict_on_batch(SCALED), atol=1e-4)
    networks.objective.compile(optimizer=keras.optimizers.SGD(1.0))
    networks.objective.train_on_batch(RAW)
    now = [w for model in own for w in weights(model)]
    assert all(np.array_equal(a, b) for a, b in zip(kept, now, strict=True))


def test_a_pair_that_fits_is_welcome():
    check_pair(pair(), (6,), 2)
    encoder = keras.Sequential([keras.Input((2, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    decoder = pair()[1]
    check_pair((encoder, decoder), (2, 3), 2)  # its 6 numbers take the shape of the row


@pytest.mark.parametrize(
    ("models", "told"),
    [
        (pair(5), r"expected shape \(6,\) for the encoder's input, found \(5,\)"),
        (pair(6, 3), r"expected shape \(2,\) for the encoder's output, found \(3,\)"),
        ((pair()[0], pair(6, 3)[1]), r"expected shape \(2,\) for the decoder's input"),
        ((pair()[0], pair(7)[1]), r"expected shape \(6,\) for the decoder's output, found \(7,\)"),
    ],
)
def test_a_pair_that_does_not_fit_is_refused(models, told):
    with pytest.raises(SettingError, match=told):
        check_pair(models, (6,), 2)


class Subclassed(keras.Model):
    def call(self, rows):
        return rows


def two_inputs():
    inputs = [keras.Input((6,)), keras.Input((6,))]
    return keras.Model(inputs, keras.layers.Add()(inputs), name="two")


@pytest.mark.parametrize(
    "model", [keras.Sequential([keras.layers.Dense(2)]), Subclassed(), two_inputs()]
)
def test_models_without_one_known_shape_are_refused(model):
    with pytest.raises(SettingError, match="network: expected functional or sequential models"):
        check_pair((model, pair()[1]), (6,), 2)


# -- the variational one ---------------------------------------------------------------------------


def variational(beta=1.0, loss="bernoulli", **options):
    return build_variational(parts(loss=loss, beta=beta, **options))


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0])
def test_the_loss_is_reconstruction_and_beta_times_divergence(beta):
    loss, _, nats, divergence = predict(variational(beta).objective, RAW).T
    assert np.allclose(loss, nats + beta * divergence, rtol=1e-5)
    assert (divergence > 0).all()


@pytest.mark.parametrize("loss", ["gaussian", "bernoulli"])
def test_the_error_is_that_of_the_reconstruction_that_users_get(loss):
    networks = variational(loss=loss)
    back = (predict(networks.decoder, predict(networks.encoder, RAW)) - 100) / 20
    errors = predict(networks.objective, RAW)[:, 1]
    assert np.allclose(errors, ((back - SCALED) ** 2).mean(axis=1), rtol=1e-4)


def test_nats_are_sums_over_the_row():
    networks = variational(loss="gaussian")
    posterior = networks.objective.models[0]
    both = [layer for layer in posterior.layers if isinstance(layer, keras.layers.Dense)][-1]
    assert both.units == 4
    # With a posterior of almost no width, the code drawn is the mean.
    both.bias.assign([0.0, 0.0, -60.0, -60.0])
    back = (predict(networks.decoder, predict(networks.encoder, RAW)) - 100) / 20
    nats = predict(networks.objective, RAW)[:, 2]
    assert np.allclose(nats, ((back - SCALED) ** 2).sum(axis=1) / 2, rtol=1e-3)


def test_figures_measured_twice_are_the_same():
    objective = variational().objective
    assert np.array_equal(predict(objective, RAW), predict(objective, RAW))
