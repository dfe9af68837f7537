import pickle

import numpy as np
import pytest

from latentmap.data import string_store as module
from latentmap.data.string_store import StringStore

TEXTS = ["b/10.png", "", "é\n.png", "\udcff.png", *(f"{i}.png" for i in range(10_000))]


@pytest.fixture(params=["in memory", "in files"])
def names(request, monkeypatch):
    if request.param == "in files":
        monkeypatch.setattr(module, "MAX_BYTES_IN_MEMORY", 0)
    return StringStore(iter(TEXTS))


def test_store_equals_its_texts(names):
    assert list(names) == TEXTS
    assert len(names) == len(TEXTS)
    assert [names[i] for i in (0, 1, 3, -1, 5000)] == [TEXTS[i] for i in (0, 1, 3, -1, 5000)]
    assert names[2:9000:3] == TEXTS[2:9000:3]
    assert names[np.int64(7)] == TEXTS[7]
    assert names.index("9999.png") == len(TEXTS) - 1
    assert "x" not in names


def test_index_past_the_end_raises(names):
    with pytest.raises(IndexError):
        names[len(TEXTS)]


def test_store_can_be_pickled(names):
    assert list(pickle.loads(pickle.dumps(names))) == TEXTS


def test_no_texts_and_an_empty_text():
    assert list(StringStore([])) == []
    assert not StringStore([])
    assert list(StringStore([""])) == [""]


def test_external_merge_sort(monkeypatch):
    monkeypatch.setattr(module, "MAX_SORTED_STRINGS", 1000)
    shuffled = np.random.default_rng(0).permutation(TEXTS).tolist()
    assert list(StringStore.sort(shuffled, str.casefold)) == sorted(shuffled, key=str.casefold)


def test_many_texts_are_not_in_memory(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    names = StringStore(f"{i}.png" for i in range(200_000))
    assert isinstance(names._bytes, np.memmap)
    assert isinstance(names._ends, np.memmap)
    assert not list((tmp_path / "latentmap").iterdir())  # nothing that could stay behind


def test_pages_of_distant_texts_are_released_often(monkeypatch):
    released, real = [], module.release_pages
    monkeypatch.setattr(module, "MAX_BYTES_IN_MEMORY", 0)
    names = StringStore(f"{i}.png" for i in range(40_000))
    monkeypatch.setattr(
        module, "release_pages", lambda mapped: released.append(mapped) or real(mapped)
    )
    far = np.random.default_rng(0).permutation(40_000)[:1000]
    assert names.take(far) == [f"{i}.png" for i in far]
    assert len(released) == 2 * len(range(0, 1000, 64))
