import itertools

import numpy as np
import pytest

from latentmap.data import ArraySource
from latentmap.distributed.batch_inference import partition


def rows_in_blocks(count, size):
    source = ArraySource(np.arange(count)[:, None])
    source.block_starts = np.arange(0, count, size)
    return source


@pytest.mark.parametrize(
    "source",
    [ArraySource(np.arange(103)[:, None]), rows_in_blocks(5000, 37), rows_in_blocks(5000, 4000)],
)
@pytest.mark.parametrize("n_workers", [1, 3])
def test_parts_contain_each_row_once_in_order(source, n_workers):
    parts = partition(source, n_workers)
    assert [parts[0][0], parts[-1][1]] == [0, len(source)]
    assert all(first < end for first, end in parts)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(parts))


def test_parts_start_at_block_borders():
    source = rows_in_blocks(50_000, 100)
    starts = [first for first, _ in partition(source, 2)]
    assert len(starts) == 8
    assert set(starts) <= set(source.block_starts.tolist())


def test_parts_have_at_most_256_megabytes():
    wide = ArraySource(np.lib.stride_tricks.as_strided(np.zeros(1), (1 << 20, 1024), (0, 0)))
    assert max(end - first for first, end in partition(wide, 1)) * 8 * 1024 <= 1 << 28
