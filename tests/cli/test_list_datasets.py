"""``latentmap datasets``."""

import json

import pandas as pd
import pytest

from latentmap.data import list_datasets, load_dataset, open_data


def test_lists_the_data_sets(run):
    records = json.loads(run("datasets", "--json").stdout)
    assert [record["name"] for record in records] == list(list_datasets())


def test_writes_a_table_with_its_labels(run, tmp_path):
    path = tmp_path / "penguins.csv"
    run("datasets", "penguins", "-o", path)
    frame = pd.read_csv(path)
    assert frame["species"].tolist() == load_dataset("penguins").labels.tolist()
    assert frame["sex"].isna().sum() > 0
    assert frame.columns[-1] == "species" and len(frame.columns) == 8


def test_writes_images_into_a_folder_for_each_label(run, tmp_path):
    run("datasets", "mnist:unseen", "-o", tmp_path / "digits")
    written, original = open_data(tmp_path / "digits"), load_dataset("mnist", "unseen")
    assert len(written) == len(original)
    # Images of a folder are sorted by their paths, so digits of the label 0 come first.
    first = original.labels.tolist().index(0)
    assert (written[0] == original[first]).all() and written.labels[0] == "0"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("wine",), "expected a name and an output, or neither"),
        (("-o", "wine.csv"), "expected a name and an output, or neither"),
        (("whine", "-o", "wine.csv"), "unknown data set 'whine', did you mean"),
        (("wine:all", "-o", "wine.csv"), "unknown part 'all'"),
        (("wine", "-o", "wine.xyz"), "wine.xyz"),
        (("digits", "-o", "folder"), "expected images of 8-bit pixels"),
    ],
)
def test_wrong_arguments_give_one_sentence(run, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    assert sentence in run("datasets", *arguments, code=2).stderr
    assert not list(tmp_path.iterdir())
