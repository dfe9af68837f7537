import keras
import numpy as np
import pytest

from latentmap.backend import predict
from latentmap.maps.map_networks import DECODED_ROWS, MAX_NATS, MapNetworkSpec, arcsinh, build_map
from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork, LinearNetwork
from latentmap.networks.losses import LOSSES
from latentmap.preprocessing.pca_projection import PrincipalComponents

RNG = np.random.default_rng(0)
RAW = (100 + 20 * RNG.random((30, 6))).astype("float32")
SCALED = (RAW - 100) / 20
CENTERS = RNG.normal(size=(25, 2)).astype("float32")
OFFSET, UNIT = np.array([500.0, -70.0], "float32"), np.float32(8.0)
CODES = (UNIT * RNG.normal(size=(30, 2)) + OFFSET).astype("float32")
SMALL = DenseNetwork(hidden=(5,), principal=False)


def make_networks(network=SMALL, loss="gaussian", row_shape=(6,), **options):
    arrays = {
        "offset": np.float32(100.0) * np.ones(()),
        "scale": np.float32(20.0) * np.ones(()),
        "decoder_network": network,
        "centers": CENTERS,
        "anchors": CENTERS[::3],
        "width": 0.4,
        "radius": 0.8,
        "code_offset": OFFSET,
        "code_scale": UNIT,
        **options,
    }
    return build_map(MapNetworkSpec(row_shape, 2, network, LOSSES[loss], **arrays))


def weights(model):
    return [keras.ops.convert_to_numpy(w.value) for w in model.weights]


def trained_part(networks, rows, codes, steps=1, rate=0.02):
    networks.fit_objective.compile(optimizer=keras.optimizers.Adam(rate))
    for _ in range(steps):
        networks.fit_objective.train_on_batch((rows, codes))


# -- encoder and decoder ---------------------------------------------------------------------------


def test_codes_have_the_units_of_the_layout():
    plane, scaled = (
        make_networks(code_offset=np.zeros(2, "f4"), code_scale=np.float32(1)),
        make_networks(),
    )
    positions = predict(plane.encoder, RAW)
    assert np.allclose(predict(scaled.encoder, RAW), UNIT * positions + OFFSET, rtol=1e-5)
    assert np.allclose(
        predict(scaled.decoder, UNIT * positions + OFFSET),
        predict(plane.decoder, positions),
        rtol=1e-4,
    )


def test_every_code_is_among_the_landmarks():
    positions = (
        predict(make_networks().encoder, 1e6 * RNG.normal(size=(50, 6)).astype("f4")) - OFFSET
    ) / UNIT
    assert (positions >= CENTERS.min(axis=0) - 1e-4).all()
    assert (positions <= CENTERS.max(axis=0) + 1e-4).all()


@pytest.mark.parametrize("far", [1e6, 1e18])
def test_the_decoder_is_finite_far_from_all_landmarks(far):
    assert np.isfinite(predict(make_networks().decoder, np.array([[far, -far]], "float32"))).all()


@pytest.mark.parametrize("network", [SMALL, ConvNetwork(filters=(3,), principal=False)])
def test_decoded_rows_have_the_shape_and_units_of_the_input(network):
    networks = make_networks(network, "bernoulli", row_shape=(2, 3))
    rows = RAW.reshape(-1, 2, 3)
    reconstructed = predict(networks.decoder, predict(networks.encoder, rows))
    assert reconstructed.shape == rows.shape
    assert ((reconstructed > 100) & (reconstructed < 120)).all()


def test_encoder_and_decoder_networks_can_differ():
    networks = make_networks(
        LinearNetwork(principal=False), decoder_network=DenseNetwork((7, 5), principal=False)
    )
    shapes = [w.shape for w in weights(networks.fit_objective)]
    assert (6, 25) in shapes  # straight from rows to landmarks
    assert (25, 5) in shapes  # The decoder has hidden layers of 5 and 7 units.
    assert (5, 7) in shapes


# -- metrics ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["gaussian", "bernoulli", "bounded"])
def test_metrics_match_the_reconstruction(loss):
    networks = make_networks(loss=loss)
    reconstructed = (predict(networks.decoder, predict(networks.encoder, RAW)) - 100) / 20
    metrics = predict(networks.objective, RAW)
    errors = ((SCALED - reconstructed) ** 2).mean(axis=1)
    assert metrics.shape == (30, 3)
    assert np.allclose(metrics[:, 1], errors, rtol=1e-3)
    if loss == "gaussian":
        assert np.allclose(metrics[:, 0], errors / 2, rtol=1e-3)
    assert ((metrics[:, 2] > 0) & (metrics[:, 2] <= 1)).all()


@pytest.mark.parametrize("reconstruction", [0.0, 3.0, 1e4])
def test_the_loss_is_misplacement_plus_reconstruction(reconstruction):
    networks = make_networks(reconstruction_weight=reconstruction)
    logits = predict(networks.encoder.get_layer("landmark_logits"), RAW).astype(float)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    squared = (((CODES - OFFSET) / UNIT)[:, None] - CENTERS) ** 2
    phi = np.exp(-squared.sum(axis=-1) / (2 * 0.4**2))
    phi /= phi.sum(axis=1, keepdims=True)
    # What is decoded is the mean around the row's own place.
    near = np.exp(log_p - squared.sum(axis=-1) / (2 * 0.8**2))
    positions = near @ CENTERS / near.sum(axis=1, keepdims=True)
    reconstructed = (predict(networks.decoder, UNIT * positions + OFFSET) - 100) / 20
    loss, error, misplacement = predict(networks.fit_objective, (RAW, CODES)).T
    reconstruction_loss = reconstruction * error / 2
    assert np.allclose(misplacement, -(phi * log_p).sum(axis=1), rtol=1e-3)
    assert np.allclose(error, ((SCALED - reconstructed) ** 2).mean(axis=1), rtol=1e-3)
    assert np.allclose(
        loss, misplacement + reconstruction_loss / (1 + reconstruction_loss / MAX_NATS), rtol=1e-4
    )
    assert (loss - misplacement < MAX_NATS).all()


def test_training_learns_positions_and_reconstructions():
    networks = make_networks(DenseNetwork((32,), principal=False), reconstruction_weight=3.0)
    before = predict(networks.fit_objective, (RAW, CODES)).mean(axis=0)
    shift = np.linalg.norm(predict(networks.encoder, RAW) - CODES, axis=1).mean()
    trained_part(networks, RAW, CODES, steps=150)
    after = predict(networks.fit_objective, (RAW, CODES)).mean(axis=0)
    assert after[1] < 0.5 * before[1]
    assert after[2] < 0.5 * before[2]
    assert np.linalg.norm(predict(networks.encoder, RAW) - CODES, axis=1).mean() < 0.5 * shift


def test_all_weights_but_constants_are_trained():
    networks = make_networks()
    names = [w.path for w in networks.fit_objective.weights]
    before = [w.copy() for w in weights(networks.fit_objective)]
    trained_part(networks, RAW, CODES)
    after = weights(networks.fit_objective)
    changed_names = {
        n for n, a, b in zip(names, before, after, strict=True) if not np.array_equal(a, b)
    }
    # Encoder and decoder each have two kernels and two biases.
    assert len(changed_names) == 8
    assert all("dense" in name for name in changed_names)


def test_the_objectives_share_the_layers_of_the_models():
    networks = make_networks()
    code, reconstructed = predict(networks.encoder, RAW), predict(networks.decoder, CODES)
    trained_part(networks, RAW, CODES, steps=3)
    assert not np.allclose(predict(networks.encoder, RAW), code)
    assert not np.allclose(predict(networks.decoder, CODES), reconstructed)
    shared, all_weights = weights(networks.objective), weights(networks.fit_objective)
    assert all(
        np.array_equal(a, b) for a, b in zip(shared, all_weights[: len(shared)], strict=True)
    )
    assert [w.path for w in networks.fit_objective.weights[len(shared) :]] == [
        "loss_weight/offset",
        "loss_weight/scale",
    ]


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="it is JAX that compiles")
def test_the_compiled_step_does_not_depend_on_the_data():
    import jax

    def trace(shift, **options):
        objective = make_networks(offset=100.0 + np.float32(shift), **options).fit_objective
        kinds = (objective.trainable_variables, objective.non_trainable_variables)
        values = ([v.value for v in kind] for kind in kinds)
        return str(jax.make_jaxpr(objective.stateless_call)(*values, (RAW, CODES)))

    settings = {"centers": 2 * CENTERS, "anchors": CENTERS[:9], "width": 0.1, "radius": 2.0}
    trace_without_shift = trace(0.0)
    assert (
        trace(3.0, reconstruction_weight=7.0, code_scale=np.float32(2), **settings)
        == trace_without_shift
    )
    assert trace(0.0, loss="bernoulli") != trace_without_shift


# -- as in every pair ------------------------------------------------------------------------------


def test_noise_is_added_while_training_only():
    noisy = make_networks(noise=0.5)
    assert np.array_equal(predict(noisy.encoder, RAW), predict(noisy.encoder, RAW))
    assert np.array_equal(predict(noisy.objective, RAW), predict(noisy.objective, RAW))
    landmark_logits = noisy.encoder.get_layer("landmark_logits")
    layer = next(
        trace_without_shift
        for trace_without_shift in landmark_logits.layers
        if isinstance(trace_without_shift, keras.layers.GaussianNoise)
    )
    noise = keras.ops.convert_to_numpy(layer(np.zeros((2000, 6), "float32"), training=True))
    assert noise.std() == pytest.approx(0.5, rel=0.03)


def test_weights_depend_on_the_seed():
    first, repeated, other_seed = (make_networks(seed=seed).fit_objective for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(weights(first), weights(repeated), strict=True))
    assert not all(
        np.array_equal(a, b) for a, b in zip(weights(first), weights(other_seed), strict=True)
    )


# -- principal components as input ----------------------------------------------------------------

AXES = np.linalg.qr(RNG.normal(size=(6, 6)))[0].T.astype("float32")
PRINCIPAL = PrincipalComponents(SCALED.mean(axis=0), AXES[:4], code_spread=0.3)


def test_the_encoder_depends_on_the_components_only():
    networks = make_networks(principal=PRINCIPAL)
    invisible_change = 20 * RNG.normal(size=(30, 2)) @ AXES[4:]
    visible_change = 20 * RNG.normal(size=(30, 2)) @ AXES[:2]
    codes = predict(networks.encoder, RAW)
    assert np.allclose(predict(networks.encoder, RAW + invisible_change), codes, atol=1e-3)
    assert np.abs(predict(networks.encoder, RAW + visible_change) - codes).max() > 0.1


def test_components_are_scaled_before_arcsinh():
    layers = (
        make_networks(principal=PRINCIPAL, arcsinh_input=True)
        .encoder.get_layer("landmark_logits")
        .layers
    )
    names = [layer.name for layer in layers]
    order = ["scaling", "clip_to_finite", "components", "code_spread", "arcsinh"]
    assert [name for name in names if name in order] == order
    encoder = make_networks(principal=PRINCIPAL, arcsinh_input=True).encoder
    landmark_logits = encoder.get_layer("landmark_logits")
    input_layers = keras.Model(landmark_logits.input, landmark_logits.get_layer("arcsinh").output)
    expected = np.arcsinh((SCALED - SCALED.mean(axis=0)) @ AXES[:4].T / 0.3)
    assert np.allclose(predict(input_layers, RAW), expected, atol=1e-4)


def test_the_components_are_not_trained():
    networks = make_networks(principal=PRINCIPAL)
    layer = networks.encoder.get_layer("landmark_logits").get_layer("components")
    before = [w.copy() for w in weights(layer)]
    trained_part(networks, RAW, CODES, steps=3)
    assert len(before) == 2
    assert all(np.array_equal(a, b) for a, b in zip(before, weights(layer), strict=True))


def test_noise_on_the_components_is_in_the_units_of_the_scaled_row():
    landmark_logits = make_networks(principal=PRINCIPAL, noise=0.5).encoder.get_layer(
        "landmark_logits"
    )
    names = [type(layer).__name__ for layer in landmark_logits.layers]
    assert names.index("GaussianNoise") == names.index("Dense") + 1
    assert landmark_logits.layers[names.index("GaussianNoise") + 1].name == "code_spread"


@pytest.mark.parametrize("far", [1e30, 3e38])
def test_components_of_extreme_rows_are_finite(far):
    rows = np.array([[far, -far, far, far, far, -far]], "float32")
    codes = predict(make_networks(principal=PRINCIPAL, arcsinh_input=True).encoder, rows)
    assert np.isfinite(codes).all()


def test_the_decoder_trains_on_evenly_spaced_rows_of_a_large_batch():
    rows = np.tile(RAW, (18, 1))[: 2 * DECODED_ROWS]
    codes = np.tile(CODES, (18, 1))[: 2 * DECODED_ROWS]
    change = np.zeros_like(rows)
    change[1::2] = 20 * AXES[5]  # The encoder does not depend on this component.
    decoder_weights = []
    for start in (rows, rows + change, rows + np.roll(change, 1, axis=0)):
        networks = make_networks(principal=PRINCIPAL, reconstruction_weight=3.0)
        trained_part(networks, start, codes)
        decoder_weights.append(weights(networks.decoder))
    original, odd_changed, even_changed = decoder_weights
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(original, odd_changed, strict=True))
    assert not all(
        np.allclose(a, b, atol=1e-5) for a, b in zip(original, even_changed, strict=True)
    )


# -- rows far out ----------------------------------------------------------------------------------


def test_arcsinh_is_monotonic_and_the_identity_near_0():
    numbers = np.array([-1e30, -1e6, -50, -1, -0.01, 0, 0.01, 1, 50, 1e6, 1e30], "float32")
    results = keras.ops.convert_to_numpy(arcsinh(numbers))
    assert (np.diff(results) > 0).all()
    assert np.allclose(results, np.arcsinh(numbers.astype(float)), rtol=1e-4)
    assert np.abs(results).max() < 100


def test_arcsinh_applies_to_the_encoder_only():
    linear_input, arcsinh_input = make_networks(), make_networks(arcsinh_input=True)
    near = 100 + 0.1 * SCALED
    assert np.allclose(
        predict(linear_input.encoder, near), predict(arcsinh_input.encoder, near), atol=1e-2
    )
    far = 100 + 1000 * SCALED
    assert not np.allclose(
        predict(linear_input.encoder, far), predict(arcsinh_input.encoder, far), atol=1e-2
    )
    reconstructed = (predict(arcsinh_input.decoder, predict(arcsinh_input.encoder, far)) - 100) / 20
    errors = predict(arcsinh_input.objective, far)[:, 1]
    assert np.allclose(errors, ((50 * SCALED - reconstructed) ** 2).mean(axis=1), rtol=1e-3)


@pytest.mark.parametrize("far", [1e3, 1e10, 1e25])
def test_the_reconstruction_loss_of_a_row_is_bounded(far):
    networks = make_networks(arcsinh_input=True, reconstruction_weight=8.0)
    rows = RAW.copy()
    rows[3] *= np.float32(far)
    loss, _, misplacement = predict(networks.fit_objective, (rows, CODES)).T
    assert np.isfinite(loss).all()
    assert loss[3] - misplacement[3] == pytest.approx(MAX_NATS, rel=0.01)
