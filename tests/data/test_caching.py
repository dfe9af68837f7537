import numpy as np
import pytest

from latentmap.data import caching as module
from latentmap.data.caching import load_or_cache
from latentmap.data.sources import ArraySource, Source
from latentmap.errors import DataError
from latentmap.training.preparation import prepare_data

ROWS = np.random.default_rng(0).normal(size=(500, 3))


class Decoded(Source):
    """Rows that cost something each time they are read."""

    def __init__(self, rows):
        self.rows, self.row_shape, self.dtype, self.name = rows, rows.shape[1:], rows.dtype, "them"
        self.block_starts, self.read = np.arange(0, len(rows), 50), 0

    def __len__(self):
        return len(self.rows)

    def take(self, indices):
        self.read += len(indices)
        return self.rows[indices]


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setattr(Source, "fits_in_memory", lambda self: self.nbytes < 2000)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "latentmap"


def test_rows_that_fit_are_loaded_once():
    source = Decoded(ROWS)
    cached = load_or_cache(source)
    assert cached.block_starts is None
    assert np.array_equal(cached[:], ROWS)
    assert np.array_equal(cached[:], ROWS)
    assert source.read == 500


def test_larger_rows_are_cached_on_disk_without_a_named_file(little_memory, cache):
    source = Decoded(ROWS)
    cached = load_or_cache(source)
    assert cached.block_starts is not None
    assert np.array_equal(cached[:], ROWS)
    assert np.array_equal(cached[[400, 3]], ROWS[[400, 3]])
    assert source.read == 500
    assert list(cache.iterdir()) == []


def test_rows_are_not_cached_on_a_full_disk(little_memory, cache, monkeypatch):
    monkeypatch.setattr(module, "DISK_MARGIN", 1 << 50)
    source = Decoded(ROWS)
    assert load_or_cache(source) is source


def test_rows_are_not_cached_without_use_disk(little_memory, cache):
    source = Decoded(ROWS)
    assert load_or_cache(source, use_disk=False) is source


def test_decoded_rows_are_not_copied(little_memory):
    source = ArraySource(ROWS)
    assert load_or_cache(source) is source
    part = source.split(100)[0]
    assert load_or_cache(part) is part


def test_cached_rows_keep_their_original_index(little_memory, cache):
    holed = ROWS.copy()
    holed[77, 1] = np.nan
    rows = Decoded(holed).subset(np.arange(50, 500))
    with pytest.raises(DataError, match="them, row 77, column 1: expected a finite number"):
        prepare_data(rows, "auto", 1, None, 0)


def test_loaded_rows_keep_their_original_index():
    holed = ROWS.copy()
    holed[77, 1] = np.nan
    with pytest.raises(DataError, match="row 77"):
        prepare_data(ArraySource(holed).subset(np.arange(50, 500)), "auto", 1, None, 0)


def test_fitting_reads_the_original_once(little_memory, cache):
    source = Decoded(ROWS)
    prepared = prepare_data(source, "auto", 1, None, 0)
    for _ in range(3):
        epoch = np.concatenate(list(prepared.task.rows.batches(64, rng=np.random.default_rng(0))))
        assert len(epoch) == 450
    assert source.read == 500


def test_progress_is_shown(capsys):
    load_or_cache(Decoded(ROWS), verbose=True)
    assert "reading them" in capsys.readouterr().err
