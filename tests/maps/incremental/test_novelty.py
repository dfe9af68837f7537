import numpy as np

from latentmap.maps.incremental.novelty import MIN_CLASS_ROWS, detect_novel_rows


def cloud(n, seed, middle=0.0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, 5)) + middle * np.eye(5)[0]).astype("float32")


OLD = cloud(8000, 0)


def test_a_novel_class_is_detected_among_known_rows():
    points = np.concatenate([cloud(100, 1, 8.0), cloud(300, 2)])
    is_novel = detect_novel_rows(points, OLD, seed=0)
    assert is_novel[:100].all()
    assert is_novel[100:].sum() <= 3


def test_many_rows_of_a_known_class_are_not_novel():
    dense_rows = OLD[np.abs(OLD).max(axis=1) < 0.7]
    rng = np.random.default_rng(0)
    new_rows = (
        dense_rows[rng.integers(0, len(dense_rows), 2000)]
        + rng.normal(size=(2000, 5)).astype("f4") / 4
    )
    # Most of their neighbours are new rows.
    assert detect_novel_rows(new_rows, OLD, seed=0).sum() < 40


def test_scattered_rows_are_not_a_class():
    outliers = 30 * np.random.default_rng(3).normal(size=(30, 5)).astype("float32")
    points = np.concatenate([outliers[: MIN_CLASS_ROWS - 1], cloud(300, 2)])
    assert not detect_novel_rows(points, OLD, seed=0).any()


def test_few_rows_are_not_a_class():
    assert not detect_novel_rows(cloud(MIN_CLASS_ROWS - 1, 1, 9.0), OLD, seed=0).any()
    assert detect_novel_rows(cloud(MIN_CLASS_ROWS, 1, 9.0), OLD, seed=0).all()


def test_equal_rows_and_a_degenerate_memory():
    equal_rows = np.zeros((4000, 5), "float32")
    assert not detect_novel_rows(np.zeros((50, 5), "float32"), equal_rows, seed=0).any()


def test_copies_of_a_known_row_are_not_novel():
    copies = np.repeat(cloud(1, 4), 100, axis=0)
    points = np.concatenate([copies, cloud(100, 1, 8.0)])
    is_novel = detect_novel_rows(points, OLD, seed=0)
    assert not is_novel[:100].any()
    assert is_novel[100:].all()
