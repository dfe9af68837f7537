import copy
import pickle
import warnings

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA

from latentmap import AutoEncoder, Training
from latentmap.errors import DataError, LatentmapError, SettingError, UnknownNameError
from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork, LinearNetwork

SMALL = DenseNetwork(hidden=(8,))
NETWORK_WITHOUT_PCA = DenseNetwork(hidden=(32,), principal=False)
RNG = np.random.default_rng(0)


def make_estimator(n_components=2, **settings):
    return AutoEncoder(
        n_components, **{"network": SMALL, "epochs": 3, "random_state": 0, **settings}
    )


def mse(model, rows):
    return ((model.inverse_transform(model.transform(rows)) - rows) ** 2).mean()


def pca_mse(rows, n_components):
    flat = np.reshape(rows, (len(rows), -1)).astype(float)
    pca = PCA(min(n_components, *flat.shape), svd_solver="full").fit(flat)
    return ((pca.inverse_transform(pca.transform(flat)) - flat) ** 2).mean()


# -- comparison with PCA ---------------------------------------------------------------------------


def test_network_reconstructs_a_curve_better_than_pca(curve):
    # With random_state=0, the training on PyTorch ends early, at seven times the error.
    model = AutoEncoder(1, network=DenseNetwork(hidden=(64, 64)), epochs=150, random_state=2)
    model.fit(curve[:400])
    assert model.uses_network_
    unseen, pca = curve[400:], PCA(1).fit(curve[:400])
    pca_error = ((pca.inverse_transform(pca.transform(unseen)) - unseen) ** 2).mean()
    assert mse(model, unseen) < pca_error / 4


@pytest.fixture(scope="module")
def noise():
    return 7 + RNG.normal(size=(300, 6)) * [4, 3, 1, 1, 1, 1]


def test_network_is_discarded_for_pca_on_gaussian_noise(noise):
    model = make_estimator().fit(noise)
    assert not model.uses_network_
    pca = PCA(2, svd_solver="full").fit(noise)
    # Codes are in units of the scaled rows, and all columns share one standard deviation.
    deviation = np.sqrt(noise.var(axis=0).mean())
    codes, pca_codes = model.transform(noise), pca.transform(noise) / deviation
    signs = np.sign((codes * pca_codes).sum(axis=0))
    assert np.allclose(codes, signs * pca_codes, atol=1e-4)
    assert mse(model, noise) == pytest.approx(pca_mse(noise, 2), rel=1e-5)


def test_few_rows_use_pca_without_training():
    model = make_estimator().fit(RNG.normal(size=(40, 6)))
    assert not model.uses_network_
    assert model.history_ == {"epoch": [], "loss": [], "val_loss": [], "val_mse": []}


def test_linear_network_reaches_the_error_of_pca(noise):
    model = make_estimator(network="linear").fit(noise)
    assert mse(model, noise) == pytest.approx(pca_mse(noise, 2), rel=1e-3)


def test_network_without_principal_path_is_always_trained(noise):
    model = make_estimator(network=NETWORK_WITHOUT_PCA, epochs=30).fit(noise)
    assert model.uses_network_
    assert model.history_["val_loss"][-1] < model.history_["val_loss"][0]
    assert model.history_["val_mse"][0] > 0.9  # PCA would start below 0.9.


def test_reconstructions_of_bounded_rows_are_bounded():
    rows = (RNG.random((60, 1)) > 0.5) * np.ones((1, 5)) * RNG.random((60, 5)).round()
    model = make_estimator().fit(rows)
    reconstructed = model.inverse_transform(100 * model.transform(rows))
    assert reconstructed.min() >= 0
    assert reconstructed.max() <= 1


# -- kinds of rows ---------------------------------------------------------------------------------

ROWS = {
    "two rows": (np.array([[1.0, 2.0, 9.0], [3.0, 5.0, -4.0]]), 1, 1e-9),
    "all equal": (np.tile([5.1, -3.3, 1e5 + 0.1, 0.1], (50, 1)), 2, 1e-5),
    "all zero": (np.zeros((50, 3)), 2, 1e-12),
    "all equal images": (np.full((50, 3, 3), 200, np.uint8), 2, 1e-6),
    "bool": (RNG.random((60, 7)) > 0.5, 2, None),
    "float16": (RNG.normal(size=(60, 7)).astype("float16"), 2, None),
    "large offset": (1e4 + RNG.normal(size=(200, 5)), 2, None),
    "very large": (1e30 * RNG.normal(size=(200, 5)), 2, None),
    "very small": (1e-30 * RNG.normal(size=(200, 5)), 2, None),
    "too small for float32": (1e-50 * RNG.normal(size=(200, 5)), 2, 1e-90),
    "constant columns": (RNG.normal(size=(200, 5)) * [1, 0, 2, 0, 1] + [0, 3, 1, -7, 0], 2, None),
    "one column": (RNG.normal(size=(200, 1)), 1, 1e-9),
    "more components": (RNG.normal(size=(200, 3)), 8, 1e-9),
    "more components than rows": (RNG.normal(size=(6, 30)), 20, 1e-9),
    "large images of few rows": (RNG.random((6, 150, 150)).astype("float32"), 2, None),
}


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_error_does_not_exceed_that_of_pca(kind):
    rows, n_components, max_error = ROWS[kind]
    model = make_estimator(n_components).fit(rows)
    rows = rows.astype(float)
    if max_error is None:
        max_error = 1.001 * pca_mse(rows, n_components)
    assert model.transform(rows).shape == (len(rows), n_components)
    assert np.isfinite(model.transform(rows)).all()
    assert mse(model, rows) <= max_error
    assert np.isfinite(model.sample(3)).all()


def test_integers_beyond_32_bits_keep_their_precision():
    # Near 5·10⁹, neighbouring float32 numbers differ by 512.
    rows = RNG.integers(-(10**6), 10**6, (200, 3)) + 5 * 10**9
    model = make_estimator(3).fit(rows)
    assert np.abs(model.inverse_transform(model.transform(rows)) - rows).max() < 2000


@pytest.mark.parametrize("scaling", ["columns", "standard", "unit", "none"])
def test_reconstructions_are_in_the_units_of_the_rows(scaling):
    rows = RNG.normal(size=(100, 3)) * [1, 10, 100] + [0, 50, -200]
    model = make_estimator(3, scaling=scaling).fit(rows)
    assert np.allclose(model.inverse_transform(model.transform(rows)), rows, atol=1e-2)


def test_column_scaling_gives_columns_equal_weight():
    rows = RNG.normal(size=(300, 1)) * [1, 1, 0] + [0, 0, 1000] * RNG.normal(size=(300, 1))
    shared = make_estimator(1, network="linear", scaling="standard").fit(rows)
    separate = make_estimator(1, network="linear", scaling="columns").fit(rows)
    errors = [
        ((m.inverse_transform(m.transform(rows)) - rows) ** 2).mean(axis=0)
        for m in (shared, separate)
    ]
    # A single standard deviation makes the widest column dominate the error.
    assert errors[0][2] < 1
    assert errors[1][0] < 0.1
    assert errors[1][1] < 0.1


@pytest.mark.parametrize("row_shape", [(7, 9, 3), (5, 3)])
def test_conv_network_fits_images_of_odd_sizes(row_shape):
    rows = RNG.random((130, 1, 1, 1)) * np.linspace(0, 1, np.prod(row_shape)).reshape(row_shape)
    rows = rows.reshape(-1, *row_shape)
    network, training = ConvNetwork(filters=(4, 8), principal=False), Training(learning_rate=0.02)
    model = make_estimator(2, network=network, epochs=30, training=training).fit(rows)
    assert model.inverse_transform(model.transform(rows)).shape == rows.shape
    assert mse(model, rows) < rows.var(axis=0).mean()


def test_conv_network_rejects_rows_that_are_not_images():
    with pytest.raises(DataError, match="the network 'conv' takes images"):
        make_estimator(network="conv").fit(RNG.random((30, 4)))


# -- noise -----------------------------------------------------------------------------------------


def test_training_noise_improves_the_denoising_of_rows(digits):
    clean = digits / 255
    noisy = clean + 0.4 * np.random.default_rng(1).normal(size=digits.shape)
    settings = {"network": DenseNetwork(hidden=(64,), principal=False), "scaling": "none"}
    errors = []
    for noise in (0.0, 0.4):
        training = Training(learning_rate=0.01, noise=noise)
        model = make_estimator(16, epochs=30, training=training, **settings).fit(clean)
        errors.append(((model.inverse_transform(model.transform(noisy)) - clean) ** 2).mean())
        assert np.array_equal(model.transform(noisy), model.transform(noisy))
    assert errors[1] < 0.8 * errors[0]


# -- losses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "low"),
    [
        ("bernoulli", 0.0),
        ("bounded", 0.0),
        ("gaussian", -1.0),
        ("mse", -1.0),
        ("mae", -1.0),
        (keras.losses.Huber(), -1.0),
        (lambda rows, outputs: keras.ops.mean(keras.ops.abs(rows - outputs), axis=-1), -1.0),
    ],
)
def test_training_lowers_each_loss(loss, low, digits):
    model = make_estimator(8, network=NETWORK_WITHOUT_PCA, loss=loss, epochs=20).fit(digits)
    history = model.history_
    assert history["val_loss"][-1] < 0.8 * history["val_loss"][0]
    assert history["val_mse"][-1] < 0.8 * history["val_mse"][0]
    assert model.inverse_transform(model.transform(digits)).min() >= 255 * low


@pytest.mark.parametrize(
    ("network", "scaling", "loss"),
    [
        (NETWORK_WITHOUT_PCA, "unit", "bernoulli"),
        (NETWORK_WITHOUT_PCA, "standard", "gaussian"),
        (LinearNetwork(), "unit", "bounded"),
        (LinearNetwork(), "standard", "gaussian"),
        (LinearNetwork(principal=False), "unit", "bernoulli"),
    ],
)
def test_auto_selects_the_loss_by_network_and_scaling(network, scaling, loss, digits):
    model = make_estimator(network=network, scaling=scaling, epochs=1).fit(digits[:150])
    assert model._state.loss == loss


def test_loss_must_return_one_number_per_row():
    with pytest.raises(SettingError, match="loss: expected one number per row"):
        make_estimator(network=NETWORK_WITHOUT_PCA, loss=lambda rows, outputs: rows - outputs).fit(
            RNG.random((50, 3))
        )


# -- repeated fits ---------------------------------------------------------------------------------


def test_random_state_makes_fits_repeatable(noise):
    expected, repeated, other_codes = (
        make_estimator(network=NETWORK_WITHOUT_PCA, random_state=seed).fit(noise).transform(noise)
        for seed in (0, 0, 1)
    )
    assert np.array_equal(expected, repeated)
    assert not np.allclose(expected, other_codes)
    expected, repeated = (
        make_estimator(network=NETWORK_WITHOUT_PCA, random_state=np.random.RandomState(5))
        .fit(noise)
        .transform(noise)
        for _ in range(2)
    )
    assert np.array_equal(expected, repeated)


def test_fit_ignores_and_keeps_global_random_state(noise):
    keras.utils.set_random_seed(1)
    expected = make_estimator(network=NETWORK_WITHOUT_PCA).fit(noise).transform(noise)
    keras.utils.set_random_seed(2)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert np.array_equal(
        make_estimator(network=NETWORK_WITHOUT_PCA).fit(noise).transform(noise), expected
    )
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_second_fit_equals_a_fit_of_a_new_estimator(noise):
    model = make_estimator(network=NETWORK_WITHOUT_PCA).fit(RNG.normal(size=(100, 3)))
    assert np.array_equal(
        model.fit(noise).transform(noise),
        make_estimator(network=NETWORK_WITHOUT_PCA).fit(noise).transform(noise),
    )
    assert model.n_features_in_ == 6


def test_fit_does_not_change_settings_or_rows(digits):
    rows, settings = digits.copy(), Training(batch_size=32)
    model = make_estimator(training=settings).fit(rows)
    assert np.array_equal(rows, digits)
    assert model.training is settings
    assert settings.get_params() == Training(batch_size=32).get_params()


def test_fit_prints_only_if_verbose(noise, capfd):
    make_estimator().fit(noise)
    assert capfd.readouterr() == ("", "")
    make_estimator(verbose=True).fit(noise)
    assert "fitting" in capfd.readouterr().err


def test_fit_of_constant_rows_raises_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_estimator().fit(np.ones((50, 3)))


# -- networks of the user --------------------------------------------------------------------------


def user_networks(row_shape=(8, 8), n_components=3):
    flat = int(np.prod(row_shape))
    encoder = keras.Sequential(
        [
            keras.Input(row_shape),
            keras.layers.Flatten(),
            keras.layers.Dense(32, "relu"),
            keras.layers.Dense(n_components),
        ]
    )
    decoder = keras.Sequential(
        [
            keras.Input((n_components,)),
            keras.layers.Dense(32, "relu"),
            keras.layers.Dense(flat, "sigmoid"),
            keras.layers.Reshape(row_shape),
        ]
    )
    return encoder, decoder


@pytest.fixture(scope="module")
def user_model(digits):
    return make_estimator(3, network=user_networks(), epochs=30).fit(digits)


def test_networks_of_the_user_are_trained(user_model, digits):
    assert user_model.uses_network_
    assert user_model.history_["val_loss"][-1] < user_model.history_["val_loss"][0]
    assert mse(user_model, digits) < 0.9 * digits.var(axis=0).mean()
    assert user_model._state.loss == "binary_crossentropy"


def test_fit_does_not_change_the_weights_of_the_users_models(digits):
    models = user_networks()
    before = [keras.ops.convert_to_numpy(w.value).copy() for m in models for w in m.weights]
    make_estimator(3, network=models).fit(digits)
    after = [keras.ops.convert_to_numpy(w.value) for m in models for w in m.weights]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    "copy_model", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_model_with_networks_of_the_user_can_be_copied(copy_model, user_model, digits):
    assert np.array_equal(copy_model(user_model).transform(digits), user_model.transform(digits))


def test_model_with_networks_of_the_user_can_be_cloned(user_model, digits):
    repeated = clone(user_model).fit(digits[:100])
    assert repeated.transform(digits).shape == (500, 3)


def test_networks_of_other_shapes_than_the_rows_are_refused(digits):
    with pytest.raises(SettingError, match=r"expected shape \(8, 8\) for the encoder's input"):
        make_estimator(3, network=user_networks((8, 9))).fit(digits)
    with pytest.raises(SettingError, match=r"expected shape \(2,\) for the encoder's output"):
        make_estimator(2, network=user_networks()).fit(digits)


# -- invalid settings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_components": 0}, "n_components: expected an integer of at least 1, found 0"),
        ({"n_components": -1}, "n_components: expected an integer of at least 1, found -1"),
        ({"n_components": 1.5}, "n_components: expected an integer of at least 1, found 1.5"),
        ({"n_components": "2"}, "n_components: expected an integer of at least 1, found '2'"),
        ({"n_components": True}, "n_components: expected an integer of at least 1, found True"),
        ({"n_components": None}, "n_components: expected"),
        ({"network": "dens"}, "unknown network 'dens', did you mean 'dense'"),
        ({"network": None}, "network: expected"),
        ({"loss": "mze"}, "unknown loss 'mze', did you mean 'mse'"),
        ({"loss": 3}, "loss: expected"),
        ({"scaling": "unitt"}, "unknown scaling 'unitt', did you mean 'unit'"),
        ({"scaling": None}, "scaling: expected"),
        ({"training": Training(noise=-1)}, "noise: expected a number from 0 to 1, found -1"),
        ({"training": Training(noise=float("nan"))}, "noise: expected"),
        ({"training": Training(noise=float("inf"))}, "noise: expected"),
        ({"training": Training(noise="x")}, "noise: expected"),
        ({"epochs": 0}, "epochs: expected 'auto' or an integer from 1 to 2147483647, found 0"),
        ({"epochs": "x"}, "epochs: expected"),
        ({"training": "fast"}, "training: expected a Training or None"),
        ({"training": Training(batch_size=0)}, "batch_size: expected"),
        ({"training": Training(learning_rate="x")}, "learning_rate: expected"),
        ({"training": Training(schedule="cos")}, "schedule: expected"),
        ({"training": Training(held_out=2)}, "held_out: expected"),
        ({"random_state": "x"}, "random_state: "),
    ],
)
@pytest.mark.parametrize("n_rows", [200, 5])
def test_invalid_settings_are_refused(settings, message, n_rows):
    with pytest.raises(SettingError, match=message) as raised:
        make_estimator(**settings).fit(RNG.normal(size=(n_rows, 3)))
    assert isinstance(raised.value, LatentmapError)
    assert isinstance(raised.value, ValueError)
    assert "\n" not in str(raised.value)


def test_unknown_network_raises_unknown_name_error():
    with pytest.raises(UnknownNameError):
        make_estimator(network="dens").fit(RNG.normal(size=(20, 3)))


def test_divergence_raises_and_keeps_the_previous_model(noise):
    diverging = Training(learning_rate=1e30, schedule="constant")
    model = make_estimator(network=NETWORK_WITHOUT_PCA).fit(noise)
    codes = model.transform(noise)
    for held_out in (0, 0.1):
        diverging.set_params(held_out=held_out)
        with pytest.raises(SettingError, match="training diverged"):
            model.set_params(training=diverging).fit(noise)
    assert np.array_equal(model.transform(noise), codes)


def test_network_is_used_without_held_out_rows():
    rows = RNG.normal(size=(64, 5))
    model = AutoEncoder(2, epochs=3, training=Training(held_out=0), random_state=0).fit(rows)
    assert model.uses_network_
    assert model.history_["epoch"][-1] == 3
    assert np.isnan(model.history_["val_loss"]).all()
