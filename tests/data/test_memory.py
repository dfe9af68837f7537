import pytest

from latentmap.data import memory
from latentmap.errors import TooLargeError


def test_available_memory_is_told_and_plausible():
    available = memory.available_bytes()
    assert available is None or 2**20 < available < 2**50


def test_what_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 1_000_000_000)
    memory.check_memory("x.npz", 1_000_000_000)
    sentence = r"^x.npz: needs 2.5 GB of memory, 1.0 GB are free$"
    with pytest.raises(TooLargeError, match=sentence) as caught:
        memory.check_memory("x.npz", 2_500_000_000)
    assert isinstance(caught.value, MemoryError)


def test_a_system_that_does_not_tell_is_trusted(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: None)
    memory.check_memory("x.npz", 2**62)


def test_the_page_cache_counts_as_free(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemFree: 1 kB\nMemAvailable:  7 kB\n")
    assert memory._from_meminfo(tmp_path / "meminfo") == 7 * 1024
    assert memory._from_meminfo(tmp_path / "absent") is None
