"""Complex and non-finite numbers in the arguments of the metrics and of the analysis of codes."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from latentmap import AutoEncoder, analysis, metrics
from latentmap.data import ArraySource
from latentmap.errors import LatentmapError

X = load_iris().data[::3]
LABELS = np.arange(len(X)) % 3
BAD = {"complex": 1j, "NaN": np.nan, "infinity": np.inf}


@pytest.fixture(scope="module")
def model():
    return AutoEncoder(2, epochs=1, random_state=0).fit(X)


@pytest.fixture(scope="module")
def codes(model):
    return model.transform(X)


def put(value, rows):
    """Return a copy of rows with one bad value."""
    rows = np.array(rows, complex if isinstance(value, complex) else float)
    rows.flat[1] = value
    return rows


ROWS = {
    "attribute": lambda bad, model, codes: analysis.attribute(model, X, bad(X)),
    "cluster": lambda bad, model, codes: analysis.cluster(bad(codes)),
    "compare": lambda bad, model, codes: analysis.compare(model, bad(X[:1]), X[1], X),
    "compress": lambda bad, model, codes: analysis.compress(model, bad(X), "never.codes"),
    "density": lambda bad, model, codes: analysis.CodeDensity(bad(codes)),
    "generated": lambda bad, model, codes: analysis.density_and_coverage(X, bad(X)),
    "interpolate": lambda bad, model, codes: analysis.interpolate(
        model, bad(codes[0]), codes[1], 8, codes
    ),
    "perturb": lambda bad, model, codes: analysis.perturb(model, codes[0], 4, bad(codes)),
    "search": lambda bad, model, codes: analysis.SearchIndex(codes).search(bad(codes)),
    "steps": lambda bad, model, codes: analysis.step_sizes(model, bad(codes)),
    "accuracy": lambda bad, model, codes: metrics.neighbor_accuracy(
        codes, LABELS, bad(codes), LABELS
    ),
    "centroids": lambda bad, model, codes: metrics.centroid_rank_correlation(bad(X), codes, LABELS),
    "continuity": lambda bad, model, codes: metrics.continuity(bad(X), codes),
    "distances": lambda bad, model, codes: metrics.distance_rank_correlation(bad(X), codes),
    "neighbors": lambda bad, model, codes: metrics.nearest_rows(bad(X), X),
    "overlap": lambda bad, model, codes: metrics.neighbor_overlap(bad([[1, 2]]), [[1, 2]]),
    "recall": lambda bad, model, codes: metrics.neighbor_recall(bad(X), codes),
    "triplets": lambda bad, model, codes: metrics.random_triplet_accuracy(bad(X), codes),
    "trustworthiness": lambda bad, model, codes: metrics.trustworthiness(X, bad(codes)),
}
SETTINGS = {
    "bytes": lambda value, model, codes: analysis.compress(
        model, X, "never.codes", bytes_per_row=value
    ),
    "batches": lambda value, model, codes: ArraySource(X).batches(value),
    "clusters": lambda value, model, codes: analysis.cluster(codes, value),
    "compare": lambda value, model, codes: analysis.compare(model, X[0], X[1], X, n_pairs=value),
    "density": lambda value, model, codes: analysis.CodeDensity(codes).sample(value),
    "error": lambda value, model, codes: analysis.compress(model, X, "never.codes", error=value),
    "generated": lambda value, model, codes: analysis.density_and_coverage(X, X, value),
    "interpolate": lambda value, model, codes: analysis.interpolate(
        model, codes[0], codes[1], value, codes
    ),
    "neighbors": lambda value, model, codes: metrics.nearest_rows(X, X, value),
    "perturb": lambda value, model, codes: analysis.perturb(model, codes[0], value, codes),
    "recall": lambda value, model, codes: metrics.neighbor_recall(X, codes, k=value),
    "sample": lambda value, model, codes: model.sample(value),
    "split": lambda value, model, codes: ArraySource(X).split(value),
    "spread": lambda value, model, codes: analysis.perturb(model, codes[0], 4, codes, spread=value),
    "triplets": lambda value, model, codes: metrics.random_triplet_accuracy(X, codes, value),
    "trustworthiness": lambda value, model, codes: metrics.trustworthiness(X, codes, value),
}


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
@pytest.mark.parametrize("name", ROWS)
def test_bad_rows_and_codes_are_refused(name, value, model, codes):
    with pytest.raises(LatentmapError):
        ROWS[name](lambda rows: put(value, rows), model, codes)


@pytest.mark.parametrize("value", BAD.values(), ids=BAD)
@pytest.mark.parametrize("name", SETTINGS)
def test_bad_settings_are_refused(name, value, model, codes):
    with pytest.raises(LatentmapError, match="expected"):
        SETTINGS[name](value, model, codes)
