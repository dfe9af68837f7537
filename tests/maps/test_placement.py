"""Placement of rows and decoding of positions by the nearest fitted rows."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_digits

from latentmap import LatentMap, load_model
from latentmap.errors import DataWarning, ModelFileError, SettingError
from latentmap.maps.fitted_rows import FittedRows, quantize
from latentmap.maps.local_mean import decode_by_local_mean
from latentmap.maps.map_placement import place_batches
from latentmap.maps.placement_fit import local_scale
from latentmap.metrics import neighbor_recall
from latentmap.model_file import read_model, write_model

DIGITS, LABELS = load_digits(return_X_y=True)
FITTED, UNSEEN = DIGITS[:1400], DIGITS[1400:]


@pytest.fixture(scope="module")
def digits_map():
    return LatentMap(epochs=8, random_state=0).fit(FITTED)


@pytest.fixture(scope="module")
def network_map():
    return LatentMap(epochs=8, placement="network", random_state=0).fit(FITTED)


def test_a_fitted_row_has_its_layout_position(digits_map):
    assert digits_map.embedding_.shape == (1400, 2)
    assert np.array_equal(digits_map.transform(FITTED), digits_map.embedding_)
    assert np.array_equal(digits_map.transform(FITTED[::-3]), digits_map.embedding_[::-3])
    codes = LatentMap(epochs=8, random_state=0).fit_transform(FITTED)
    assert np.array_equal(codes, digits_map.embedding_)


def test_the_largest_seed():
    codes = LatentMap(epochs=1, random_state=2**31 - 1).fit_transform(FITTED[:100])
    assert np.isfinite(codes).all()


def test_a_layout_and_neighbors_exclude_each_other():
    graph = (np.zeros((100, 1), int), np.ones((100, 1)))
    with pytest.raises(SettingError, match="either layout or neighbors"):
        LatentMap().fit(FITTED[:100], layout=FITTED[:100, :2], neighbors=graph)


def test_unseen_rows_keep_more_neighbors_than_with_the_network(digits_map, network_map):
    recalls = [
        neighbor_recall(UNSEEN, model.transform(UNSEEN), FITTED, model.transform(FITTED))
        for model in (digits_map, network_map)
    ]
    assert recalls[0] > recalls[1] + 0.03


def test_a_map_of_networks_stores_no_rows(network_map, tmp_path):
    path = tmp_path / "map.safetensors"
    network_map.save(path)
    _, arrays = read_model(path)
    assert not any(len(array) == len(FITTED) for array in arrays.values() if array.ndim)
    with pytest.raises(AttributeError, match="call transform"):
        _ = network_map.embedding_


def test_a_row_does_not_depend_on_other_rows(digits_map):
    codes = digits_map.transform(UNSEEN)
    decoded = digits_map.inverse_transform(codes)
    for rows in (slice(0, 1), slice(5, 22), slice(None, None, -1)):
        assert np.array_equal(digits_map.transform(UNSEEN[rows]), codes[rows])
        assert np.array_equal(digits_map.inverse_transform(codes[rows]), decoded[rows])


def test_copies_place_and_decode_alike(digits_map, tmp_path):
    digits_map.save(tmp_path / "map.safetensors")
    codes = digits_map.transform(UNSEEN)
    for copy in (load_model(tmp_path / "map.safetensors"), pickle.loads(pickle.dumps(digits_map))):
        assert np.array_equal(copy.transform(UNSEEN), codes)
        assert np.array_equal(copy.embedding_, digits_map.embedding_)
        assert np.array_equal(copy.inverse_transform(codes), digits_map.inverse_transform(codes))


def test_the_local_mean_improves_the_reconstruction_at_unseen_rows(digits_map):
    codes = digits_map.transform(UNSEEN)
    local_rows = decode_by_local_mean(digits_map._state.placement, codes).rows
    local = digits_map._state.raw_rows(local_rows, (64,))
    network = digits_map.decoder_.predict(codes, verbose=0)
    errors = [
        np.mean((UNSEEN - rows) ** 2)
        for rows in (digits_map.inverse_transform(codes), local, network)
    ]
    assert errors[0] < min(errors[1:])


@pytest.mark.parametrize("code", [[1e20, 0.0], [-3e38, 3e38], [1e6, -1e6]])
def test_codes_far_away_are_decoded_to_finite_rows(code, digits_map, network_map):
    for model in (digits_map, network_map):
        rows = model.inverse_transform([code])
        assert np.isfinite(rows).all()
        assert rows.min() > -5
        assert rows.max() < 21


def test_a_row_between_clusters_is_placed_in_one_of_them(make_placement, two_clusters):
    points, positions = two_clusters
    placement = make_placement(points, positions, n_neighbors=9)
    rows = np.array([[1.9, 0.0], [2.1, 0.0], [0.05, 0.05]])
    codes, quality = placement.place(rows)
    distances = np.linalg.norm(codes[:, None] - positions, axis=2)
    assert distances.min(axis=1).max() < 0.2
    assert quality.distance_ratio[:2].min() > 2 * quality.distance_ratio[2]


def test_the_encoder_decides_between_equal_votes(make_placement):
    points = np.repeat([[0.0, 1.0], [0.0, -1.0]], 3, axis=0)
    positions = np.repeat([[5.0, 5.0], [-5.0, -5.0]], 3, axis=0)
    placement = make_placement(points, positions, n_neighbors=6, encoder_weight=1.0)
    encoded = np.array([[5.1, 5.0], [-5.0, -5.1]], np.float32)
    codes, quality = placement.place(np.zeros((2, 2)), encoded.__getitem__)
    assert codes == pytest.approx(np.array([[5.0, 5.0], [-5.0, -5.0]]))
    assert quality.agreement == pytest.approx([0.5, 0.5])


def test_votes_match_a_direct_computation(digits_map):
    placement = digits_map._state.placement
    rng = np.random.default_rng(0)
    encoded = rng.normal(size=(40, 2)).astype("float32")
    positions = placement.fitted.nearest_positions(encoded[::-1], 300)[1]
    neighbors = rng.permuted(positions, axis=1)[:, :12]
    distances = np.sort(rng.random((40, 12)), axis=1)
    points = placement.fitted.points[neighbors[:, 0]] + rng.normal(size=(40, 1)).astype("float32")
    codes = placement.vote(points, neighbors, distances, encoded.__getitem__)
    group_squares = placement.fitted.group_squares(points, neighbors)

    def kernel(a, b, width):
        return np.exp(-((a - b) ** 2).sum() / (2 * (width * placement.window) ** 2))

    def proximity(distances, decay):
        weights = np.exp(-decay * (distances / distances[-1]) ** 2)
        return weights / weights.sum()

    n_encoded = n_moved = 0
    for row in range(40):
        positions = placement.fitted.positions[neighbors[row]].astype(float)
        near_weights = proximity(distances[row, :8], 1)
        all_weights = proximity(distances[row], 2)
        wide = [
            sum(w * kernel(p, q, 4) for q, w in zip(positions, near_weights, strict=False))
            for p in positions
        ]
        narrow = [
            sum(w * kernel(p, q, np.sqrt(2)) for q, w in zip(positions, all_weights, strict=True))
            for p in positions
        ]
        votes = np.add(wide, narrow)
        if wide[votes.argmax()] < 0.55:
            n_encoded += 1
            votes += [3 / 8 * kernel(p, encoded[row], 12) for p in positions]
        best = positions[votes.argmax()]
        near = [i for i, p in enumerate(positions) if kernel(p, best, 4) > 0.5]
        for weight, squares in zip((0.3, 1.0), group_squares, strict=True):
            excess = squares[row] / squares[row][near].min() - 1
            votes -= weight * np.minimum(excess, 1)
        mode = positions[max(near, key=votes.__getitem__)]
        n_moved += (mode != best).any()
        weights = [w * kernel(p, mode, 1) for p, w in zip(positions, all_weights, strict=True)]
        assert codes[row] == pytest.approx(np.average(positions, axis=0, weights=weights), abs=1e-5)
    assert 0 < n_encoded < 40
    assert n_moved > 0


def test_a_map_without_a_penalty_places_rows_by_their_votes(digits_map, tmp_path):
    """Files of earlier versions have no penalty."""
    path, placement = tmp_path / "map.safetensors", digits_map._state.placement
    digits_map.save(path)
    metadata, arrays = read_model(path)
    assert metadata["learned"]["placement"].pop("penalty") == placement.penalty == 1.0
    write_model(path, metadata, arrays)
    earlier_map = load_model(path)
    assert earlier_map._state.placement.penalty is None
    assert np.array_equal(earlier_map.transform(FITTED), digits_map.embedding_)
    codes = [model.transform(UNSEEN) for model in (earlier_map, digits_map)]
    assert 0.1 < (codes[0] != codes[1]).any(axis=1).mean() < 0.9
    recalls = [neighbor_recall(UNSEEN, z, FITTED, digits_map.embedding_) for z in codes]
    assert recalls[1] > recalls[0]


def test_equal_neighbors_do_not_lower_the_confidence(make_placement):
    """Half of the fitted rows are copies of one row, so the distance between them is 0."""
    rng = np.random.default_rng(0)
    points = np.concatenate([np.zeros((20, 2)), rng.normal(size=(20, 2)) + 5])
    placement = make_placement(points, points, n_neighbors=9, min_spread=0.5)
    rows = np.array([[0.1, 0.0], [2.5, 2.5]])
    quality = placement.place(rows)[1]
    near, far = placement.confidence(quality)
    assert quality.distance_ratio[0] == pytest.approx(0.2, rel=1e-3)
    assert near > 0.5
    assert far < 0.2


def test_rows_near_copies_are_placed_with_confidence():
    """Each fitted row has 29 copies, and new rows differ from them by a little."""
    rows = np.repeat(np.random.default_rng(0).normal(size=(20, 5)), 30, axis=0)
    model = LatentMap(epochs=20, random_state=0).fit(rows)
    near, far = rows[::30] + 0.01, rows[::30] + 30
    placement = model._state.placement
    agreement, ratio = (
        np.concatenate(values)
        for values in zip(*(quality for _, _, quality in place_batches(model, near)), strict=True)
    )
    assert (agreement > 0.9).all()
    assert (ratio < placement.high_distance_ratio).all()
    assert np.median(model.confidence(near)) > 0.5
    assert np.median(model.confidence(far)) < 0.1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows / 255, "255 times smaller"),
        (lambda rows: rows * 30, "30 times larger"),
        (lambda rows: np.roll(100 - rows, 1, axis=1), "far from all fitted rows"),
    ],
)
def test_rows_outside_the_fitted_range_raise_a_warning(change, words, digits_map):
    rows = change(UNSEEN)
    with pytest.warns(DataWarning, match="same units") as warnings:
        digits_map.transform(rows)
    assert words.split()[-1] in str(warnings[0].message)
    usual = np.median(digits_map.confidence(UNSEEN))
    assert np.median(digits_map.confidence(rows)) < 0.5 * usual


def test_partial_fit_stores_the_new_rows():
    known = LABELS != 3
    model = LatentMap(epochs=4, random_state=0).fit(DIGITS[known])
    before = model.embedding_
    model.partial_fit(DIGITS[~known])
    assert np.array_equal(model.embedding_[: known.sum()], before)
    assert np.array_equal(model.transform(DIGITS[~known]), model.embedding_[known.sum() :])
    assert np.array_equal(model.transform(DIGITS[known]), before)


def test_a_layout_of_the_user_is_kept():
    layout = DIGITS[:, [10, 20]] * 3.0 + np.random.default_rng(0).random((len(DIGITS), 2))
    model = LatentMap(epochs=2, random_state=0).fit(DIGITS, layout=layout)
    assert np.array_equal(model.transform(DIGITS), layout.astype(np.float32))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("placement_points", np.nan),
        ("placement_positions", np.inf),
        ("placement_positions", 3e38),
        ("placement_components", None),
        ("placement_row_mean", None),
    ],
)
def test_damaged_placements_are_refused(name, value, digits_map, tmp_path):
    path = tmp_path / "map.safetensors"
    digits_map.save(path)
    metadata, arrays = read_model(path)
    key = f"fitted/{name}"
    arrays[key] = arrays[key][:-1] if value is None else np.full_like(arrays[key], value)
    write_model(path, metadata, arrays)
    with pytest.raises(ModelFileError):
        load_model(path)


def test_an_unknown_placement_is_refused():
    with pytest.raises(SettingError, match="placement: expected 'auto' or 'network'"):
        LatentMap(placement="both").fit(FITTED)


def test_local_scale_of_equal_positions():
    assert local_scale(np.zeros((20, 2))) == 1.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_neighbors", 101),
        ("n_neighbors", -1),
        ("window", 0.0),
        ("min_spread", 0.0),
        ("high_distance_ratio", -1.0),
        ("decoder_weight", 1.5),
        ("penalty", -1.0),
        ("n_decoding_rows", 0),
        ("point_scale", 0.0),
    ],
)
def test_settings_outside_their_range_are_refused(name, value, digits_map, tmp_path):
    path = tmp_path / "map.safetensors"
    digits_map.save(path)
    metadata, arrays = read_model(path)
    metadata["learned"]["placement"][name] = value
    write_model(path, metadata, arrays)
    with pytest.raises(ModelFileError, match=name):
        load_model(path)


def test_fitted_rows_among_others_are_placed_without_a_search(make_placement, monkeypatch):
    rng = np.random.default_rng(0)
    fitted = quantize(rng.normal(size=(40, 2))).astype(np.float32)
    placement = make_placement(fitted, rng.normal(size=(40, 2)), n_neighbors=5)
    rows = np.concatenate([fitted[:3], rng.normal(size=(2, 2)), fitted[3:6]]).astype(np.float32)
    encoded, sample = np.zeros((8, 2), np.float32), slice(0, None, 4)
    codes, quality = placement.place(rows, encoded.__getitem__)
    search, searched = FittedRows.nearest_rows, []

    def count_and_search(self, points, k):
        searched.append(len(points))
        return search(self, points, k)

    monkeypatch.setattr(FittedRows, "nearest_rows", count_and_search)
    sample_codes, sample_quality = placement.place(rows, encoded.__getitem__, sample)
    assert searched == [3]  # Rows 3 and 4 were not fitted, and rows 0 and 4 are measured.
    assert (sample_codes == codes).all()
    assert (codes[[0, 1, 2, 5, 6, 7]] == placement.fitted.positions[:6]).all()
    for measured, all_measured in zip(sample_quality, quality, strict=True):
        assert measured == pytest.approx(all_measured[sample])
