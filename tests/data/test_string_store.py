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


def test_it_is_the_sequence_it_was_made_of(names):
    assert list(names) == TEXTS
    assert len(names) == len(TEXTS)
    assert [names[i] for i in (0, 1, 3, -1, 5000)] == [TEXTS[i] for i in (0, 1, 3, -1, 5000)]
    assert names[2:9000:3] == TEXTS[2:9000:3]
    assert names[np.int64(7)] == TEXTS[7]
    assert names.index("9999.png") == len(TEXTS) - 1
    assert "x" not in names


def test_past_its_end_there_is_nothing(names):
    with pytest.raises(IndexError):
        names[len(TEXTS)]


def test_another_process_gets_the_same(names):
    assert list(pickle.loads(pickle.dumps(names))) == TEXTS


def test_none_and_one_without_a_letter():
    assert list(StringStore([])) == []
    assert not StringStore([])
    assert list(StringStore([""])) == [""]


def test_what_is_sorted_in_parts_is_sorted(monkeypatch):
    monkeypatch.setattr(module, "SORTED_AT_ONCE", 1000)
    shuffled = np.random.default_rng(0).permutation(TEXTS).tolist()
    assert list(StringStore.in_order(shuffled, str.casefold)) == sorted(shuffled, key=str.casefold)


def test_many_leave_memory(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    names = StringStore(f"{i}.png" for i in range(200_000))
    assert isinstance(names._letters, np.memmap)
    assert isinstance(names._ends, np.memmap)
    assert not list((tmp_path / "latentmap").iterdir())  # nothing that could stay behind


def test_of_names_far_apart_few_are_taken_before_their_pages_are_given_back(monkeypatch):
    held, real = [], module.release_pages
    monkeypatch.setattr(module, "MAX_BYTES_IN_MEMORY", 0)
    names = StringStore(f"{i}.png" for i in range(40_000))
    monkeypatch.setattr(module, "release_pages", lambda mapped: held.append(mapped) or real(mapped))
    far = np.random.default_rng(0).permutation(40_000)[:1000]
    assert names.take(far) == [f"{i}.png" for i in far]
    assert len(held) == 2 * len(range(0, 1000, 64))
