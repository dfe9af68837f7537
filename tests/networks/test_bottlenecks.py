import keras
import numpy as np
import pytest

from latentmap.networks.bottlenecks import GaussianSample, kl_divergence


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_divergence_is_what_sampling_finds():
    mean, log_variance = np.array([[0.5, -1.0, 0.0]]), np.array([[0.3, -1.2, 0.0]])
    rng = np.random.default_rng(0)
    z = mean + np.exp(log_variance / 2) * rng.standard_normal((400_000, 3))
    log_q = -0.5 * (log_variance + (z - mean) ** 2 / np.exp(log_variance))
    sampled = (log_q + 0.5 * z**2).sum(axis=1).mean()
    exact = numbers(kl_divergence(mean.astype("float32"), log_variance.astype("float32")))
    assert exact.shape == (1,)
    assert exact[0] == pytest.approx(sampled, abs=0.01)


def test_divergence_is_zero_at_the_standard_normal_only():
    zero = np.zeros((1, 4), "float32")
    assert numbers(kl_divergence(zero, zero))[0] == 0
    for shift in (-0.1, 0.1):
        assert numbers(kl_divergence(zero + shift, zero))[0] > 0
        assert numbers(kl_divergence(zero, zero + shift))[0] > 0


def test_codes_have_the_mean_and_deviation_asked_for():
    draw = GaussianSample(seed=1)
    mean = np.tile(np.array([3.0, -2.0], "float32"), (100_000, 1))
    log_variance = np.tile(np.log(np.array([0.25, 4.0], "float32")), (100_000, 1))
    for training in (True, False):
        codes = numbers(draw([mean, log_variance], training=training))
        assert np.allclose(codes.mean(axis=0), [3.0, -2.0], atol=0.03)
        assert np.allclose(codes.std(axis=0), [0.5, 2.0], rtol=0.02)
        assert abs(np.corrcoef(codes.T)[0, 1]) < 0.02


def test_noise_is_new_while_training_and_fixed_otherwise():
    draw, zero = GaussianSample(seed=1), np.zeros((50, 2), "float32")
    first, second = (numbers(draw([zero, zero], training=True)) for _ in range(2))
    assert not np.allclose(first, second)
    first, second = (numbers(draw([zero, zero], training=False)) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.array_equal(first, numbers(GaussianSample(seed=1)([zero, zero])))
    assert not np.allclose(first, numbers(GaussianSample(seed=2)([zero, zero])))


def test_gradients_reach_mean_and_variance():
    draw = GaussianSample(seed=0)
    mean, log_variance = np.zeros((1, 2), "float32"), np.zeros((1, 2), "float32")
    noise = numbers(draw([mean, log_variance]))
    step = 1e-3
    moved = numbers(draw([mean + step, log_variance])) - noise
    assert np.allclose(moved / step, 1.0, atol=1e-3)
    widened = numbers(draw([mean, log_variance + step])) - noise
    assert np.allclose(widened / step, noise / 2, atol=1e-2)


def test_its_config_makes_an_equal_layer():
    draw, zero = GaussianSample(seed=5), np.zeros((3, 2), "float32")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(draw))
    assert np.array_equal(numbers(again([zero, zero])), numbers(draw([zero, zero])))
