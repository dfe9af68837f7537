"""Bad numbers, and seeds that are not integers, in the metrics and in the analysis of codes."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from latentmap import AutoEncoder, LatentMap, analysis, metrics
from latentmap.data import ArraySource
from latentmap.data.memory import memory_limit
from latentmap.errors import LatentmapError, SettingError, TooLargeError

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


SEEDS = {
    "cluster": lambda seed, model, codes: analysis.cluster(codes, seed=seed),
    "centroids": lambda seed, model, codes: metrics.centroid_rank_correlation(
        X, codes, LABELS, seed=seed
    ),
    "compare": lambda seed, model, codes: analysis.compare(model, X[0], X[1], X, seed=seed),
    "continuity": lambda seed, model, codes: metrics.continuity(X, codes, seed=seed),
    "density": lambda seed, model, codes: analysis.CodeDensity(codes, seed=seed),
    "distances": lambda seed, model, codes: metrics.distance_rank_correlation(X, codes, seed=seed),
    "draw": lambda seed, model, codes: analysis.CodeDensity(codes).sample(2, seed),
    "evaluate": lambda seed, model, codes: metrics.evaluate(model, X, seed=seed),
    "interpolate": lambda seed, model, codes: analysis.interpolate(
        model, codes[0], codes[1], 4, codes, seed=seed
    ),
    "outliers": lambda seed, model, codes: analysis.score_outliers(model, X, seed=seed),
    "perturb": lambda seed, model, codes: analysis.perturb(model, codes[0], 4, codes, seed=seed),
    "sample": lambda seed, model, codes: ArraySource(X).sample(5, seed),
    "split": lambda seed, model, codes: ArraySource(X).split(5, seed),
    "triplets": lambda seed, model, codes: metrics.random_triplet_accuracy(X, codes, seed=seed),
    "trustworthiness": lambda seed, model, codes: metrics.trustworthiness(X, codes, seed=seed),
}
BAD_SEEDS = [np.nan, np.inf, 1.5, -1, 2**32, 10**5000, "1", [1], True]


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


@pytest.mark.parametrize("value", [2**31, 2**63, 10**30, 10**5000], ids=lambda value: "huge")
@pytest.mark.parametrize("name", sorted(SETTINGS.keys() - {"spread", "bytes", "error"}))
def test_huge_integers_are_refused(name, value, model, codes):
    with pytest.raises(LatentmapError, match="expected"):
        SETTINGS[name](value, model, codes)


@pytest.mark.parametrize("name", ["sample", "density", "compare", "interpolate", "perturb"])
def test_numbers_that_need_more_than_the_memory_are_refused(name, model, codes):
    with memory_limit("2GB"), pytest.raises(TooLargeError, match="GB of memory"):
        SETTINGS[name](2**31 - 1, model, codes)


@pytest.mark.parametrize("seed", BAD_SEEDS, ids=lambda seed: type(seed).__name__)
@pytest.mark.parametrize("name", SEEDS)
def test_bad_seeds_are_refused(name, seed, model, codes):
    with pytest.raises(SettingError, match="seed: expected an integer from 0 to 4294967295"):
        SEEDS[name](seed, model, codes)


@pytest.mark.parametrize("seed", [np.int64(1), 2**32 - 1])
@pytest.mark.parametrize("name", SEEDS)
def test_integers_of_32_bits_are_seeds(name, seed, model, codes):
    SEEDS[name](seed, model, codes)


@pytest.mark.parametrize("random_state", BAD_SEEDS, ids=lambda seed: type(seed).__name__)
def test_bad_random_states_are_refused_by_all_methods(random_state):
    models = (
        estimator(2, epochs=1, random_state=0).fit(X) for estimator in (AutoEncoder, LatentMap)
    )
    for model in models:
        model.set_params(random_state=random_state)
        for method, argument in (("fit", X), ("sample", 2), ("partial_fit", X)):
            if hasattr(model, method):
                with pytest.raises(SettingError, match="random_state: expected an integer from 0"):
                    getattr(model, method)(argument)
