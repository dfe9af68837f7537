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
TRAINED = DenseNetwork(hidden=(32,), principal=False)
RNG = np.random.default_rng(0)


def small(n_components=2, **settings):
    return AutoEncoder(
        n_components, **{"network": SMALL, "epochs": 3, "random_state": 0, **settings}
    )


def mse(model, rows):
    return ((model.inverse_transform(model.transform(rows)) - rows) ** 2).mean()


def pca_mse(rows, n_components):
    flat = np.reshape(rows, (len(rows), -1)).astype(float)
    pca = PCA(min(n_components, *flat.shape), svd_solver="full").fit(flat)
    return ((pca.inverse_transform(pca.transform(flat)) - flat) ** 2).mean()


# -- beside PCA ------------------------------------------------------------------------------------


def test_a_curve_is_learned_where_pca_cannot(curve):
    model = AutoEncoder(1, network=DenseNetwork(hidden=(64, 64)), epochs=150, random_state=0)
    model.fit(curve[:400])
    assert model.uses_network_
    unseen, pca = curve[400:], PCA(1).fit(curve[:400])
    pca_error = ((pca.inverse_transform(pca.transform(unseen)) - unseen) ** 2).mean()
    assert mse(model, unseen) < pca_error / 4


@pytest.fixture(scope="module")
def noise():
    return 7 + RNG.normal(size=(300, 6)) * [4, 3, 1, 1, 1, 1]


def test_on_pure_noise_pca_remains(noise):
    model = small().fit(noise)
    assert not model.uses_network_
    pca = PCA(2, svd_solver="full").fit(noise)
    # Codes are in units of the scaled rows: one deviation for all columns.
    deviation = np.sqrt(noise.var(axis=0).mean())
    ours, theirs = model.transform(noise), pca.transform(noise) / deviation
    signs = np.sign((ours * theirs).sum(axis=0))
    assert np.allclose(ours, signs * theirs, atol=1e-4)
    assert mse(model, noise) == pytest.approx(pca_mse(noise, 2), rel=1e-5)


def test_with_few_rows_pca_remains_and_nothing_is_trained():
    model = small().fit(RNG.normal(size=(40, 6)))
    assert not model.uses_network_
    assert model.history_ == {"epoch": [], "loss": [], "val_loss": [], "val_mse": []}


def test_the_linear_network_is_pca(noise):
    model = small(network="linear").fit(noise)
    assert mse(model, noise) == pytest.approx(pca_mse(noise, 2), rel=1e-3)


def test_a_network_without_pca_is_always_trained(noise):
    model = small(network=TRAINED, epochs=30).fit(noise)
    assert model.uses_network_
    assert model.history_["val_loss"][-1] < model.history_["val_loss"][0]
    assert model.history_["val_mse"][0] > 0.9  # not PCA at the start


def test_reconstructions_of_rows_in_0_1_stay_in_0_1():
    rows = (RNG.random((60, 1)) > 0.5) * np.ones((1, 5)) * RNG.random((60, 5)).round()
    model = small().fit(rows)
    back = model.inverse_transform(100 * model.transform(rows))
    assert back.min() >= 0
    assert back.max() <= 1


# -- rows of every kind ----------------------------------------------------------------------------

ROWS = {
    "two rows": (np.array([[1.0, 2.0, 9.0], [3.0, 5.0, -4.0]]), 1, 1e-9),
    "all equal": (np.tile([5.1, -3.3, 1e5 + 0.1, 0.1], (50, 1)), 2, 1e-5),
    "all zero": (np.zeros((50, 3)), 2, 1e-12),
    "all equal images": (np.full((50, 3, 3), 200, np.uint8), 2, 1e-6),
    "bool": (RNG.random((60, 7)) > 0.5, 2, None),
    "float16": (RNG.normal(size=(60, 7)).astype("float16"), 2, None),
    "far away": (1e4 + RNG.normal(size=(200, 5)), 2, None),
    "very large": (1e30 * RNG.normal(size=(200, 5)), 2, None),
    "very small": (1e-30 * RNG.normal(size=(200, 5)), 2, None),
    "too small to tell": (1e-50 * RNG.normal(size=(200, 5)), 2, 1e-90),
    "constant columns": (RNG.normal(size=(200, 5)) * [1, 0, 2, 0, 1] + [0, 3, 1, -7, 0], 2, None),
    "one column": (RNG.normal(size=(200, 1)), 1, 1e-9),
    "more components": (RNG.normal(size=(200, 3)), 8, 1e-9),
    "more components than rows": (RNG.normal(size=(6, 30)), 20, 1e-9),
    "large images of few rows": (RNG.random((6, 150, 150)).astype("float32"), 2, None),
}


@pytest.mark.parametrize("kind", sorted(ROWS))
def test_rows_of_every_kind_are_no_worse_than_pca(kind):
    rows, n_components, at_most = ROWS[kind]
    model = small(n_components).fit(rows)
    rows = rows.astype(float)
    if at_most is None:
        at_most = 1.001 * pca_mse(rows, n_components)
    assert model.transform(rows).shape == (len(rows), n_components)
    assert np.isfinite(model.transform(rows)).all()
    assert mse(model, rows) <= at_most
    assert np.isfinite(model.sample(3)).all()


def test_rows_far_beyond_32_bits_are_not_cut():
    # float32 tells numbers near 5·10⁹ apart by 512.
    rows = RNG.integers(-(10**6), 10**6, (200, 3)) + 5 * 10**9
    model = small(3).fit(rows)
    assert np.abs(model.inverse_transform(model.transform(rows)) - rows).max() < 2000


@pytest.mark.parametrize("scaling", ["columns", "standard", "unit", "none"])
def test_every_scaling_comes_back_in_the_rows_units(scaling):
    rows = RNG.normal(size=(100, 3)) * [1, 10, 100] + [0, 50, -200]
    model = small(3, scaling=scaling).fit(rows)
    assert np.allclose(model.inverse_transform(model.transform(rows)), rows, atol=1e-2)


def test_columns_of_different_units_count_alike_when_asked():
    rows = RNG.normal(size=(300, 1)) * [1, 1, 0] + [0, 0, 1000] * RNG.normal(size=(300, 1))
    one = small(1, network="linear").fit(rows)
    each = small(1, network="linear", scaling="columns").fit(rows)
    apart = [
        ((m.inverse_transform(m.transform(rows)) - rows) ** 2).mean(axis=0) for m in (one, each)
    ]
    assert apart[0][2] < 1  # one deviation for all: the wide column is what counts
    assert apart[1][0] < 0.1
    assert apart[1][1] < 0.1


@pytest.mark.parametrize("row_shape", [(7, 9, 3), (5, 3)])
def test_convolutions_on_odd_images(row_shape):
    rows = RNG.random((130, 1, 1, 1)) * np.linspace(0, 1, np.prod(row_shape)).reshape(row_shape)
    rows = rows.reshape(-1, *row_shape)
    network, fast = ConvNetwork(filters=(4, 8), principal=False), Training(learning_rate=0.02)
    model = small(2, network=network, epochs=30, training=fast).fit(rows)
    assert model.inverse_transform(model.transform(rows)).shape == rows.shape
    assert mse(model, rows) < rows.var(axis=0).mean()


def test_convolutions_take_images_only():
    with pytest.raises(DataError, match="the network 'conv' takes images"):
        small(network="conv").fit(RNG.random((30, 4)))


# -- noise -----------------------------------------------------------------------------------------


def test_a_denoising_one_brings_noisy_rows_nearer(digits):
    clean = digits / 255
    dirty = clean + 0.4 * np.random.default_rng(1).normal(size=digits.shape)
    settings = {"network": DenseNetwork(hidden=(64,), principal=False), "scaling": "none"}
    errors = []
    for noise in (0.0, 0.4):
        training = Training(learning_rate=0.01, noise=noise)
        model = small(16, epochs=30, training=training, **settings).fit(clean)
        errors.append(((model.inverse_transform(model.transform(dirty)) - clean) ** 2).mean())
        assert np.array_equal(model.transform(dirty), model.transform(dirty))
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
def test_every_loss_lowers_itself(loss, low, digits):
    model = small(8, network=TRAINED, loss=loss, epochs=20).fit(digits)
    history = model.history_
    assert history["val_loss"][-1] < 0.8 * history["val_loss"][0]
    assert history["val_mse"][-1] < 0.8 * history["val_mse"][0]
    assert model.inverse_transform(model.transform(digits)).min() >= 255 * low


@pytest.mark.parametrize(
    ("network", "scaling", "loss"),
    [
        (TRAINED, "unit", "bernoulli"),
        (TRAINED, "standard", "gaussian"),
        (LinearNetwork(), "unit", "bounded"),
        (LinearNetwork(), "standard", "gaussian"),
        (LinearNetwork(principal=False), "unit", "bernoulli"),
    ],
)
def test_what_auto_stands_for(network, scaling, loss, digits):
    model = small(network=network, scaling=scaling, epochs=1).fit(digits[:150])
    assert model._state.loss == loss


def test_a_loss_that_gives_no_number_a_row_is_refused():
    with pytest.raises(SettingError, match="loss: expected one number a row"):
        small(network=TRAINED, loss=lambda rows, outputs: rows - outputs).fit(RNG.random((50, 3)))


# -- again and again -------------------------------------------------------------------------------


def test_random_state_decides_everything(noise):
    first, again, other = (
        small(network=TRAINED, random_state=seed).fit(noise).transform(noise) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)
    first, again = (
        small(network=TRAINED, random_state=np.random.RandomState(5)).fit(noise).transform(noise)
        for _ in range(2)
    )
    assert np.array_equal(first, again)


def test_the_state_of_keras_and_numpy_is_left_alone(noise):
    keras.utils.set_random_seed(1)
    first = small(network=TRAINED).fit(noise).transform(noise)
    keras.utils.set_random_seed(2)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert np.array_equal(small(network=TRAINED).fit(noise).transform(noise), first)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_fitting_again_starts_anew(noise):
    model = small(network=TRAINED).fit(RNG.normal(size=(100, 3)))
    assert np.array_equal(
        model.fit(noise).transform(noise), small(network=TRAINED).fit(noise).transform(noise)
    )
    assert model.n_features_in_ == 6


def test_settings_and_rows_are_not_touched(digits):
    rows, settings = digits.copy(), Training(batch_size=32)
    model = small(training=settings).fit(rows)
    assert np.array_equal(rows, digits)
    assert model.training is settings
    assert settings.get_params() == Training(batch_size=32).get_params()


def test_nothing_is_said_unless_asked(noise, capfd):
    small().fit(noise)
    assert capfd.readouterr() == ("", "")
    small(verbose=True).fit(noise)
    assert "fitting" in capfd.readouterr().err


def test_constant_rows_raise_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small().fit(np.ones((50, 3)))


# -- a pair of the user's own ----------------------------------------------------------------------


def pair(row_shape=(8, 8), n_components=3):
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
def own(digits):
    return small(3, network=pair(), epochs=30).fit(digits)


def test_a_pair_of_ones_own_is_trained(own, digits):
    assert own.uses_network_
    assert own.history_["val_loss"][-1] < own.history_["val_loss"][0]
    assert mse(own, digits) < 0.9 * digits.var(axis=0).mean()
    assert own._state.loss == "binary_crossentropy"


def test_the_users_own_models_stay_as_they_were(digits):
    models = pair()
    before = [keras.ops.convert_to_numpy(w.value).copy() for m in models for w in m.weights]
    small(3, network=models).fit(digits)
    after = [keras.ops.convert_to_numpy(w.value) for m in models for w in m.weights]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_pair_of_ones_own_can_be_copied(copied, own, digits):
    assert np.array_equal(copied(own).transform(digits), own.transform(digits))


def test_a_pair_of_ones_own_can_be_cloned(own, digits):
    again = clone(own).fit(digits[:100])
    assert again.transform(digits).shape == (500, 3)


def test_a_pair_that_does_not_fit_the_rows(digits):
    with pytest.raises(SettingError, match=r"expected shape \(8, 8\) for the encoder's input"):
        small(3, network=pair((8, 9))).fit(digits)
    with pytest.raises(SettingError, match=r"expected shape \(2,\) for the encoder's output"):
        small(2, network=pair()).fit(digits)


# -- wrong settings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"n_components": 0}, "n_components: expected an integer from 1 up, found 0"),
        ({"n_components": -1}, "n_components: expected an integer from 1 up, found -1"),
        ({"n_components": 1.5}, "n_components: expected an integer from 1 up, found 1.5"),
        ({"n_components": "2"}, "n_components: expected an integer from 1 up, found '2'"),
        ({"n_components": True}, "n_components: expected an integer from 1 up, found True"),
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
        ({"epochs": 0}, "epochs: expected 'auto' or an integer above 0, found 0"),
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
def test_settings_outside_their_range(settings, told, n_rows):
    with pytest.raises(SettingError, match=told) as caught:
        small(**settings).fit(RNG.normal(size=(n_rows, 3)))
    assert isinstance(caught.value, LatentmapError)
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


def test_unknown_names_have_a_type_of_their_own():
    with pytest.raises(UnknownNameError):
        small(network="dens").fit(RNG.normal(size=(20, 3)))


def test_diverging_is_told_and_leaves_the_model_as_it_was(noise):
    wild = Training(learning_rate=1e30, schedule="constant")
    model = small(network=TRAINED).fit(noise)
    codes = model.transform(noise)
    for held_out in (0, 0.1):
        wild.set_params(held_out=held_out)
        with pytest.raises(SettingError, match="training diverged"):
            model.set_params(training=wild).fit(noise)
    assert np.array_equal(model.transform(noise), codes)  # the good model is still whole


def test_with_nothing_held_out_the_network_is_trained_and_stays():
    rows = RNG.normal(size=(64, 5))
    model = AutoEncoder(2, epochs=3, training=Training(held_out=0), random_state=0).fit(rows)
    assert model.uses_network_
    assert model.history_["epoch"][-1] == 3
    assert np.isnan(model.history_["val_loss"]).all()
