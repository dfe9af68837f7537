import pickle

import numpy as np
import pytest

from latentmap.data import ArraySource, open_data
from latentmap.data.sources import CachedSource
from latentmap.distributed.serialization import _pack, _unpack


@pytest.fixture
def mapped(tmp_path, monkeypatch):
    np.save(tmp_path / "rows.npy", np.arange(40_000.0).reshape(4000, 10))
    monkeypatch.chdir(tmp_path)
    return open_data("rows.npy")


def test_a_mapped_file_travels_as_its_place(mapped):
    packed = pickle.dumps(_pack(mapped))
    assert len(packed) < mapped.nbytes / 50
    again = _unpack(pickle.loads(packed))
    assert np.array_equal(again[:], mapped[:])
    assert again.block_starts.tolist() == mapped.block_starts.tolist()


def test_so_does_a_part_of_one(mapped):
    part = ArraySource(mapped.array[100:300])
    told = _pack(part)
    assert isinstance(told["array"], tuple)
    assert np.array_equal(_unpack(told)[:], mapped[100:300])


def test_a_part_with_gaps_travels_itself(mapped):
    every_second = ArraySource(mapped.array[::2])
    again = _unpack(pickle.loads(pickle.dumps(_pack(every_second))))
    assert np.array_equal(again[:], mapped[:][::2])


def test_an_array_in_memory_travels_itself():
    source = ArraySource(np.eye(3), labels=["a", "b", "c"], name="eye")
    again = _unpack(pickle.loads(pickle.dumps(_pack(source))))
    assert np.array_equal(again[:], np.eye(3))
    assert (again.name, again.labels.tolist()) == ("eye", ["a", "b", "c"])


def test_a_copy_travels_without_its_original(mapped):
    copy = CachedSource(mapped, mapped[:])
    packed = pickle.dumps(_pack(copy))
    assert len(packed) < 1.5 * copy.nbytes
    assert np.array_equal(_unpack(pickle.loads(packed))[:], copy[:])
