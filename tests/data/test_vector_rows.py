import numpy as np
import pandas as pd
import pytest

from latentmap.data import ArraySource, Table, open_data
from latentmap.data.tables import as_numbers_source
from latentmap.data.vector_rows import add_metadata
from latentmap.errors import DataError

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(30, 4)).astype(np.float32)
FRAME = pd.DataFrame(
    {"title": [f"title {i}" for i in range(30)], "x": list(VECTORS), "year": range(2000, 2030)}
)


def test_vectors_of_a_frame_are_rows_and_its_other_columns_metadata():
    rows = as_numbers_source(Table(FRAME, label="year"))
    assert np.array_equal(rows[:], VECTORS)
    assert rows.labels.tolist() == FRAME["year"].tolist()
    assert rows.metadata.feature_names == ["title"]


@pytest.mark.parametrize("options", [{"columns": ["x", "year"]}, {"roles": {"year": "number"}}])
def test_requested_columns_are_fitted_beside_the_vectors(options):
    assert Table(FRAME, **options).table_schema.vector_column is None


def test_a_subset_of_a_frame_with_vectors():
    rows = as_numbers_source(Table(FRAME, label="year").subset([3, 1]))
    assert np.array_equal(rows[:], VECTORS[[3, 1]])
    assert rows.labels.tolist() == [2003, 2001]
    assert rows.metadata[:].to_pydict() == {"title": ["title 3", "title 1"]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0], "expected a vector of 4 numbers, found one of 1; remove such rows"),
        (None, "expected a vector, found null; remove such rows"),
        ([1.0, 2.0, 3.0, np.nan], "expected a number, found null; remove such rows"),
        (VECTORS[:2], r"expected a vector in each row, found an array of shape \(2, 4\); flatten"),
    ],
)
@pytest.mark.parametrize("row", [0, 2])
def test_wrong_vectors_are_an_error(value, message, row):
    vectors = list(VECTORS)
    vectors[row] = value
    place = "" if "each row" in message else f", row {row}"
    with pytest.raises(DataError, match=f"{place}, column x: {message}"):
        as_numbers_source(Table(FRAME.assign(x=vectors)))


def test_metadata_follow_selected_rows():
    rows = add_metadata(ArraySource(VECTORS), Table(FRAME.drop(columns="x"), label="title"))
    fitted, held_out = rows.split(5)
    for part in (fitted, held_out, held_out.sample(3)):
        years = part.metadata[:].column("year").to_pylist()
        assert part.labels.tolist() == [f"title {year - 2000}" for year in years]
        assert np.array_equal(part[:], VECTORS[np.array(years) - 2000])


def test_metadata_of_a_subset():
    rows = add_metadata(ArraySource(VECTORS).subset([4, 2]), FRAME[["title", "year"]].head(2))
    assert rows.subset([1]).metadata[:].to_pydict() == {"title": ["title 1"], "year": [2001]}
    relabeled = add_metadata(rows, FRAME[["title", "year"]].head(2), label="year")
    assert relabeled.labels.tolist() == [2000, 2001]


def test_metadata_of_another_length_are_an_error():
    with pytest.raises(DataError, match=r"each of the 30 rows .* found 3; both must have the same"):
        add_metadata(ArraySource(VECTORS), Table(FRAME.drop(columns="x").head(3)))


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (ArraySource(VECTORS), r"expected a table .* found only rows of numbers"),
        (VECTORS, "metadata: expected a data frame, found ndarray"),
        (FRAME["title"], "metadata: expected a data frame, found Series"),
    ],
)
def test_metadata_must_be_a_table(metadata, message):
    with pytest.raises(DataError, match=message):
        add_metadata(VECTORS, metadata)


def test_rows_with_metadata_may_be_a_frame_of_vectors_or_numbers():
    titles = FRAME[["title"]]
    for frame in (FRAME[["x", "year"]], pd.DataFrame(VECTORS, columns=list("abcd"))):
        rows = add_metadata(frame, titles)
        assert np.array_equal(rows[:], VECTORS) and rows.metadata.feature_names == ["title"]
    with pytest.raises(DataError, match=r"column title: expected numbers, found .*; keep only"):
        add_metadata(titles, titles)


def test_the_metadata_of_a_file_with_vectors_are_its_other_columns(tmp_path):
    np.save(tmp_path / "x.npy", VECTORS)
    FRAME.to_parquet(tmp_path / "x.parquet")
    rows = open_data(tmp_path / "x.npy", metadata=tmp_path / "x.parquet", label="year")
    assert rows.metadata.feature_names == ["title"]
    assert rows.labels.tolist() == FRAME["year"].tolist()


def test_a_file_of_vectors_with_a_file_of_metadata(tmp_path):
    np.save(tmp_path / "x.npy", VECTORS)
    FRAME.drop(columns="x").to_csv(tmp_path / "x.csv", index=False)
    rows = open_data(tmp_path / "x.npy", metadata=tmp_path / "x.csv", label="title")
    assert np.array_equal(rows[:], VECTORS)
    assert rows.labels.tolist() == FRAME["title"].tolist()
    assert rows.metadata.feature_names == ["year"]


def test_metadata_with_a_role_are_fitted_beside_the_vectors(tmp_path):
    from latentmap.data import TableOptions
    from latentmap.preprocessing.table_encoder import TableEncoder

    np.save(tmp_path / "x.npy", VECTORS)
    FRAME.drop(columns="x").to_csv(tmp_path / "x.csv", index=False)
    options = TableOptions(roles={"year": "number"})
    rows = open_data(tmp_path / "x.npy", metadata=tmp_path / "x.csv", options=options)
    encoder = TableEncoder.fit(rows)
    assert encoder.names == ["vector", "year"] and encoder.ignored == {"title": "metadata"}
    decoded = encoder.decode(encoder.encode(rows[:]))
    np.testing.assert_allclose(np.stack(decoded["vector"]), VECTORS, atol=1e-5)
