"""Tests of the methods that all estimators share and of the conventions of scikit-learn."""

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
MODELS = ["image_model", "variational_model"]


@pytest.fixture(params=MODELS)
def model(request):
    return request.getfixturevalue(request.param)


def assert_same(results, expected):
    """Compare the results of two networks with equal weights.

    On PyTorch, the rounding of a sum depends on where its arrays are in memory.
    """
    tolerance = 0 if keras.backend.backend() == "jax" else 1e-5
    np.testing.assert_allclose(results, expected, rtol=tolerance, atol=tolerance)


# -- transform and inverse_transform ---------------------------------------------------------------


def test_reconstructed_images_have_the_shape_and_units_of_the_rows(model, digits):
    codes = model.transform(digits)
    reconstructed = model.inverse_transform(codes)
    assert (codes.shape, codes.dtype) == ((500, 4), np.float32)
    assert (reconstructed.shape, reconstructed.dtype) == (digits.shape, np.float32)
    variance = ((digits - digits.mean(axis=0)) ** 2).mean()
    assert ((reconstructed - digits) ** 2).mean() < 0.8 * variance


def test_encoder_and_decoder_are_keras_models_of_raw_rows(model, digits):
    assert isinstance(model.encoder_, keras.Model)
    assert isinstance(model.decoder_, keras.Model)
    codes = model.encoder_.predict(digits, verbose=0)
    assert np.allclose(codes, model.transform(digits), atol=1e-4)
    reconstructed = model.decoder_.predict(codes, verbose=0)
    assert np.allclose(reconstructed, model.inverse_transform(codes), atol=1e-2)


def test_codes_do_not_depend_on_other_rows_of_the_batch(model, digits):
    all_codes = model.transform(digits)
    assert np.array_equal(model.transform(digits[17:18]), all_codes[17:18])
    assert np.array_equal(model.transform(digits[::-1]), all_codes[::-1])
    assert np.array_equal(
        model.inverse_transform(all_codes[:3]), model.inverse_transform(all_codes)[:3]
    )


def test_reconstruction_error_is_the_scaled_mean_squared_error(model, digits):
    reconstructed = model.inverse_transform(model.transform(digits))
    expected = ((reconstructed / 255 - digits / 255) ** 2).mean(axis=(1, 2))
    errors = model.reconstruction_error(digits)
    assert errors.shape == (500,)
    assert np.allclose(errors, expected, rtol=1e-3)
    assert np.allclose(model.reconstruction_error(digits[::-3]), errors[::-3], rtol=1e-6)


def test_random_images_have_larger_errors(image_model, digits):
    noise = np.random.default_rng(0).integers(0, 256, (50, 8, 8)).astype(np.uint8)
    errors = image_model.reconstruction_error
    assert errors(noise).min() > np.quantile(errors(digits), 0.9)


def test_score_is_the_negative_mean_error(image_model, digits):
    errors = image_model.reconstruction_error(digits)
    assert image_model.score(digits) == pytest.approx(-errors.mean())
    assert image_model.score(digits) > image_model.score(255 - digits)


def test_history_has_one_entry_per_evaluation(model):
    assert list(model.history_) == ["epoch", "loss", "val_loss", "val_mse"]
    assert len({len(values) for values in model.history_.values()}) == 1
    assert model.history_["epoch"][0] == 0
    assert model.history_["val_loss"][-1] < model.history_["val_loss"][0]


# -- samples ---------------------------------------------------------------------------------------


def test_samples_are_distributed_like_the_rows(model, digits):
    samples = model.sample(200)
    assert samples.shape == (200, 8, 8)
    assert samples.dtype == np.float32
    assert samples.min() >= 0
    assert samples.max() <= 255
    # The mean of the samples is close to the mean of the fitted rows.
    assert np.corrcoef(samples.mean(axis=0).ravel(), digits.mean(axis=0).ravel())[0, 1] > 0.9
    assert samples.std(axis=0).mean() > 0.2 * digits.std(axis=0).mean()


def test_samples_depend_on_random_state(model):
    assert np.array_equal(model.sample(3), model.sample(3))
    other = copy.deepcopy(model).set_params(random_state=1)
    assert not np.allclose(other.sample(3), model.sample(3))
    unseeded = copy.deepcopy(model).set_params(random_state=None)
    assert not np.allclose(unseeded.sample(3), unseeded.sample(3))


@pytest.mark.parametrize("n_samples", [0, -1, 1.5, "2", None])
def test_invalid_n_samples_is_refused(n_samples, image_model):
    with pytest.raises(SettingError, match="n_samples: expected an integer of at least 1, found"):
        image_model.sample(n_samples)


# -- unfitted estimators ---------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", [AutoEncoder(), VariationalAutoEncoder()])
@pytest.mark.parametrize(
    "call_method",
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
def test_methods_raise_before_fit(estimator, call_method):
    with pytest.raises(SklearnNotFittedError) as raised:
        call_method(estimator)
    if not call_method.__code__.co_names[0].startswith("get_"):
        assert isinstance(raised.value, NotFittedError)
        assert isinstance(raised.value, LatentmapError)
        message = f"this {type(estimator).__name__} is not fitted yet: call fit first"
        assert str(raised.value) == message


# -- copies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "copy_model", [copy.deepcopy, copy.copy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_copies_give_the_results_of_the_original(copy_model, model, digits):
    copied_model = copy_model(model)
    assert_same(copied_model.transform(digits), model.transform(digits))
    assert_same(copied_model.sample(2) / 255, model.sample(2) / 255)
    assert_same(copied_model.score(digits), model.score(digits))
    np.testing.assert_equal(copied_model.history_, model.history_)
    assert copied_model.get_params() == model.get_params()


def test_changes_of_a_copy_do_not_affect_the_original(image_model, digits):
    codes = image_model.transform(digits)
    copied_model = copy.deepcopy(image_model)
    for weight in copied_model.encoder_.weights:
        weight.assign(np.zeros(weight.shape))
    assert np.array_equal(image_model.transform(digits), codes)


def test_unfitted_estimator_can_be_pickled():
    copied_model = pickle.loads(pickle.dumps(AutoEncoder(3, training=Training(batch_size=5))))
    assert copied_model.n_components == 3
    assert copied_model.training.batch_size == 5
    with pytest.raises(NotFittedError):
        copied_model.transform([[1.0]])


def test_clone_has_the_parameters_and_is_not_fitted(model):
    copied_model = clone(model)
    assert copied_model.get_params() == model.get_params()
    assert not hasattr(copied_model, "encoder_")


def test_fingerprint_identifies_the_fitted_weights(
    image_model, variational_model, digits, tmp_path
):
    image_model.save(tmp_path / "model.safetensors")
    copied_model = pickle.loads(pickle.dumps(image_model))
    for equal_model in (load_model(tmp_path / "model.safetensors"), copied_model):
        assert equal_model.fingerprint() == image_model.fingerprint()
    assert re.fullmatch("[0-9a-f]{64}", image_model.fingerprint())
    assert image_model.fingerprint() != variational_model.fingerprint()
    weight = copied_model.decoder_.trainable_weights[-1]
    weight.assign(weight + 1)
    assert copied_model.fingerprint() != image_model.fingerprint()


def test_scale_converts_differences_to_the_reconstruction_error(
    image_model, table_model, digits, iris
):
    assert image_model.scale_ == 255
    for model, rows in ((image_model, digits), (table_model, iris)):
        differences = np.asarray(model.inverse_transform(model.transform(rows)) - rows)
        errors = np.square(differences / model.scale_).reshape(len(rows), -1).mean(axis=1)
        # Decoded numbers of a table are rounded to a thousandth of their standard deviation.
        assert errors == pytest.approx(model.reconstruction_error(rows), rel=1e-2)


def test_scale_has_one_number_per_column_with_column_scaling(iris):
    model = AutoEncoder(1, network="linear", scaling="columns").fit(iris)
    assert model.scale_ == pytest.approx(iris.to_numpy().std(axis=0), rel=1e-3)


# -- use with scikit-learn -------------------------------------------------------------------------


def test_set_output_returns_codes_as_a_data_frame(table_model, iris):
    with_output = copy.deepcopy(table_model).set_output(transform="pandas")
    codes = with_output.transform(iris.iloc[::-1])
    assert isinstance(codes, pd.DataFrame)
    assert codes.columns.tolist() == ["autoencoder0", "autoencoder1"]
    assert codes.index.tolist() == iris.index[::-1].tolist()
    assert_same(codes.to_numpy()[::-1], table_model.transform(iris))


def test_estimator_works_in_a_pipeline(digits):
    labels = np.arange(500) < 250
    rows = np.where(labels[:, None], 3.0, 0.0) + digits.reshape(500, -1) / 255
    encoder = AutoEncoder(2, network=SMALL, epochs=3, random_state=0)
    pipeline = make_pipeline(StandardScaler(), encoder, LogisticRegression())
    assert pipeline.fit(rows[::2], labels[::2]).score(rows[1::2], labels[1::2]) > 0.95
    reconstructed = pipeline[:-1].inverse_transform(pipeline[:-1].transform(rows))
    assert reconstructed.shape == rows.shape


def test_estimator_works_in_a_grid_search(iris):
    search = GridSearchCV(
        AutoEncoder(network=SMALL, epochs=2, training=Training(), random_state=0),
        {"n_components": [1, 3], "training__learning_rate": [1e-2]},
        cv=2,
    ).fit(iris)
    assert search.best_params_["n_components"] == 3
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.training.learning_rate == 1e-2
    assert search.transform(iris).shape == (150, 3)


def test_n_components_that_exceeds_the_memory_is_refused():
    with pytest.raises(TooLargeError, match=r"n_components: 1000000000: needs .* GB of memory"):
        AutoEncoder(10**9).fit(np.zeros((20, 30)))


def test_interrupted_fit_keeps_the_previous_model(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(200, 4))
    model = AutoEncoder(2, network=DenseNetwork((8,)), epochs=2, random_state=0).fit(rows)
    codes = model.transform(rows)

    def raise_interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(AutoEncoder, "_train", raise_interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(rows[:, :3])
    assert np.array_equal(model.transform(rows), codes)


def test_set_params_after_fit_does_not_change_the_fitted_model():
    rows = np.random.default_rng(0).normal(size=(200, 4))
    model = AutoEncoder(2, network=DenseNetwork((8,)), epochs=2, random_state=0).fit(rows)
    codes = model.transform(rows)
    copied_model = pickle.loads(pickle.dumps(model.set_params(n_components=3)))
    assert_same(copied_model.transform(rows), codes)
