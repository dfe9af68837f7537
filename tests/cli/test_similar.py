from __future__ import annotations

import json

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from PIL import Image

from latentmap import load_model
from latentmap.analysis import SearchIndex
from latentmap.data import load_dataset, open_data


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Write 40 digits to a folder of images with a sub-folder for each digit."""
    folder, digits = tmp_path_factory.mktemp("photos"), load_dataset("digits")
    for i, (image, label) in enumerate(zip(digits[:40], digits.labels, strict=False)):
        (folder / str(label)).mkdir(exist_ok=True)
        Image.fromarray(image.astype(np.uint8)).save(folder / str(label) / f"{i:02}.png")
    return folder


@pytest.fixture(scope="module")
def photo_model(run, photos, tmp_path_factory):
    model = tmp_path_factory.mktemp("photo-model") / "photos.safetensors"
    run("fit", photos, "-o", model, "-n", 8, "--network", "linear")
    return model


def find_similar(run, *arguments):
    return json.loads(run("similar", *arguments, "--json").stdout)["queries"]


def test_neighbours_equal_those_of_the_index(run, digits_model):
    model, reference, new = load_model(digits_model), *map(open_data, ("digits", "digits:unseen"))
    index = SearchIndex(model.transform(reference), reference.labels)
    rows, distances = index.search(model.transform(new), 3)
    results = find_similar(run, digits_model, "digits:unseen", "--reference", "digits", "-k", 3)
    assert [query["row"] for query in results] == list(range(359))
    assert [
        [neighbor["row"] for neighbor in query["neighbors"]] for query in results
    ] == rows.tolist()
    output = [[neighbor["distance"] for neighbor in query["neighbors"]] for query in results]
    assert np.array(output) == pytest.approx(distances, abs=1e-5)
    assert [query["label"] for query in results] == new.labels.tolist()
    assert results[5]["neighbors"][1]["label"] == reference.labels[rows[5, 1]]


def test_a_row_is_not_its_own_neighbour(run, digits_model):
    (match,) = find_similar(run, digits_model, "digits:unseen#17", "-k", 358)
    assert match["row"] == 17
    assert {neighbor["row"] for neighbor in match["neighbors"]} == set(range(359)) - {17}
    all_rows = find_similar(run, digits_model, "digits:unseen", "-k", 2)
    assert all_rows[17]["neighbors"] == match["neighbors"][:2]


def test_an_index_is_searched_without_the_data(run, digits_model, tmp_path):
    index = tmp_path / "digits.index"
    before = find_similar(
        run, digits_model, "digits:unseen#3", "--reference", "digits", "--save-index", index
    )
    assert find_similar(run, digits_model, "digits:unseen#3", "--index", index) == before
    (member,) = find_similar(run, digits_model, "digits#3", "--index", index)  # a row of the index
    assert 3 not in [neighbor["row"] for neighbor in member["neighbors"]]
    other = ["similar", digits_model, "digits#3", "--index", index, "--reference", "digits:unseen"]
    message = run(*other, code=2).stderr
    assert "expected an index of digits:unseen, found an index of other rows" in message


def test_an_image_file_finds_other_files(run, photo_model, photos, tmp_path):
    name = open_data(photos).paths[7]
    query = photos / name
    (match,) = find_similar(run, photo_model, query, "--reference", photos, "-k", 5)
    names = [neighbor["name"] for neighbor in match["neighbors"]]
    assert name not in names
    assert set(names) <= set(open_data(photos).paths)
    assert [neighbor["label"] for neighbor in match["neighbors"]] == [name[0] for name in names]
    index, sheet = tmp_path / "photos.index", tmp_path / "sheet.png"
    run("similar", photo_model, f"{photos}#0", "--save-index", index)
    result = run("similar", photo_model, query, "--index", index, "-o", sheet, "-k", 2)
    assert name in result.stdout  # the index does not know where its rows came from
    assert sheet.read_bytes().startswith(b"\x89PNG")


def test_one_image_needs_reference_rows(run, photo_model, photos):
    image = photos / open_data(photos).paths[7]
    result = run("similar", photo_model, image, code=2)
    assert f"{image}: expected --reference DATA or --index FILE, found neither" in result.stderr


def test_a_single_row_is_searched_in_the_fitted_data(run, digits_model, tmp_path):
    np.save(tmp_path / "one.npy", load_dataset("digits")[4:5])
    result = run("similar", digits_model, tmp_path / "one.npy", "-k", 1)
    assert "Searching digits, the data that the model was fitted to" in result.stderr
    assert result.stdout.split()[-3:-1] == ["4", str(load_dataset("digits").labels[4])]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_all_neighbours_are_written_to_a_table(run, digits_model, tmp_path, suffix):
    target = tmp_path / f"near.{suffix}"
    result = run(
        "similar", digits_model, "digits:unseen", "--reference", "digits", "-o", target, "-k", 2
    )
    assert f"Wrote {target}: 2 neighbours of 359 rows" in result.stderr
    read = {"csv": pyarrow.csv.read_csv, "parquet": pyarrow.parquet.read_table}[suffix]
    table = read(target).to_pydict()
    assert list(table) == ["query", "rank", "row", "distance", "label"]
    assert table["query"][:4] == [0, 0, 1, 1]
    assert table["rank"][:4] == [1, 2, 1, 2]
    labels = load_dataset("digits").labels
    assert table["label"] == labels[np.array(table["row"], int)].tolist()


def test_a_table_contains_file_names(run, photo_model, photos, tmp_path):
    target, paths = tmp_path / "near.parquet", open_data(photos).paths
    run("similar", photo_model, photos, "-o", target, "-k", 2)
    table = pyarrow.parquet.read_table(target).to_pydict()
    assert table["name"] == [paths[row] for row in table["row"]]
    assert table["label"] == [path[0] for path in table["name"]]


def test_parquet_and_csv_give_the_same_neighbours(run, wine_model, wine_csv, tmp_path):
    table = pyarrow.csv.read_csv(wine_csv)
    pyarrow.parquet.write_table(table, tmp_path / "wine.parquet")
    of_csv = find_similar(run, wine_model, f"{wine_csv}#3", "-k", 4)
    of_parquet = find_similar(run, wine_model, f"{tmp_path / 'wine.parquet'}#3", "-k", 4)
    assert of_parquet == of_csv


def test_few_rows_have_few_neighbours(run, wine_model, wine_csv, tmp_path):
    lines = wine_csv.read_text().splitlines()
    for count in (1, 3):
        (tmp_path / f"{count}.csv").write_text("\n".join(lines[: 1 + count]))
    neighbors = find_similar(run, wine_model, f"{tmp_path / '3.csv'}#0")[0]["neighbors"]
    assert sorted(neighbor["row"] for neighbor in neighbors) == [1, 2]
    result = run(
        "similar", wine_model, tmp_path / "1.csv", "--reference", tmp_path / "1.csv", code=2
    )
    assert "expected a row other than the query, found none" in result.stderr


def test_the_same_output_twice_is_reported(run, wine_model, wine_csv, tmp_path):
    target = tmp_path / "near.csv"
    result = run("similar", wine_model, wine_csv, "-o", target, "--save-index", target, code=2)
    assert "expected different output paths" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_table_and_a_plot_are_written_together(run, wine_model, wine_csv, tmp_path):
    sheet, table = tmp_path / "near.pdf", tmp_path / "near.npy"
    run("similar", wine_model, f"{wine_csv}#3", "-k", 4, "-o", sheet, "-o", table)
    assert sheet.read_bytes().startswith(b"%PDF")
    assert np.load(table).shape == (4, 4)


def test_new_rows_need_no_label(run, wine_model, wine_csv, tmp_path):
    lines = [line.rpartition(",")[0] for line in wine_csv.read_text().splitlines()[:3]]
    (tmp_path / "new.csv").write_text("\n".join(lines))
    results = find_similar(run, wine_model, tmp_path / "new.csv", "--reference", wine_csv, "-k", 1)
    assert [query["neighbors"][0]["row"] for query in results] == [0, 1]
    assert {query["label"] for query in results} == {None}


def test_tables_are_printed(run, wine_model, wine_csv, digits_model):
    result = run("similar", wine_model, f"{wine_csv}#3", "-k", 2)
    assert result.stdout.split()[:3] == ["row", "label", "distance"]
    assert "Rows of wine.csv most similar to wine.csv#3" in result.stderr
    many = run("similar", digits_model, "digits:unseen", "--reference", "digits", "-k", 1)
    assert many.stdout.split()[:4] == ["query", "row", "label", "distance"]
    assert "for the first 10 of 359 rows" in many.stderr
    assert "The most similar row has the same label for 9" in many.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["digits#999999"], "expected a row number below 1,438, found 999999"),
        (["digits#0", "-k", "1438"], "expected at most the 1,437 other rows of digits"),
        (["digits#0", "-k", "0"], "greater than or equal to 1"),
        (["digits#0", "-o", "a.txt"], "expected one of the suffixes .png"),
        (["digits#0", "-o", "no/a.png"], "does not exist"),
        (["digits#0", "--save-index", "no/a.index"], "does not exist"),
        (["digits#0", "--index", "gone.index"], "gone.index: no such file"),
        (["digits#0", "--index", "{n}/noise.safetensors"], "expected a complete index file"),
        (["digits#0", "--index", "{m}"], "expected a latentmap index, found a model"),
        (["digits#0", "--reference", "wine"], "X has 13 features"),
        (["wine#0"], "X has 13 features"),
        (["{n}/nan.npy", "--reference", "digits"], "nan.npy"),
    ],
)
def test_invalid_arguments_are_reported(
    run, plain_model, nonsense, tmp_path, monkeypatch, arguments, words
):
    monkeypatch.chdir(tmp_path)
    texts = [text.format(n=nonsense, m=plain_model) for text in arguments]
    result = run("similar", plain_model, *texts, code=2)
    assert words in result.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_unknown_label_columns_are_reported(run, wine_model, wine_csv):
    for rows_option in ([], ["--reference", wine_csv]):
        result = run("similar", wine_model, f"{wine_csv}#0", "--label", "kin", *rows_option, code=2)
        assert "kin" in result.stderr.splitlines()[-1]


def test_the_index_of_another_model_is_reported(run, digits_model, plain_model, tmp_path):
    index = tmp_path / "digits.index"
    run("similar", digits_model, "digits#0", "--save-index", index)
    result = run("similar", plain_model, "digits#0", "--index", index, code=2)
    assert "expected an index of this model" in result.stderr
    result = run(
        "similar", digits_model, "digits#0", "--index", index, "--save-index", index, code=2
    )
    assert "found the input itself" in result.stderr


def test_sparse_rows_are_searched(run, words_npz, tmp_path):
    model = tmp_path / "words.safetensors"
    run("fit", words_npz, "-o", model, "-n", 8, "--network", "linear")
    query, sheet = f"{words_npz}#5", tmp_path / "near.png"
    (match,) = find_similar(run, model, query, "-o", sheet)
    topics = open_data(words_npz).labels
    assert sum(neighbor["label"] == topics[5] for neighbor in match["neighbors"]) >= 9
    assert sheet.is_file()
    comparison = run(
        "compare", model, query, f"{words_npz}#6", "-o", tmp_path / "both.png", "--json"
    )
    assert json.loads(comparison.stdout)["columns"] == []
