import faiss
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from latentmap.preprocessing.threads import (
    MAX_SERIAL_MULTIPLICATIONS,
    MIN_MULTIPLICATIONS,
    limit_threads,
    use_one_faiss_thread,
    use_one_thread,
)


def n_blas_threads():
    np.eye(2) @ np.eye(2)
    return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")


@pytest.mark.parametrize(
    ("n_multiplications", "expected"),
    [
        (MAX_SERIAL_MULTIPLICATIONS, 2),
        (MAX_SERIAL_MULTIPLICATIONS + 1, 1),
        (MIN_MULTIPLICATIONS - 1, 1),
        (MIN_MULTIPLICATIONS, 2),
    ],
)
def test_only_long_computations_have_several_threads(n_multiplications, expected):
    with threadpool_limits(2):
        with limit_threads(n_multiplications):
            assert n_blas_threads() == expected
        assert n_blas_threads() == 2


def test_overlapping_blocks_restore_the_number_of_threads():
    with threadpool_limits(2):
        first, second = use_one_thread(), use_one_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert n_blas_threads() == 1
        second.__exit__(None, None, None)
        assert n_blas_threads() == 2


def test_faiss_uses_one_thread_in_a_block():
    n_threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    with pytest.raises(KeyError), use_one_faiss_thread():
        assert faiss.omp_get_max_threads() == 1
        raise KeyError
    assert faiss.omp_get_max_threads() == 3
    faiss.omp_set_num_threads(n_threads)
