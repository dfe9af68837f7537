import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from latentmap.preprocessing.threads import MIN_MULTIPLICATIONS, limit_threads


def n_blas_threads():
    np.eye(2) @ np.eye(2)
    return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")


@pytest.mark.parametrize(
    ("n_multiplications", "expected"),
    [(10, 1), (MIN_MULTIPLICATIONS - 1, 1), (MIN_MULTIPLICATIONS, 2)],
)
def test_only_long_computations_have_several_threads(n_multiplications, expected):
    with threadpool_limits(2):
        with limit_threads(n_multiplications):
            assert n_blas_threads() == expected
        assert n_blas_threads() == 2
