import keras
import numpy as np
import pytest

from latentmap import VariationalAutoEncoder
from latentmap.errors import LatentmapError, SettingError
from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork

SMALL = DenseNetwork(hidden=(16,))
RNG = np.random.default_rng(0)


def make_estimator(n_components=2, **settings):
    return VariationalAutoEncoder(
        n_components, **{"network": SMALL, "epochs": 5, "random_state": 0, **settings}
    )


def test_codes_are_close_to_standard_normal(variational_model, digits):
    codes = variational_model.transform(digits)
    # The posterior's variance adds to the variance of its means, so codes vary by less than 1.
    assert np.abs(codes.mean(axis=0)).max() < 1
    assert (codes.std(axis=0) < 1.2).all()
    assert (codes.std(axis=0) > 0.4).all()


def test_score_is_the_evidence_lower_bound(variational_model, digits):
    """Compare the score with a bound averaged over many samples of each row's code."""
    posterior = variational_model._objective.models[0]
    mean, log_variance = (
        keras.ops.convert_to_numpy(out).astype(float) for out in posterior(digits, training=False)
    )
    x, rng, nats = digits.reshape(500, -1) / 255, np.random.default_rng(0), []
    for _ in range(20):
        z = mean + np.exp(log_variance / 2) * rng.standard_normal(mean.shape)
        q = variational_model.inverse_transform(z).reshape(500, -1).astype(float) / 255
        q = np.clip(q, 1e-12, 1 - 1e-7)
        nats.append(-(x * np.log(q) + (1 - x) * np.log(1 - q)).sum(axis=1))
    divergence = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=1)
    bound = -(np.mean(nats, axis=0) + divergence).mean()
    assert variational_model.score(digits) == pytest.approx(bound, rel=0.01)


def test_inverted_images_have_a_lower_score(variational_model, digits):
    assert variational_model.score(255 - digits) < variational_model.score(digits)


def test_history_records_a_falling_negative_bound(variational_model):
    history = variational_model.history_
    assert history["val_loss"][-1] < history["val_loss"][0]


def test_larger_beta_shrinks_the_codes(digits):
    rows = digits[:200]
    spreads = [
        make_estimator(beta=beta, epochs=20).fit(rows).transform(rows).std() for beta in (0, 30)
    ]
    assert spreads[1] < 0.5 * spreads[0]


def test_score_does_not_depend_on_beta(digits):
    first, second = make_estimator(beta=1.0), make_estimator(beta=5.0)
    first.fit(digits[:50])
    second.fit(digits[:50])
    # With equal weights the bounds are equal, because they do not contain beta.
    for weight, other_weight in zip(
        second._objective.weights, first._objective.weights, strict=True
    ):
        weight.assign(keras.ops.convert_to_numpy(other_weight.value))
    assert second.score(digits) == pytest.approx(first.score(digits), rel=1e-5)


@pytest.mark.parametrize(
    ("rows", "loss"), [(RNG.random((60, 4)), "bernoulli"), (RNG.normal(size=(60, 4)), "gaussian")]
)
def test_auto_selects_the_loss_by_the_range_of_the_rows(rows, loss):
    assert make_estimator().fit(rows)._state.loss == loss


def test_samples_have_the_mean_and_correlation_of_the_rows():
    rows = 50 + RNG.normal(size=(400, 1)) * [10.0, 20.0, 30.0]
    samples = make_estimator(1, epochs=50).fit(rows).sample(2000)
    assert np.allclose(samples.mean(axis=0), 50, atol=6)
    assert np.corrcoef(samples.T)[0, 2] > 0.95
    assert 0.5 < samples[:, 2].std() / 30 < 1.2


@pytest.mark.parametrize("network", ["linear", ConvNetwork(filters=(4,)), SMALL])
def test_each_network_encodes_and_samples_images(network, digits):
    model = make_estimator(network=network).fit(digits[:100])
    assert model.transform(digits).shape == (500, 2)
    assert model.sample(2).shape == (2, 8, 8)


@pytest.mark.parametrize("n_rows", [2, 5, 40])
def test_fit_of_few_rows_gives_finite_codes(n_rows):
    model = make_estimator().fit(RNG.normal(size=(n_rows, 3)))
    assert np.isfinite(model.transform(np.ones((1, 3)))).all()


def test_random_state_makes_fits_repeatable(digits):
    first, repeated, other_score = (
        make_estimator(random_state=seed).fit(digits).score(digits) for seed in (0, 0, 1)
    )
    assert first == repeated
    assert first != other_score


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"beta": -1}, "beta: expected a number of at least 0, found -1"),
        ({"beta": "x"}, "beta: expected"),
        ({"beta": True}, "beta: expected"),
        ({"beta": float("inf")}, "beta: expected"),
        ({"loss": "mse"}, "loss: expected 'auto', 'bernoulli' or 'gaussian', found 'mse'"),
        ({"loss": "mze"}, "unknown loss 'mze'"),
        ({"n_components": 0}, "n_components: expected"),
        ({"network": "dens"}, "unknown network 'dens'"),
        ({"epochs": 0}, "epochs: expected"),
        (
            {"network": (keras.Sequential([keras.Input((3,))]),) * 2},
            "found a pair of Keras models, which only AutoEncoder accepts",
        ),
    ],
)
def test_invalid_settings_are_refused(settings, message):
    with pytest.raises(SettingError, match=message) as raised:
        make_estimator(**settings).fit(RNG.normal(size=(30, 3)))
    assert isinstance(raised.value, LatentmapError)
    assert isinstance(raised.value, ValueError)
