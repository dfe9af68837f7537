import keras
import numpy as np
import pytest

from latentmap.maps.landmark_layers import MeanAroundMode, SoftAssignment

RNG = np.random.default_rng(0)
CENTERS = RNG.normal(size=(40, 2)).astype("float32")
POSITIONS = RNG.normal(size=(30, 2)).astype("float32")
LOGITS = (3 * RNG.normal(size=(30, 40))).astype("float32")


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def softmax(logits):
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return p / p.sum(axis=-1, keepdims=True)


def squared_distances(positions, centers):
    return ((positions[:, None].astype(float) - centers[None]) ** 2).sum(axis=-1)


def copy_layer(layer):
    return keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))


# -- soft assignment -------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [0.05, 0.3, 5.0])
@pytest.mark.parametrize("n_components", [1, 2, 3])
def test_soft_assignment_matches_the_formula(width, n_components):
    centers, positions = (RNG.normal(size=(n, n_components)).astype("float32") for n in (40, 30))
    expected = softmax(-squared_distances(positions, centers) / (2 * width**2))
    results = numbers(SoftAssignment(centers, width)(positions))
    assert np.allclose(results, expected, atol=1e-3)
    assert np.allclose(results.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("far", [1e3, 1e8, 1e15])
def test_soft_assignment_far_away_is_a_distribution(far):
    results = numbers(
        SoftAssignment(CENTERS, 0.1)(far * np.array([[1.0, 0.0], [-1.0, 2.0]], "float32"))
    )
    assert np.allclose(results.sum(axis=1), 1, atol=1e-5)


# -- positions of distributions --------------------------------------------------------------------


def around_mode(logits, centers, anchors, radius):
    """The same in double precision, step by step."""

    def windows(middles):
        return np.exp(-squared_distances(middles, centers) / (2 * radius**2))

    p = softmax(logits.astype(float))
    positions, masses = [], []
    for row in p:
        position = anchors[(windows(anchors) @ row).argmax()][None]
        for _ in range(2):
            weights = row * windows(position)[0]
            mass = weights.sum()
            position = (weights @ centers / mass)[None]
        positions.append(position[0])
        masses.append(mass)
    return np.array(positions), np.array(masses)


@pytest.mark.parametrize("radius", [0.3, 1.0])
def test_position_and_mass_match_the_formula(radius):
    layer = MeanAroundMode(CENTERS, CENTERS[:10], radius)
    positions, mass = (numbers(t) for t in layer(LOGITS))
    expected_positions, expected_mass = around_mode(LOGITS, CENTERS, CENTERS[:10], radius)
    assert np.allclose(positions, expected_positions, atol=1e-4)
    assert np.allclose(mass, expected_mass, atol=1e-5)
    assert ((mass > 0) & (mass <= 1)).all()


def test_a_certain_row_is_placed_at_its_landmark():
    positions, mass = MeanAroundMode(CENTERS, CENTERS[::4], 0.5)(60 * np.eye(40, dtype="float32"))
    assert np.allclose(numbers(positions), CENTERS, atol=1e-5)
    assert np.allclose(numbers(mass), 1, atol=1e-5)


def test_an_ambiguous_row_is_placed_at_its_likelier_position():
    unlikely_centers, likely_centers = RNG.normal(size=(2, 30, 2)) * 0.2 + np.array(
        [[[-5, 0]], [[5, 0]]]
    )
    centers = np.concatenate([unlikely_centers, likely_centers]).astype("float32")
    logits = np.zeros((1, 60), "float32")
    logits[:, 30:] = 0.5
    positions, mass = (numbers(t) for t in MeanAroundMode(centers, centers[::5], 0.8)(logits))
    assert np.allclose(positions, likely_centers.mean(axis=0), atol=0.1)
    share = np.exp(0.5) / (1 + np.exp(0.5))
    assert 0.7 * share < mass[0] <= share


@pytest.mark.parametrize(
    ("n_components", "window"), [(1, 1.0), (1, 4.0), (2, 1.0), (2, 2.0), (2, 4.0), (3, 2.0)]
)
def test_greatest_mass_of_a_soft_assignment(n_components, window):
    """On landmarks everywhere φ is a Gaussian of width h: (1 + h²/r²)^(−n_components/2)."""
    steps = np.arange(-4, 4.1, 0.5)
    centers = np.stack(np.meshgrid(*[steps] * n_components), axis=-1).reshape(-1, n_components)
    soft = SoftAssignment(centers, 1.0)(np.zeros((1, n_components), "float32"))
    positions, mass = MeanAroundMode(centers, centers, window)(keras.ops.log(soft))
    assert np.allclose(numbers(positions), 0, atol=1e-4)
    assert numbers(mass)[0] == pytest.approx((1 + 1 / window**2) ** (-n_components / 2), rel=0.01)


def test_the_window_centre_can_be_given():
    layer, middles = MeanAroundMode(CENTERS, CENTERS[:10], 0.5), CENTERS[:30] + np.float32(0.1)
    positions, mass = (numbers(t) for t in layer(LOGITS, middles))
    near = np.exp(-squared_distances(middles, CENTERS) / (2 * 0.5**2)) * softmax(LOGITS)
    assert np.allclose(mass, near.sum(axis=1), atol=1e-5)
    assert np.allclose(positions, near @ CENTERS / near.sum(axis=1, keepdims=True), atol=1e-4)


def test_logits_of_any_size():
    positions, mass = (numbers(t) for t in MeanAroundMode(CENTERS, CENTERS, 0.5)(1e30 * LOGITS))
    assert np.allclose(positions, CENTERS[LOGITS.argmax(axis=1)], atol=1e-5)
    assert np.allclose(mass, 1, atol=1e-5)


def test_output_shapes():
    assert MeanAroundMode(CENTERS, CENTERS[:3], 1.0).compute_output_shape((None, 40)) == (
        (None, 2),
        (None,),
    )


# -- constants -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer", [SoftAssignment(CENTERS, 0.3), MeanAroundMode(CENTERS, CENTERS[:5], 0.3)]
)
def test_constants_are_stored_as_untrained_weights(layer):
    assert layer.trainable_weights == []
    assert np.array_equal(numbers(layer.weights[0]), CENTERS)
    assert len(layer.weights) == (2 if isinstance(layer, SoftAssignment) else 3)


def test_config_round_trip():
    soft, around = SoftAssignment(CENTERS, 0.3), MeanAroundMode(CENTERS, CENTERS[:5], 0.3)
    assert np.array_equal(numbers(copy_layer(soft)(POSITIONS)), numbers(soft(POSITIONS)))
    for output, expected in zip(copy_layer(around)(LOGITS), around(LOGITS), strict=True):
        assert np.array_equal(numbers(output), numbers(expected))
