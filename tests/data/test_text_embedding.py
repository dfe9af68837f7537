import sys
import types

import numpy as np
import pandas as pd
import pytest

from latentmap.data import Table, TableOptions, embed_texts, open_data
from latentmap.errors import DataError, SettingError, UnknownNameError

FRAME = pd.DataFrame({"body": ["a b", "b b", None], "year": [1, 2, 3]})


class LetterCounts:
    def __init__(self, *arguments, **options):
        self.arguments = (arguments, options)

    def encode(self, sentences):
        return np.array([[text.count("a"), text.count("b")] for text in sentences], float)


@pytest.fixture
def package(monkeypatch):
    """Replace sentence-transformers, and return the list of the models that are created."""
    models = []

    def create(*arguments, **options):
        if arguments == ("unknown",):
            raise OSError("not found\nsecond line")
        models.append(LetterCounts(*arguments, **options))
        return models[-1]

    module = types.SimpleNamespace(SentenceTransformer=create)
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    return models


def test_embeddings_have_length_1_and_the_table_is_metadata():
    rows = embed_texts(FRAME, "body", LetterCounts())
    expected = [[0.5**0.5, 0.5**0.5], [0, 1], [0, 0]]
    np.testing.assert_allclose(rows[:], expected, atol=1e-6)
    assert rows.metadata[:].to_pydict() == {"body": ["a b", "b b", None], "year": [1, 2, 3]}


def test_labels_of_a_table_are_labels_of_the_embeddings():
    assert embed_texts(Table(FRAME, label="year"), "body", LetterCounts()).labels.tolist() == [
        1,
        2,
        3,
    ]


def test_a_model_is_loaded_without_a_download_and_without_pickled_weights(package):
    embed_texts(FRAME, "body", "name")
    options = {"local_files_only": True, "model_kwargs": {"use_safetensors": True}}
    assert [model.arguments for model in package] == [(("name",), options)]


def test_a_model_that_was_not_downloaded_is_an_error_of_one_line(package):
    with pytest.raises(SettingError, match=r"^text_model 'unknown': [^\n]*downloads it$"):
        embed_texts(FRAME, "body", "unknown")


def test_a_missing_package_is_an_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(SettingError, match=r"install latentmap\[text\]"):
        embed_texts(FRAME, "body", "name")


def test_unknown_columns_and_other_shapes_are_errors():
    with pytest.raises(UnknownNameError, match="unknown column 'bdy'"):
        embed_texts(FRAME, "bdy", LetterCounts())
    with pytest.raises(DataError, match=r"expected vectors of 3 texts, found shape \(2, 1\)"):
        embed_texts(FRAME, "body", types.SimpleNamespace(encode=lambda texts: [[1.0], [2.0]]))


def test_files_are_embedded_as_the_options_ask(tmp_path, package):
    FRAME.to_csv(tmp_path / "x.csv", index=False)
    rows = open_data(tmp_path / "x.csv", options=TableOptions(text="body", text_model="name"))
    assert rows.row_shape == (2,)
    table = open_data(tmp_path / "x.csv", options=TableOptions(text="body"))
    assert table.table_schema.fitted_columns == ("body",)
    with pytest.raises(SettingError, match="expected a column of texts"):
        TableOptions(text_model="name")
    with pytest.raises(SettingError, match="expected a table with a column of texts"):
        open_data("mnist", options=TableOptions(text="body"))
