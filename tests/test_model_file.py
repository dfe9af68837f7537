"""Tests of reading and writing model files; test_loading.py tests the estimators in them."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from latentmap.errors import FileError, ModelFileError
from latentmap.model_file import FORMAT, read_model, write_model

METADATA = {"estimator": "AutoEncoder", "names": ["größe", "a/b"], "missing": None, "pi": 3.14}
ARRAYS = {
    "w/0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "number": np.array(7.5),
    "transposed": np.arange(6.0).reshape(2, 3).T,
    "empty": np.zeros((0, 3), np.float32),
}


@pytest.fixture
def path(tmp_path):
    write_model(tmp_path / "model.safetensors", METADATA, ARRAYS)
    return tmp_path / "model.safetensors"


def test_read_model_returns_the_written_metadata_and_arrays(path):
    metadata, arrays = read_model(path)
    assert metadata == {"format": FORMAT, **METADATA}
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].shape == array.shape  # A scalar keeps its shape ().
        assert arrays[name].dtype == array.dtype
        assert np.array_equal(arrays[name], array)


def test_model_file_can_be_read_by_safetensors(path):
    assert np.array_equal(load_file(path)["w/0"], ARRAYS["w/0"])


def test_metadata_that_json_cannot_store_is_not_written(tmp_path):
    for value in (float("nan"), float("inf"), {1, 2}, np.zeros(2)):
        with pytest.raises((ValueError, TypeError)):
            write_model(tmp_path / "model.safetensors", {"value": value}, {})
    assert list(tmp_path.iterdir()) == []


def test_failed_write_keeps_the_existing_file(path, monkeypatch):
    def raise_no_space(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", raise_no_space)
    with pytest.raises(FileError, match=r"model\.safetensors: cannot be written \(No space"):
        write_model(path, {}, {})
    assert read_model(path)[0]["pi"] == 3.14
    assert [p.name for p in path.parent.iterdir()] == ["model.safetensors"]


def test_write_to_a_missing_folder_raises(tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        write_model(tmp_path / "missing" / "model.safetensors", {}, {})


# -- invalid files ---------------------------------------------------------------------------------


def check_refused(path, message):
    with pytest.raises(ModelFileError, match=message) as raised:
        read_model(path)
    assert str(path) in str(raised.value)
    assert isinstance(raised.value, OSError)
    assert isinstance(raised.value, ValueError)


def test_missing_file_is_refused(tmp_path):
    check_refused(tmp_path / "missing.safetensors", "no such file")


@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"label,age\n1,2\n", bytes(100), b"\xff" * 100, b"PK\x03\x04" + bytes(50)],
    ids=["empty", "a byte", "text", "zeros", "ones", "zip"],
)
def test_file_of_another_kind_is_refused(content, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    check_refused(path, "expected a complete model file")


def test_folder_is_refused(tmp_path):
    check_refused(tmp_path, "expected a model file, found a folder")


def test_truncated_file_is_refused(path, tmp_path):
    content, truncated = path.read_bytes(), tmp_path / "part.safetensors"
    for length in range(len(content)):
        truncated.write_bytes(content[:length])
        check_refused(truncated, "expected a complete model file")


def test_file_with_trailing_bytes_is_refused(path):
    path.write_bytes(path.read_bytes() + b"more")
    check_refused(path, "expected a complete model file")


def test_huge_header_length_is_refused(path):
    content = path.read_bytes()
    for length in (2**63, 2**40, len(content)):
        path.write_bytes(length.to_bytes(8, "little") + content[8:])
        check_refused(path, "expected a complete model file")


def test_huge_array_shape_is_refused(path):
    header = {"w": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    check_refused(path, "expected a complete model file")


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}])
def test_safetensors_file_of_another_program_is_refused(metadata, tmp_path):
    save_file({"w": np.zeros(2)}, tmp_path / "other.safetensors", metadata=metadata)
    check_refused(tmp_path / "other.safetensors", r"found another \.safetensors file")


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
def test_invalid_metadata_is_refused(text, tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"w": np.zeros(2)}, path, metadata={"latentmap": text})
    check_refused(path, "the description of the model is damaged")


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", str(2**63), "9" * 5000])
def test_numbers_outside_the_range_of_64_bits_are_refused(number, tmp_path):
    path = tmp_path / "model.safetensors"
    text = f'{{"format": 1, "parameters": {{"beta": {number}}}}}'
    save_file({"w": np.zeros(2)}, path, metadata={"latentmap": text})
    check_refused(path, "the description of the model is damaged")


def test_every_changed_byte_is_refused(path):
    """The checksum covers the description and the arrays; safetensors checks the rest."""
    content = path.read_bytes()
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1
        path.write_bytes(changed)
        check_refused(path, "expected a complete model file|damaged|expected a latentmap model")


def test_missing_checksum_is_refused_from_format_3(tmp_path):
    path = tmp_path / "model.safetensors"
    metadata = json.dumps({"format": 3, **METADATA})
    save_file({"w": np.zeros(2)}, path, metadata={"latentmap": metadata})
    check_refused(path, "the model is damaged")
    save_file({"w": np.zeros(2)}, path, metadata={"latentmap": metadata.replace("3", "2", 1)})
    assert read_model(path)[0]["format"] == 2


def test_newer_format_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    metadata = json.dumps({"format": FORMAT + 1, **METADATA})
    save_file({"w": np.zeros(2)}, path, metadata={"latentmap": metadata})
    check_refused(path, f"expected format {FORMAT} or older, found {FORMAT + 1}; upgrade latentmap")
