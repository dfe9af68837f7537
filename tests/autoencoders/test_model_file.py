"""The file itself; what estimators make of it is tested in test_loading.py."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from latentmap.autoencoders.model_file import FORMAT, read_model, write_model
from latentmap.errors import FileError, ModelFileError

ABOUT = {"estimator": "AutoEncoder", "names": ["größe", "a/b"], "none": None, "pi": 3.14}
ARRAYS = {
    "w/0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "number": np.array(7.5),
    "turned": np.arange(6.0).reshape(2, 3).T,
    "none": np.zeros((0, 3), np.float32),
}


@pytest.fixture
def path(tmp_path):
    write_model(tmp_path / "model.safetensors", ABOUT, ARRAYS)
    return tmp_path / "model.safetensors"


def test_what_is_written_is_read(path):
    about, arrays = read_model(path)
    assert about == {"format": FORMAT, **ABOUT}
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].shape == array.shape  # a single number stays one
        assert arrays[name].dtype == array.dtype
        assert np.array_equal(arrays[name], array)


def test_the_text_alone_can_be_read(path):
    about, arrays = read_model(path, arrays=False)
    assert about["names"] == ABOUT["names"]
    assert arrays == {}


def test_any_reader_of_safetensors_reads_it(path):
    assert np.array_equal(load_file(path)["w/0"], ARRAYS["w/0"])


def test_what_json_cannot_hold_is_not_written(tmp_path):
    for value in (float("nan"), float("inf"), {1, 2}, np.zeros(2)):
        with pytest.raises((ValueError, TypeError)):
            write_model(tmp_path / "model.safetensors", {"value": value}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(path, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", fail)
    with pytest.raises(FileError, match=r"model\.safetensors: cannot be written \(No space"):
        write_model(path, {}, {})
    assert read_model(path)[0]["pi"] == 3.14
    assert [p.name for p in path.parent.iterdir()] == ["model.safetensors"]


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        write_model(tmp_path / "nowhere" / "model.safetensors", {}, {})


# -- files that are no models ----------------------------------------------------------------------


def refused(path, told):
    with pytest.raises(ModelFileError, match=told) as caught:
        read_model(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value, ValueError)


def test_a_missing_file(tmp_path):
    refused(tmp_path / "none.safetensors", "no such file")


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"label,age\n1,2\n", bytes(100), b"\xff" * 100, b"PK\x03\x04" + bytes(50)],
    ids=["empty", "a byte", "text", "zeros", "ones", "zip"],
)
def test_something_else(content, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    refused(path, "expected a whole model file")


def test_a_folder(tmp_path):
    refused(tmp_path, "expected a whole model file")


def test_a_file_cut_anywhere(path, tmp_path):
    whole, part = path.read_bytes(), tmp_path / "part.safetensors"
    for length in range(len(whole)):
        part.write_bytes(whole[:length])
        refused(part, "expected a whole model file")


def test_a_file_with_more_behind_it(path):
    path.write_bytes(path.read_bytes() + b"more")
    refused(path, "expected a whole model file")


def test_a_header_that_claims_to_be_huge(path):
    whole = path.read_bytes()
    for claim in (2**63, 2**40, len(whole)):
        path.write_bytes(claim.to_bytes(8, "little") + whole[8:])
        refused(path, "expected a whole model file")


def test_an_array_that_claims_to_be_huge(path):
    header = {"w": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    refused(path, "expected a whole model file")


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}])
def test_anothers_safetensors(metadata, tmp_path):
    save_file({"w": np.zeros(2)}, tmp_path / "other.safetensors", metadata=metadata)
    refused(tmp_path / "other.safetensors", "found another's")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "3",
        "null",
        "{}",
        '{"format": "one"}',
        '{"format": null}',
        '{"format": [1]}',
        '{"format": 1e999}',
        "[" * 100_000,
    ],
)
def test_a_description_that_is_none(text, tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"w": np.zeros(2)}, path, metadata={"latentmap": text})
    refused(path, "the description of the model is damaged")


def test_a_newer_format(tmp_path):
    path = tmp_path / "model.safetensors"
    about = json.dumps({"format": FORMAT + 1, **ABOUT})
    save_file({"w": np.zeros(2)}, path, metadata={"latentmap": about})
    refused(path, f"expected format {FORMAT} or older, found {FORMAT + 1}; upgrade latentmap")
