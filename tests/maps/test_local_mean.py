"""Decoding of positions by a local mean of fitted rows."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

from latentmap import LatentMap
from latentmap.maps.local_mean import combine_rows, decode_by_local_mean, limit_codes
from latentmap.networks.dense import DenseNetwork

SMALL = DenseNetwork(hidden=(32,), activation="relu", principal=False)


def test_far_away_the_nearest_row_is_decoded(make_placement, two_clusters):
    points, positions = two_clusters
    placement = make_placement(points, positions)
    farthest = positions[:, 0].argmax()
    decoded, nearness = decode_by_local_mean(placement, np.array([[1e3, positions[farthest, 1]]]))
    assert decoded[0] == pytest.approx(placement.fitted.points[farthest].astype(float), abs=1e-3)
    assert nearness[0] == 0


def test_local_means_are_continuous(make_placement, two_clusters):
    placement = make_placement(*two_clusters)
    path = np.linspace([-1, -1], [10, 10], 200_001)
    decoded, nearness = decode_by_local_mean(placement, path)
    steps = np.linalg.norm(np.diff(decoded, axis=0), axis=1)
    assert steps.max() < 0.02
    assert steps.sum() > 3
    assert np.abs(np.diff(nearness)).max() < 0.001
    assert nearness.min() < 0.001
    assert nearness.max() > 0.9


def fit_with_decoder(rows):
    """Return a map in which the decoder has a large weight, although it has learned little."""
    model = LatentMap(network=SMALL, epochs=1, random_state=0).fit(rows)
    placement = replace(model._state.placement, decoder_weight=0.9)
    model._state = replace(model._state, placement=placement)
    return model


@pytest.fixture(scope="module")
def iris_map():
    return fit_with_decoder(load_iris().data)


def test_far_from_all_rows_a_map_decodes_the_nearest_one(iris_map):
    codes = 1e4 * np.array([[1, 0], [0.6, -0.8], [-1, 0.2]])
    nearest = np.linalg.norm(codes[:, None] - iris_map.embedding_, axis=2).argmin(axis=1)
    decoded = iris_map.inverse_transform(codes)
    assert decoded == pytest.approx(load_iris().data[nearest], abs=0.01)


def test_images_far_from_all_rows_are_those_of_the_nearest_one():
    images = load_digits().images[:300]
    model = fit_with_decoder(images)
    codes = np.array([[1e5, 3e4], [-1e5, 0]])
    nearest = np.linalg.norm(codes[:, None] - model.embedding_, axis=2).argmin(axis=1)
    decoded = model.inverse_transform(codes)
    assert decoded.shape == (2, 8, 8)
    # 50 components restore nearly all of the 64 pixels.
    assert ((decoded - images[nearest]) ** 2).mean() < 0.05 * images.var()


def test_decoded_rows_change_smoothly_from_a_map_to_far_away(iris_map):
    edge = iris_map.embedding_[iris_map.embedding_[:, 0].argmax()]
    path = edge + np.linspace(0, 100, 20_001)[:, None] * [1, 0]
    decoded = iris_map.inverse_transform(path)
    assert np.linalg.norm(np.diff(decoded, axis=0), axis=1).max() < 0.05
    assert np.linalg.norm(decoded[0] - decoded[-1]) > 0.5


def test_combine_rows_of_images():
    local, decoded = np.zeros((2, 3, 3), np.float32), np.ones((2, 3, 3), np.float32)
    combined = combine_rows(local, decoded, np.array([0.0, 0.5]))
    assert combined.mean(axis=(1, 2)).tolist() == [0, 0.5]
    assert combined.dtype == np.float32


def test_limit_codes_keeps_directions():
    positions = np.array([[0.0, 0.0], [2.0, 2.0]])
    codes = limit_codes(np.array([[1e30, 1e30], [5.0, 1.0]]), positions)
    assert codes[0, 0] == codes[0, 1] == pytest.approx(2001)
    assert codes[1].tolist() == [5.0, 1.0]
