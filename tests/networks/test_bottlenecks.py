import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy

from latentmap.networks.bottlenecks import GaussianSample, kl_divergence


def test_divergence_agrees_with_a_monte_carlo_estimate():
    mean, log_variance = np.array([[0.5, -1.0, 0.0]]), np.array([[0.3, -1.2, 0.0]])
    rng = np.random.default_rng(0)
    z = mean + np.exp(log_variance / 2) * rng.standard_normal((400_000, 3))
    log_q = -0.5 * (log_variance + (z - mean) ** 2 / np.exp(log_variance))
    estimate = (log_q + 0.5 * z**2).sum(axis=1).mean()
    exact = convert_to_numpy(kl_divergence(mean.astype("float32"), log_variance.astype("float32")))
    assert exact.shape == (1,)
    assert exact[0] == pytest.approx(estimate, abs=0.01)


def test_divergence_is_zero_only_for_the_standard_normal():
    zero = np.zeros((1, 4), "float32")
    assert convert_to_numpy(kl_divergence(zero, zero))[0] == 0
    for shift in (-0.1, 0.1):
        assert convert_to_numpy(kl_divergence(zero + shift, zero))[0] > 0
        assert convert_to_numpy(kl_divergence(zero, zero + shift))[0] > 0


def test_sampled_codes_have_the_given_mean_and_deviation():
    sample_layer = GaussianSample(seed=1)
    mean = np.tile(np.array([3.0, -2.0], "float32"), (100_000, 1))
    log_variance = np.tile(np.log(np.array([0.25, 4.0], "float32")), (100_000, 1))
    for training in (True, False):
        codes = convert_to_numpy(sample_layer([mean, log_variance], training=training))
        assert np.allclose(codes.mean(axis=0), [3.0, -2.0], atol=0.03)
        assert np.allclose(codes.std(axis=0), [0.5, 2.0], rtol=0.02)
        assert abs(np.corrcoef(codes.T)[0, 1]) < 0.02


def test_sample_is_random_in_training_and_repeatable_in_inference():
    sample_layer, zero = GaussianSample(seed=1), np.zeros((50, 2), "float32")
    first, second = (convert_to_numpy(sample_layer([zero, zero], training=True)) for _ in range(2))
    assert not np.allclose(first, second)
    first, second = (convert_to_numpy(sample_layer([zero, zero], training=False)) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.array_equal(first, convert_to_numpy(GaussianSample(seed=1)([zero, zero])))
    assert not np.allclose(first, convert_to_numpy(GaussianSample(seed=2)([zero, zero])))


def test_sample_changes_with_mean_and_variance():
    sample_layer = GaussianSample(seed=0)
    mean, log_variance = np.zeros((1, 2), "float32"), np.zeros((1, 2), "float32")
    noise = convert_to_numpy(sample_layer([mean, log_variance]))
    step = 1e-3
    mean_change = convert_to_numpy(sample_layer([mean + step, log_variance])) - noise
    assert np.allclose(mean_change / step, 1.0, atol=1e-3)
    variance_change = convert_to_numpy(sample_layer([mean, log_variance + step])) - noise
    assert np.allclose(variance_change / step, noise / 2, atol=1e-2)


def test_gaussian_sample_can_be_serialised():
    sample_layer, zero = GaussianSample(seed=5), np.zeros((3, 2), "float32")
    loaded_layer = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(sample_layer)
    )
    assert np.array_equal(
        convert_to_numpy(loaded_layer([zero, zero])), convert_to_numpy(sample_layer([zero, zero]))
    )
