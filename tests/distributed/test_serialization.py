import pickle

import numpy as np
import pytest

from latentmap.data import ArraySource, open_data
from latentmap.data.caching import CachedSource
from latentmap.distributed.serialization import _pack, _unpack


@pytest.fixture
def mapped(tmp_path, monkeypatch):
    np.save(tmp_path / "rows.npy", np.arange(40_000.0).reshape(4000, 10))
    monkeypatch.chdir(tmp_path)
    return open_data("rows.npy")


def test_a_mapped_file_is_sent_as_its_location(mapped):
    packed = pickle.dumps(_pack(mapped))
    assert len(packed) < mapped.nbytes / 50
    restored = _unpack(pickle.loads(packed))
    assert np.array_equal(restored[:], mapped[:])
    assert restored.block_starts.tolist() == mapped.block_starts.tolist()


def test_a_contiguous_slice_is_sent_as_its_location(mapped):
    chunk = ArraySource(mapped.array[100:300])
    packed = _pack(chunk)
    assert isinstance(packed["array"], tuple)
    assert np.array_equal(_unpack(packed)[:], mapped[100:300])


def test_a_slice_with_gaps_is_sent_as_an_array(mapped):
    every_second = ArraySource(mapped.array[::2])
    restored = _unpack(pickle.loads(pickle.dumps(_pack(every_second))))
    assert np.array_equal(restored[:], mapped[:][::2])


def test_an_array_in_memory_is_sent_as_an_array():
    source = ArraySource(np.eye(3), labels=["a", "b", "c"], name="eye")
    restored = _unpack(pickle.loads(pickle.dumps(_pack(source))))
    assert np.array_equal(restored[:], np.eye(3))
    assert (restored.name, restored.labels.tolist()) == ("eye", ["a", "b", "c"])


def test_a_cached_source_is_sent_without_its_original(mapped):
    copy = CachedSource(mapped, mapped[:])
    packed = pickle.dumps(_pack(copy))
    assert len(packed) < 1.5 * copy.nbytes
    assert np.array_equal(_unpack(pickle.loads(packed))[:], copy[:])
