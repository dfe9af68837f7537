"""What all estimators share: rows to codes and back, scores, and scikit-learn's manners."""

import copy
import pickle
import re

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError as SklearnNotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from latentmap import AutoEncoder, Training, VariationalAutoEncoder, load_model
from latentmap.errors import LatentmapError, NotFittedError, SettingError, TooLargeError
from latentmap.networks.dense import DenseNetwork

SMALL = DenseNetwork(hidden=(8,))
BOTH = ["image_model", "variational_model"]


@pytest.fixture(params=BOTH)
def model(request):
    return request.getfixturevalue(request.param)


# -- there and back --------------------------------------------------------------------------------


def test_images_come_back_as_images_in_their_units(model, digits):
    codes = model.transform(digits)
    back = model.inverse_transform(codes)
    assert (codes.shape, codes.dtype) == ((500, 4), np.float32)
    assert (back.shape, back.dtype) == (digits.shape, np.float32)
    spread = ((digits - digits.mean(axis=0)) ** 2).mean()
    assert ((back - digits) ** 2).mean() < 0.8 * spread


def test_the_networks_are_keras_models_of_raw_rows(model, digits):
    assert isinstance(model.encoder_, keras.Model)
    assert isinstance(model.decoder_, keras.Model)
    codes = model.encoder_.predict(digits, verbose=0)
    assert np.allclose(codes, model.transform(digits), atol=1e-4)
    back = model.decoder_.predict(codes, verbose=0)
    assert np.allclose(back, model.inverse_transform(codes), atol=1e-2)


def test_codes_do_not_depend_on_the_rows_beside(model, digits):
    whole = model.transform(digits)
    assert np.array_equal(model.transform(digits[17:18]), whole[17:18])
    assert np.array_equal(model.transform(digits[::-1]), whole[::-1])
    assert np.array_equal(model.inverse_transform(whole[:3]), model.inverse_transform(whole)[:3])


def test_errors_are_those_of_the_reconstruction(model, digits):
    back = model.inverse_transform(model.transform(digits))
    expected = ((back / 255 - digits / 255) ** 2).mean(axis=(1, 2))
    errors = model.reconstruction_error(digits)
    assert errors.shape == (500,)
    assert np.allclose(errors, expected, rtol=1e-3)
    assert np.allclose(model.reconstruction_error(digits[::-3]), errors[::-3], rtol=1e-6)


def test_an_odd_row_has_a_larger_error(image_model, digits):
    noise = np.random.default_rng(0).integers(0, 256, (50, 8, 8)).astype(np.uint8)
    errors = image_model.reconstruction_error
    assert errors(noise).min() > np.quantile(errors(digits), 0.9)


def test_the_score_is_minus_the_mean_error(image_model, digits):
    errors = image_model.reconstruction_error(digits)
    assert image_model.score(digits) == pytest.approx(-errors.mean())
    assert image_model.score(digits) > image_model.score(255 - digits)


def test_history_has_one_entry_a_look(model):
    assert list(model.history_) == ["epoch", "loss", "val_loss", "val_mse"]
    assert len({len(values) for values in model.history_.values()}) == 1
    assert model.history_["epoch"][0] == 0
    assert model.history_["val_loss"][-1] < model.history_["val_loss"][0]


# -- new rows --------------------------------------------------------------------------------------


def test_samples_look_like_rows(model, digits):
    made = model.sample(200)
    assert made.shape == (200, 8, 8)
    assert made.dtype == np.float32
    assert made.min() >= 0
    assert made.max() <= 255
    # The mean picture of what is made is about that of what was fitted.
    assert np.corrcoef(made.mean(axis=0).ravel(), digits.mean(axis=0).ravel())[0, 1] > 0.9
    assert made.std(axis=0).mean() > 0.2 * digits.std(axis=0).mean()


def test_samples_follow_random_state(model):
    assert np.array_equal(model.sample(3), model.sample(3))
    other = copy.deepcopy(model).set_params(random_state=1)
    assert not np.allclose(other.sample(3), model.sample(3))
    free = copy.deepcopy(model).set_params(random_state=None)
    assert not np.allclose(free.sample(3), free.sample(3))


@pytest.mark.parametrize("n_samples", [0, -1, 1.5, "2", None])
def test_numbers_of_samples_outside_their_range(n_samples, image_model):
    with pytest.raises(SettingError, match="n_samples: expected an integer above 0, found"):
        image_model.sample(n_samples)


# -- not fitted ------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", [AutoEncoder(), VariationalAutoEncoder()])
@pytest.mark.parametrize(
    "use",
    [
        lambda e: e.transform([[1.0]]),
        lambda e: e.inverse_transform([[1.0, 2.0]]),
        lambda e: e.reconstruction_error([[1.0]]),
        lambda e: e.score([[1.0]]),
        lambda e: e.sample(),
        lambda e: e.save("never.safetensors"),
        lambda e: e.get_feature_names_out(),
    ],
)
def test_use_before_fitting(estimator, use):
    with pytest.raises(SklearnNotFittedError) as caught:
        use(estimator)
    if not use.__code__.co_names[0].startswith("get_"):
        assert isinstance(caught.value, NotFittedError)
        assert isinstance(caught.value, LatentmapError)
        told = f"this {type(estimator).__name__} is not fitted yet: call fit first"
        assert str(caught.value) == told


# -- copies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_a_copy_is_the_same_model(copied, model, digits):
    again = copied(model)
    assert np.array_equal(again.transform(digits), model.transform(digits))
    assert np.array_equal(again.sample(2), model.sample(2))
    assert again.score(digits) == model.score(digits)
    np.testing.assert_equal(again.history_, model.history_)
    assert again.get_params() == model.get_params()


def test_a_copy_lives_its_own_life(image_model, digits):
    codes = image_model.transform(digits)
    again = copy.deepcopy(image_model)
    for weight in again.encoder_.weights:
        weight.assign(np.zeros(weight.shape))
    assert np.array_equal(image_model.transform(digits), codes)


def test_an_unfitted_one_can_be_pickled():
    again = pickle.loads(pickle.dumps(AutoEncoder(3, training=Training(batch_size=5))))
    assert again.n_components == 3
    assert again.training.batch_size == 5
    with pytest.raises(NotFittedError):
        again.transform([[1.0]])


def test_a_clone_has_the_settings_and_nothing_learned(model):
    again = clone(model)
    assert again.get_params() == model.get_params()
    assert not hasattr(again, "encoder_")


def test_the_fingerprint_is_the_model_s_own(image_model, variational_model, digits, tmp_path):
    image_model.save(tmp_path / "model.safetensors")
    copied = pickle.loads(pickle.dumps(image_model))
    for same in (load_model(tmp_path / "model.safetensors"), copied):
        assert same.fingerprint() == image_model.fingerprint()
    assert re.fullmatch("[0-9a-f]{64}", image_model.fingerprint())
    assert image_model.fingerprint() != variational_model.fingerprint()
    kernel = copied.decoder_.trainable_weights[-1]
    kernel.assign(kernel + 1)
    assert copied.fingerprint() != image_model.fingerprint()


def test_the_scale_leads_from_units_to_the_error(image_model, table_model, digits, iris):
    assert image_model.scale_ == 255
    for model, rows in ((image_model, digits), (table_model, iris)):
        apart = model.inverse_transform(model.transform(rows)) - np.asarray(rows)
        errors = np.square(apart / model.scale_).reshape(len(rows), -1).mean(axis=1)
        assert errors == pytest.approx(model.reconstruction_error(rows), rel=1e-3)


def test_the_scale_of_columns_has_the_shape_of_a_row(iris):
    model = AutoEncoder(1, network="linear", scaling="columns").fit(iris)
    assert model.scale_ == pytest.approx(iris.to_numpy().std(axis=0), rel=1e-3)


# -- among scikit-learn's own ----------------------------------------------------------------------


def test_codes_as_a_data_frame(table_model, iris):
    named = copy.deepcopy(table_model).set_output(transform="pandas")
    codes = named.transform(iris.iloc[::-1])
    assert isinstance(codes, pd.DataFrame)
    assert codes.columns.tolist() == ["autoencoder0", "autoencoder1"]
    assert codes.index.tolist() == iris.index[::-1].tolist()
    assert np.array_equal(codes.to_numpy()[::-1], table_model.transform(iris))


def test_in_a_pipeline(digits):
    labels = np.arange(500) < 250
    rows = np.where(labels[:, None], 3.0, 0.0) + digits.reshape(500, -1) / 255
    encoder = AutoEncoder(2, network=SMALL, epochs=3, random_state=0)
    pipeline = make_pipeline(StandardScaler(), encoder, LogisticRegression())
    assert pipeline.fit(rows[::2], labels[::2]).score(rows[1::2], labels[1::2]) > 0.95
    back = pipeline[:-1].inverse_transform(pipeline[:-1].transform(rows))
    assert back.shape == rows.shape


def test_in_a_grid_search(iris):
    search = GridSearchCV(
        AutoEncoder(network=SMALL, epochs=2, training=Training(), random_state=0),
        {"n_components": [1, 3], "training__learning_rate": [1e-3, 1e-2]},
        cv=2,
    ).fit(iris)
    assert search.best_params_["n_components"] == 3
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.training.learning_rate in (1e-3, 1e-2)
    assert search.transform(iris).shape == (150, 3)


def test_a_code_too_large_for_the_machine_is_refused():
    with pytest.raises(TooLargeError, match=r"n_components: 1000000000: needs .* GB of memory"):
        AutoEncoder(10**9).fit(np.zeros((20, 30)))


def test_an_interrupted_fit_leaves_the_estimator_as_it_was(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(200, 4))
    model = AutoEncoder(2, network=DenseNetwork((8,)), epochs=2, random_state=0).fit(rows)
    codes = model.transform(rows)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(AutoEncoder, "_train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(rows[:, :3])
    assert np.array_equal(model.transform(rows), codes)


def test_a_setting_changed_after_fitting_waits_for_the_next_fit():
    rows = np.random.default_rng(0).normal(size=(200, 4))
    model = AutoEncoder(2, network=DenseNetwork((8,)), epochs=2, random_state=0).fit(rows)
    codes = model.transform(rows)
    copied = pickle.loads(pickle.dumps(model.set_params(n_components=3)))
    assert np.array_equal(copied.transform(rows), codes)
