import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.decomposition import PCA

from latentmap import AutoEncoder
from latentmap.analysis import SearchIndex, compare
from latentmap.analysis.comparison import fraction_farther
from latentmap.data import ArraySource
from latentmap.errors import DataError, SettingError

X = load_wine().data
MODEL = PCA(4, whiten=True).fit(X)


def test_fraction_farther_estimates_the_fraction_of_all_pairs():
    index = SearchIndex(MODEL.transform(X))
    first, second = np.triu_indices(len(X), 1)
    distances = index.distance.paired(index.codes[first], index.codes[second])
    for distance in np.quantile(distances, [0.01, 0.5, 0.9]):
        result = fraction_farther(index, float(distance))
        assert result == pytest.approx(np.mean(distances > distance), abs=0.01)


def test_equal_distances_count_half():
    index = SearchIndex([[0.0], [1.0], [2.0]])
    assert fraction_farther(index, 1.0, 100_000) == pytest.approx(1 / 3 + 1 / 3, abs=0.01)
    assert fraction_farther(SearchIndex(np.ones((9, 5))), 0.0) == 0.5


def test_comparison_of_two_rows():
    result = compare(MODEL, X[3], X[100:101], reference=X)
    index = SearchIndex(MODEL.transform(X))
    expected = index.distance.paired(MODEL.transform(X[3:4]), MODEL.transform(X[100:101]))
    assert result.distance == pytest.approx(expected[0], rel=1e-6)
    assert np.array_equal(result.rows, X[[3, 100]])
    assert result.reconstructions == pytest.approx(
        MODEL.inverse_transform(MODEL.transform(X[[3, 100]]))
    )
    assert np.array_equal(result.difference, X[100] - X[3])
    assert compare(MODEL, X[3], X[100], reference=index).fraction_farther == result.fraction_farther


def test_row_compared_with_itself():
    result = compare(MODEL, X[3], X[3], reference=X)
    assert result.distance == 0 and result.fraction_farther == 1


def test_seed_determines_the_pairs():
    shares = [
        compare(MODEL, X[0], X[99], X, n_pairs=500, seed=s).fraction_farther for s in (0, 0, 1)
    ]
    assert shares[0] == shares[1] != shares[2]


def test_images_alone_and_in_batches():
    images = np.random.default_rng(0).integers(0, 255, (40, 5, 4), np.uint8)
    model = AutoEncoder(2, epochs=1, random_state=0).fit(images)
    result = compare(model, images[0], images[1:2], reference=images)
    assert result.rows.shape == result.reconstructions.shape == (2, 5, 4)
    source = ArraySource(images)
    assert (
        compare(model, source.subset([0]), source.subset([1]), source).fraction_farther
        == result.fraction_farther
    )


def test_column_names_are_compared():
    frame = load_iris(as_frame=True).data
    model = AutoEncoder(2, epochs=1, random_state=0).fit(frame)
    assert compare(model, frame[:1], frame[70:71], reference=frame).distance > 0
    with pytest.raises(ValueError, match="feature names"):
        compare(model, frame[:1], frame[70:71].rename(columns=str.upper), reference=frame)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (X[:2], X[0], r"a: expected one row, found an array of shape \(2, 13\)"),
        (X[0], X[:0], r"b: expected one row, found an array of shape \(0, 13\)"),
        (X[0], 3.0, "b: expected one row"),
    ],
)
def test_input_that_is_not_one_row_raises(a, b, message):
    with pytest.raises(DataError, match=message):
        compare(MODEL, a, b, reference=X)


def test_too_few_reference_rows_or_pairs_raise():
    with pytest.raises(DataError, match="at least 2 rows for random pairs, found 1"):
        compare(MODEL, X[0], X[1], reference=X[:1])
    with pytest.raises(SettingError, match="n_pairs: expected an integer of at least 1, found 0"):
        compare(MODEL, X[0], X[1], reference=X, n_pairs=0)


def test_reference_data_frame_is_sampled(monkeypatch):
    monkeypatch.setattr("latentmap.analysis.comparison.MAX_REFERENCE_ROWS", 50)
    frame = pd.DataFrame(X)
    assert 0 < compare(MODEL, X[0], X[99], reference=frame).fraction_farther < 1
