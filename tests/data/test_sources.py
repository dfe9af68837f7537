import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from latentmap.data.memory import ENGINE_BYTES, memory_limit
from latentmap.data.sources import ArraySource, Source
from latentmap.errors import DataError, FileError, SettingError
from latentmap.training.preparation import prepare_data


class Listed(Source):
    """The least a subclass can be; it remembers what was asked of it."""

    def __init__(self, rows, block_starts=None):
        self.rows, self.block_starts, self.asked = rows, block_starts, []
        self.row_shape, self.dtype, self.name = rows.shape[1:], rows.dtype, "listed"

    def __len__(self):
        return len(self.rows)

    def take(self, indices):
        self.asked.append(np.asarray(indices))
        return self.rows[indices]


def numbered(n=100, **options):
    return Listed(np.outer(np.arange(n), [1, 10]).astype(np.int16), **options)


def test_indexing_follows_numpy():
    source, rows = numbered(), numbered().rows
    assert np.array_equal(source[3:90:7], rows[3:90:7])
    assert np.array_equal(source[::-1], rows[::-1])
    assert np.array_equal(source[[5, 2, 5]], rows[[5, 2, 5]])
    assert np.array_equal(source[-1], rows[-1])
    assert np.array_equal(source[rows[:, 0] > 90], rows[91:])
    assert source[[]].shape == (0, 2)


@pytest.mark.parametrize("index", [100, -101, [0, 100], np.ones(99, bool)])
def test_index_out_of_range_raises(index):
    with pytest.raises(IndexError, match="expected"):
        numbered()[index]


def test_batches_in_order():
    batches = list(numbered().batches(32))
    assert [len(b) for b in batches] == [32, 32, 32, 4]
    assert np.array_equal(np.concatenate(batches), numbered().rows)
    assert batches[0].dtype == np.int16


@pytest.mark.parametrize("block_starts", [None, np.arange(0, 1000, 17)])
def test_shuffled_batches_hold_every_row_once(block_starts, set_memory_use):
    set_memory_use(shuffle_buffer=400)  # about six blocks
    source = numbered(1000, block_starts=block_starts)
    batches = list(source.batches(64, rng=np.random.default_rng(0)))
    order = np.concatenate(batches)[:, 0]
    assert [len(b) for b in batches] == [64] * 15 + [40]
    assert np.array_equal(np.sort(order), np.arange(1000))
    assert np.mean(np.diff(order) == 1) < 0.1  # not even partly in order
    again = np.concatenate(list(source.batches(64, rng=np.random.default_rng(1))))[:, 0]
    assert not np.array_equal(order, again)


def test_blocks_are_read_whole_and_once_per_epoch(set_memory_use):
    set_memory_use(shuffle_buffer=0)
    source = numbered(100, block_starts=np.array([0, 30, 60, 90]))
    assert sum(1 for _ in source.batches(8, rng=np.random.default_rng(0))) == 13
    assert len(source.asked) == 2  # four blocks, two at a time
    for asked in source.asked:
        assert np.all(np.diff(asked) > 0)  # forwards


def test_batch_size_is_checked_before_iteration():
    with pytest.raises(
        SettingError, match="batch size: expected an integer of at least 1, found 0"
    ):
        numbered().batches(0)


def test_split_is_reproducible_disjoint_and_complete():
    source = ArraySource(np.arange(50)[:, None], labels=np.arange(50) * 2)
    fitted, held_out = source.split(0.2, seed=3)
    assert (len(fitted), len(held_out)) == (40, 10)
    both = np.concatenate([fitted[:], held_out[:]])
    assert sorted(both[:, 0]) == list(range(50))
    assert np.all(np.diff(held_out[:][:, 0]) > 0)
    assert np.array_equal(held_out.labels, held_out[:][:, 0] * 2)
    assert np.array_equal(held_out[:], source.split(0.2, seed=3)[1][:])
    assert np.array_equal(held_out[:], source.split(10, seed=3)[1][:])
    assert not np.array_equal(held_out[:], source.split(0.2, seed=4)[1][:])


@pytest.mark.parametrize("bad", [0, 50, -1, 0.0, 1.0, 1.5, float("nan"), 51])
def test_split_leaves_rows_on_both_sides(bad):
    with pytest.raises(SettingError, match="held-out rows: expected a fraction"):
        ArraySource(np.zeros((50, 1))).split(bad)


def test_one_row_cannot_be_split():
    with pytest.raises(SettingError, match=r"below the 1 rows of the array, found 0.5"):
        ArraySource(np.zeros((1, 3))).split(0.5)


def test_small_share_is_one_row():
    assert len(ArraySource(np.zeros((3, 1))).split(0.01)[1]) == 1


def test_subset_reads_through_lazily():
    source = numbered()
    part = source.subset([9, 3, 4]).subset([2, 0])
    assert source.asked == []
    assert part[:].tolist() == [[4, 40], [9, 90]]
    with pytest.raises(DataError, match="an empty selection"):
        source.subset(np.zeros(100, bool))


def test_subset_keeps_the_blocks_of_its_parent():
    source = numbered(100, block_starts=np.array([0, 30, 60, 90]))
    part = source.subset(np.r_[10:20, 58:70])
    assert part.block_starts.tolist() == [0, 10, 12]
    assert source.subset([5, 2]).block_starts is None
    fitted, _ = source.split(0.5)
    order = np.concatenate(list(fitted.batches(7, rng=np.random.default_rng(0))))
    assert sorted(order[:, 0]) == fitted[:][:, 0].tolist()


def test_load_respects_the_memory_budget(set_memory_use):
    source = numbered()
    assert source.nbytes == 100 * 2 * 2
    set_memory_use(loaded_rows=399)
    assert source.load() is source
    set_memory_use(loaded_rows=400)
    loaded = source.load()
    assert isinstance(loaded, ArraySource)
    assert loaded.name == "listed"
    source.asked.clear()
    assert np.array_equal(loaded[:], source.rows)
    assert source.asked == []


def test_load_keeps_rows_that_do_not_fit_on_disk(monkeypatch):
    monkeypatch.setattr("latentmap.data.memory.available_bytes", lambda: 10)
    source = numbered()
    assert source.load() is source


def test_array_source_keeps_integers_and_its_array():
    rows = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    source = ArraySource(rows, labels=["a", "b", "c"])
    assert (source.row_shape, source.dtype) == ((2, 2), np.uint8)
    assert np.shares_memory(source.array, rows)
    assert source.load() is source
    assert repr(source) == "<ArraySource 'the array': 3 rows of shape (2, 2), uint8>"


@pytest.mark.parametrize(
    ("found", "read"), [("?", "uint8"), ("f2", "float32"), (">i4", "int32"), (">f8", "float64")]
)
def test_array_source_reads_standard_types(found, read):
    rows = np.array([[0, 1], [1, 1]]).astype(found)
    batch = next(ArraySource(rows).batches(2))
    assert batch.dtype == np.dtype(read)
    assert batch.dtype.isnative
    assert np.array_equal(batch, rows)


def test_array_source_needs_one_label_per_row():
    with pytest.raises(DataError, match=r"expected labels of shape \(3,\), found \(2,\)"):
        ArraySource(np.zeros((3, 1)), labels=[1, 2])


def test_memory_map_is_shuffled_in_blocks_and_loaded(tmp_path):
    rows = np.arange(4000, dtype=np.float64).reshape(1000, 4)
    np.save(tmp_path / "rows.npy", rows)
    source = ArraySource(np.load(tmp_path / "rows.npy", mmap_mode="r"))
    assert source.block_starts is not None
    assert np.array_equal(
        np.sort(np.concatenate(list(source.batches(99, rng=np.random.default_rng(0)))), axis=0),
        rows,
    )
    assert source.load().block_starts is None


def test_truncated_mapped_file_raises(tmp_path):
    path = tmp_path / "rows.npy"
    np.save(path, np.arange(400_000, dtype=np.float64).reshape(1000, 400))
    source = ArraySource(np.load(path, mmap_mode="r"), name="rows.npy")
    os.truncate(path, 100_000)
    with pytest.raises(FileError, match=r"^rows.npy: the file became shorter while it was read$"):
        source[990:]


# -- very many rows --------------------------------------------------------------------------------


@pytest.mark.parametrize("block_starts", [None, np.arange(0, 1000, 17)])
def test_held_out_rows_of_many_are_drawn_without_a_permutation(block_starts, monkeypatch):
    monkeypatch.setattr("latentmap.data.sources.MAX_PERMUTED_ROWS", 500)
    source = numbered(1000, block_starts=block_starts)
    fitted, held_out = source.split(100, seed=3)
    both = [part[:][:, 0] for part in (fitted, held_out)]
    assert [len(part) for part in both] == [900, 100]
    assert np.array_equal(np.sort(np.concatenate(both)), np.arange(1000))
    assert np.all(np.diff(both[0]) > 0)
    assert np.array_equal(source.split(100, seed=3)[1][:][:, 0], both[1])
    assert not np.array_equal(source.split(100, seed=4)[1][:][:, 0], both[1])
    assert abs(both[1].mean() - 500) < 100


@pytest.mark.parametrize("left_out", [[0], [999], [0, 1, 2], [5, 6, 500, 998, 999], range(999)])
def test_rows_without_a_few(left_out):
    source = numbered(1000, block_starts=np.arange(0, 1000, 17))
    rest = source._without(np.array(list(left_out)))
    expected = np.delete(np.arange(1000), list(left_out))
    assert np.array_equal(rest[:][:, 0], expected)
    assert rest.original_index(len(rest) - 1) == expected[-1]
    starts = {int(np.searchsorted(expected, start)) for start in source.block_starts}
    assert set(rest.block_starts) == starts - {len(expected)}
    shuffled = np.concatenate(list(rest.batches(64, rng=np.random.default_rng(0))))[:, 0]
    assert np.array_equal(np.sort(shuffled), expected)


def test_remaining_rows_keep_their_labels():
    source = numbered(10)
    source.labels = np.arange(10) * 2
    assert source._without(np.array([0, 4])).labels.tolist() == [2, 4, 6, 10, 12, 14, 16, 18]
    part = source._without(np.array([0, 4])).subset([0, 3])
    assert part.labels.tolist() == [2, 10]


RESIDENT = """
import sys
import threading
import numpy as np
from latentmap.data import open_data

def resident():
    status = dict(line.split(":") for line in open("/proc/self/status"))
    return int(status["VmHWM"].split()[0]) / 1024

source, before = open_data(sys.argv[1]), resident()
for batch in source.batches(8192, rng=np.random.default_rng(0)):
    pass
source.take(np.random.default_rng(0).permutation(len(source))[:20_000])
print(resident() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for its memory")
def test_a_mapped_file_does_not_count_as_memory(tmp_path):
    rows = 400_000
    np.save(tmp_path / "rows.npy", np.zeros((rows, 1000), np.uint8))
    command = [sys.executable, "-c", RESIDENT, str(tmp_path / "rows.npy")]
    grown = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert grown < 230  # MB, of 400: a buffer, its rows in order, one batch ahead, a chunk taken


def test_memory_limit_keeps_rows_on_disk(tmp_path):
    np.save(tmp_path / "rows.npy", np.zeros((4000, 1000), np.uint8))
    rows = ArraySource(np.load(tmp_path / "rows.npy", mmap_mode="r"))
    assert rows.load().block_starts is None
    with memory_limit(ENGINE_BYTES + 10_000_000):
        assert not rows.fits_in_memory() and rows.load().block_starts is not None
        assert len(prepare_data(rows, "auto", 1, None, 0).sample_rows) == 1500  # 0.15 of 10 MB


def test_in_memory():
    class Far(ArraySource):
        is_decoded = False

    in_memory, on_disk = ArraySource(np.zeros((9, 2))), Far(np.zeros((9, 2)))
    assert (
        in_memory.in_memory
        and in_memory.split(3)[0].in_memory
        and in_memory.subset([2, 0]).in_memory
    )
    assert not on_disk.in_memory and not on_disk.split(3)[0].in_memory


def test_rows_on_disk_are_read_ahead(monkeypatch):
    readers = []

    class Noted(ArraySource):
        def take(self, indices):
            readers.append(threading.current_thread().name)
            return super().take(indices)

    list(Noted(np.zeros((9, 2))).batches(3))
    assert set(readers) == {"MainThread"}
    readers.clear()
    monkeypatch.setattr(Noted, "is_decoded", False)
    list(Noted(np.zeros((9, 2))).batches(3))
    assert "MainThread" not in readers
