import keras
import numpy as np
import pytest

from latentmap import VariationalAutoEncoder
from latentmap.errors import LatentmapError, SettingError
from latentmap.networks.conv import ConvNetwork
from latentmap.networks.dense import DenseNetwork

SMALL = DenseNetwork(hidden=(16,))
RNG = np.random.default_rng(0)


def small(n_components=2, **settings):
    return VariationalAutoEncoder(
        n_components, **{"network": SMALL, "epochs": 5, "random_state": 0, **settings}
    )


def test_codes_are_about_standard_normal(variational_model, digits):
    codes = variational_model.transform(digits)
    # The posterior's own variance adds to that of its means, so each is below 1.
    assert np.abs(codes.mean(axis=0)).max() < 1
    assert (codes.std(axis=0) < 1.2).all()
    assert (codes.std(axis=0) > 0.4).all()


def test_the_score_is_the_evidence_lower_bound(variational_model, digits):
    """Compare with a bound by hand, averaged over many draws of each row's code."""
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


def test_unlike_rows_score_lower(variational_model, digits):
    assert variational_model.score(255 - digits) < variational_model.score(digits)


def test_history_tells_the_negative_bound(variational_model):
    history = variational_model.history_
    assert history["val_loss"][-1] < history["val_loss"][0]


def test_beta_presses_codes_towards_the_standard_normal(digits):
    rows = digits[:200]
    spreads = [small(beta=beta, epochs=20).fit(rows).transform(rows).std() for beta in (0, 30)]
    assert spreads[1] < 0.5 * spreads[0]


def test_the_score_does_not_count_beta(digits):
    first, second = small(beta=1.0), small(beta=5.0)
    first.fit(digits[:50])
    second.fit(digits[:50])
    # Same seed, same start; give the second the first one's weights: then the bounds are equal.
    for ours, theirs in zip(second._objective.weights, first._objective.weights, strict=True):
        ours.assign(keras.ops.convert_to_numpy(theirs.value))
    assert second.score(digits) == pytest.approx(first.score(digits), rel=1e-5)


@pytest.mark.parametrize(
    ("rows", "loss"), [(RNG.random((60, 4)), "bernoulli"), (RNG.normal(size=(60, 4)), "gaussian")]
)
def test_what_auto_stands_for(rows, loss):
    assert small().fit(rows)._state.loss == loss


def test_samples_of_real_values_have_the_rows_mean_and_spread():
    rows = 50 + RNG.normal(size=(400, 1)) * [10.0, 20.0, 30.0]
    made = small(1, epochs=50).fit(rows).sample(2000)
    assert np.allclose(made.mean(axis=0), 50, atol=6)
    assert np.corrcoef(made.T)[0, 2] > 0.95
    assert 0.5 < made[:, 2].std() / 30 < 1.2


@pytest.mark.parametrize("network", ["linear", ConvNetwork(filters=(4,)), SMALL])
def test_every_network(network, digits):
    model = small(network=network).fit(digits[:100])
    assert model.transform(digits).shape == (500, 2)
    assert model.sample(2).shape == (2, 8, 8)


@pytest.mark.parametrize("n_rows", [2, 5, 40])
def test_few_rows(n_rows):
    model = small().fit(RNG.normal(size=(n_rows, 3)))
    assert np.isfinite(model.transform(np.ones((1, 3)))).all()


def test_random_state_decides_everything(digits):
    first, again, other = (small(random_state=seed).fit(digits).score(digits) for seed in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"beta": -1}, "beta: expected a number from 0 up, found -1"),
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
            "a pair of Keras models is possible with AutoEncoder only",
        ),
    ],
)
def test_settings_outside_their_range(settings, told):
    with pytest.raises(SettingError, match=told) as caught:
        small(**settings).fit(RNG.normal(size=(30, 3)))
    assert isinstance(caught.value, LatentmapError)
    assert isinstance(caught.value, ValueError)
