import dataclasses

import numpy as np
import pytest

from latentmap.data import memory
from latentmap.errors import SettingError, TooLargeError


def test_available_memory_is_plausible():
    available = memory.available_bytes()
    assert available is None or 2**20 < available < 2**50


def test_allocation_that_does_not_fit_raises(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 1_000_000_000)
    memory.check_memory("x.npz", 1_000_000_000)
    sentence = r"^x.npz: needs 2.5 GB of memory, but 1.0 GB are available$"
    with pytest.raises(TooLargeError, match=sentence) as caught:
        memory.check_memory("x.npz", 2_500_000_000)
    assert isinstance(caught.value, MemoryError)


def test_unknown_available_memory_passes(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: None)
    memory.check_memory("x.npz", 2**62)


def test_page_cache_counts_as_available(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemFree: 1 kB\nMemAvailable:  7 kB\n")
    assert memory._from_meminfo(tmp_path / "meminfo") == 7 * 1024
    assert memory._from_meminfo(tmp_path / "absent") is None


@pytest.mark.parametrize(
    ("text", "count"),
    [("800MB", 800_000_000), ("1.5 gb", 1_500_000_000), ("2GiB", 2**31), ("64B", 64), (7, 7)],
)
def test_sizes_are_parsed(text, count):
    assert memory.parse_size(text) == count


@pytest.mark.parametrize(
    "text", ["lots", "", "4", "0GB", "-1GB", "4 G", "1e9B", "9" * 400 + "TB", 0, True, 2.5]
)
def test_invalid_sizes_raise(text):
    with pytest.raises(SettingError, match=r"^memory: expected a size such as 500MB, 4GB or 2GiB"):
        memory.parse_size(text)


def test_limits_nest_and_end_with_their_block(monkeypatch):
    monkeypatch.delenv(memory.VARIABLE_NAME, raising=False)
    with memory.memory_limit("3GB"):
        with memory.memory_limit("2GB"), memory.memory_limit(None):
            assert memory.limit_bytes() == 2_000_000_000
        assert memory.limit_bytes() == 3_000_000_000
    assert memory.limit_bytes() is None
    monkeypatch.setenv(memory.VARIABLE_NAME, "5GB")
    assert memory.limit_bytes() == 5_000_000_000


def test_available_memory_is_bounded_by_the_limit():
    resident = memory.resident_bytes()
    with memory.memory_limit(resident + 100_000_000):
        assert 0 <= memory.available_bytes() <= 130_000_000
    with memory.memory_limit(1000):
        assert memory.available_bytes() == 0
    with memory.memory_limit("10MB"), pytest.raises(TooLargeError) as caught:
        memory.check_memory("rows.npy", 2_000_000_000)
    assert str(caught.value) == (
        "rows.npy: needs 2.0 GB of memory, but 0.0 GB are available within the limit of 0.01 GB"
    )


def test_share_of_a_limit_is_at_most_the_usual_size():
    share = memory.MemoryShare(500, 0.1)
    assert share.max_bytes() == 500
    with memory.memory_limit(memory.ENGINE_BYTES + 1000):
        assert [memory.MemoryShare(n, 0.1).max_bytes() for n in (50, 500)] == [50, 100]
    with memory.memory_limit("10MB"):
        assert share.max_bytes() == 0


def test_simultaneous_shares_sum_to_at_most_the_limit():
    with pytest.raises(ValueError, match=r"evaluation: expected at most 1 in all, found 1\.1"):
        memory.MemoryBudget(evaluation=memory.MemoryShare(10, 0.8))
    names = {field.name for field in dataclasses.fields(memory.MemoryBudget)}
    assert names == set().union(*memory.MemoryBudget.SIMULTANEOUS_SHARES)


def test_message_gives_the_limit_that_a_fit_needs():
    with memory.memory_limit("100GB"):
        memory.check_memory(
            "x", memory.fit_memory_bytes(1_000_000, 784, 1_000_000), with_engine=True
        )
    with memory.memory_limit("2GB"), pytest.raises(TooLargeError) as caught:
        memory.check_memory("x", memory.fit_memory_bytes(100_000_000, 784), with_engine=True)
    assert str(caught.value) == "x: expected a memory limit of at least 6.0 GB, found 2 GB"


def test_memory_of_a_fit_is_that_of_its_arrays():
    rows_and_codes = 48 * 10 + 10 * (8 + 4 * 3)
    assert memory.fit_memory_bytes(10, 8, 7, n_components=3) == rows_and_codes + 5 * 4 * 7
    assert memory.fit_memory_bytes(10**6, 8) == 48 * 10**6 + 1000 * 8


def test_a_fit_within_too_low_a_limit_raises_before_training():
    from latentmap import AutoEncoder, LatentMap

    rows = np.random.default_rng(0).normal(size=(50, 3))
    for estimator in (AutoEncoder(2), LatentMap()):
        with memory.memory_limit("1GB"), pytest.raises(TooLargeError, match=r"at least 1\.[12] GB"):
            estimator.fit(rows)
