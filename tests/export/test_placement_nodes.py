from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from latentmap.export.onnx_graph import OnnxGraph
from latentmap.export.placement_nodes import combine_with_local_mean, limit_codes, place_rows
from latentmap.maps import local_mean
from latentmap.maps.directions import DirectionTransform
from latentmap.maps.fitted_rows import FittedRows, quantize
from latentmap.maps.placement import Placement
from latentmap.preprocessing import neighbors
from latentmap.preprocessing.pca_projection import PrincipalComponents
from latentmap.preprocessing.scaling import Scale

DIGITS = load_digits().data[:700].astype(np.float32)
STORED, NEW = DIGITS[:600], DIGITS[600:]
SCALE = Scale(np.float32(1.0), np.float32(16.0), True)


def make_placement(metric=None, n_neighbors=10, allow_nan=False, window=0.1):
    """Return a placement of 600 digits at random positions, its scale, and its components."""
    scaled_rows = (STORED - SCALE.offset) / SCALE.scale
    mean = scaled_rows.mean(axis=0)
    components = np.linalg.svd(scaled_rows - mean, full_matrices=False)[2][:12]
    principal = PrincipalComponents(mean, components.astype(np.float32))
    directions = metric and DirectionTransform.of_rows(principal, SCALE, metric)
    fitted = FittedRows(
        row_mean=principal.mean,
        components=principal.components,
        points=quantize((scaled_rows - mean) @ components.T / 1.5),
        positions=np.random.default_rng(0).normal(size=(600, 2)).astype(np.float32),
        point_scale=1.5,
        seed=0,
        direction_matrix=directions and directions.matrix,
        direction_offset=directions and directions.offset,
    )
    placement = Placement(
        fitted=fitted,
        n_neighbors=n_neighbors,
        window=window,
        encoder_weight=3.0,
        n_decoding_rows=5,
        decoder_weight=0.7,
        min_spread=0.1,
        high_distance_ratio=1.0,
        row_size=1.0,
        penalty=1.0,
    )
    return placement, SCALE._replace(allow_nan=allow_nan)


def place(evaluate, placement, scale, rows, encoded):
    graph = OnnxGraph(["rows", "encoded", "codes"])
    inputs = (
        graph.add_input("rows", np.float64, (64,)),
        graph.add_input("encoded", np.float32, (2,)),
    )
    codes = place_rows(graph, placement, scale, *inputs)
    graph.add_output("codes", codes, np.float32, (2,))
    return evaluate(graph, {"rows": rows.astype(np.float64), "encoded": encoded})["codes"]


def expected_codes(placement, scale, rows, encoded):
    from latentmap.data.sources import ArraySource
    from latentmap.preprocessing.pca_projection import project_rows

    source = ArraySource(rows)
    source.allow_nan = scale.allow_nan
    coordinates = project_rows(source, scale, placement.fitted.principal)
    return placement.place(coordinates, encoded.__getitem__)[0]


@pytest.fixture
def encoded():
    return np.random.default_rng(1).normal(size=(100, 2)).astype(np.float32)


@pytest.mark.parametrize("metric", [None, "cosine", "correlation"])
def test_new_rows_are_placed_as_by_numpy(evaluate, encoded, metric):
    placement, scale = make_placement(metric)
    codes = place(evaluate, placement, scale, NEW, encoded)
    np.testing.assert_allclose(codes, expected_codes(placement, scale, NEW, encoded), atol=1e-5)
    assert np.abs(codes - encoded).max() > 0.5


@pytest.mark.parametrize("metric", [None, "cosine"])
def test_penalties_change_positions_as_by_numpy(evaluate, encoded, metric):
    placement, scale = make_placement(metric, window=0.5)
    codes = place(evaluate, placement, scale, NEW, encoded)
    np.testing.assert_allclose(codes, expected_codes(placement, scale, NEW, encoded), atol=1e-5)
    without = expected_codes(replace(placement, penalty=None), scale, NEW, encoded)
    assert (np.abs(codes - without).max(axis=1) > 0.05).mean() > 0.1


@pytest.mark.parametrize("metric", [None, "cosine"])
@pytest.mark.parametrize("n_neighbors", [0, 10])
def test_fitted_rows_have_their_positions(evaluate, encoded, metric, n_neighbors):
    placement, scale = make_placement(metric, n_neighbors)
    rows = np.concatenate([STORED[:50], NEW[:50]])
    codes = place(evaluate, placement, scale, rows, encoded)
    expected = expected_codes(placement, scale, rows, encoded)
    np.testing.assert_allclose(codes, expected, atol=1e-5)
    assert (expected[:50] == placement.fitted.positions[:50]).all()


def test_only_the_searched_cells_have_neighbors(evaluate, encoded, monkeypatch):
    for name, value in {"MAX_SCANNED_ROWS": 100, "SMALL_CELL_ROWS": 4, "MAX_CELLS": 6}.items():
        monkeypatch.setattr(neighbors, name, value)
    placement, scale = make_placement()
    index = placement.fitted.index
    assert (len(index.centers), index.n_searched) == (150, 6)
    codes = place(evaluate, placement, scale, NEW, encoded)
    expected = expected_codes(placement, scale, NEW, encoded)
    np.testing.assert_allclose(codes, expected, atol=1e-5)
    monkeypatch.undo()
    exact = expected_codes(*make_placement(), NEW, encoded)
    assert (np.abs(exact - expected).max(axis=1) > 0.01).mean() > 0.05


def test_missing_numbers_are_replaced_by_the_offset(evaluate, encoded):
    placement, scale = make_placement(allow_nan=True)
    rows = NEW.copy()
    rows[np.random.default_rng(0).random(rows.shape) < 0.1] = np.nan
    codes = place(evaluate, placement, scale, rows, encoded)
    np.testing.assert_allclose(codes, expected_codes(placement, scale, rows, encoded), atol=1e-5)


def test_positions_are_decoded_as_by_numpy(evaluate):
    placement, _ = make_placement()
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(50, 2)).astype(np.float32)
    codes[:20] = placement.fitted.positions[:20]
    codes[-3:] *= 1e20
    decoded = rng.random((50, 64)).astype(np.float32)
    graph = OnnxGraph(["codes", "decoded", "rows"])
    inputs = [graph.add_input(n, np.float32, (d,)) for n, d in (("codes", 2), ("decoded", 64))]
    limited = limit_codes(graph, inputs[0], placement.fitted.positions)
    rows = combine_with_local_mean(graph, placement, limited, inputs[1], True)
    graph.add_output("rows", rows, np.float32, (64,))
    rows = evaluate(graph, {"codes": codes, "decoded": decoded})["rows"]
    limited_codes = local_mean.limit_codes(codes, placement.fitted.positions)
    mean = local_mean.decode_by_local_mean(placement, limited_codes)
    weights = placement.decoder_weight * mean.nearness
    expected = local_mean.combine_rows(np.clip(mean.rows, 0, 1), decoded, weights)
    np.testing.assert_allclose(rows, expected, atol=1e-5)
