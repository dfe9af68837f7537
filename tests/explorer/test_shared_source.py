from __future__ import annotations

import threading

import numpy as np
import pytest

from latentmap.data import ArraySource
from latentmap.errors import DataError
from latentmap.explorer.shared_source import SharedSource, map_batches


def test_every_row_is_processed_once_with_column_names():
    rows = np.arange(30_000.0).reshape(10_000, 3)
    received = []

    def double(sample):
        received.append(sample.feature_names)
        return sample[:] * 2

    source = ArraySource(rows, feature_names=["a", "b", "c"])
    assert (map_batches(double, source, "doubling") == 2 * rows).all()
    assert len(received) > 1
    assert set(map(tuple, received)) == {("a", "b", "c")}


def test_an_invalid_number_is_located():
    rows = np.zeros((5000, 2))
    rows[4500, 1] = np.nan
    with pytest.raises(DataError, match="row 4500"):
        map_batches(len, ArraySource(rows), "reading")


def test_progress_is_shown_only_if_verbose(capsys):
    map_batches(lambda rows: rows[:], ArraySource(np.eye(3)), "Looking", verbose=False)
    assert capsys.readouterr().err == ""
    map_batches(lambda rows: rows[:], ArraySource(np.eye(3)), "Looking", verbose=True)
    assert capsys.readouterr().err == "Looking…\n"


class UnsafeSource(ArraySource):
    """A source that fails if two threads read at the same time."""

    busy = False

    def take(self, indices):
        assert not self.busy
        self.busy = True
        rows = [super(UnsafeSource, self).take(indices) for _ in range(50)]
        self.busy = False
        return rows[0]


def test_concurrent_reads_are_serialised():
    shared, errors = SharedSource(UnsafeSource(np.eye(300))), []

    def read():
        try:
            for _ in range(20):
                shared[:]
        except AssertionError as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_a_shared_sample_has_original_indices():
    sample = SharedSource(ArraySource(np.arange(100.0)[:, None]).sample(10))
    assert [sample.original_index(i) for i in range(10)] == sample[:].ravel().tolist()
