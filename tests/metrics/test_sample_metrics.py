import numpy as np
import pytest

from latentmap.analysis.sampling import sample_rows
from latentmap.data import ArraySource
from latentmap.metrics import neighbor_recall_per_row, sample_metrics
from latentmap.metrics.sample_metrics import EncodedRows, row_recalls


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(size=(300, 6))


def test_the_recall_of_each_row_is_that_among_the_other_rows(rows):
    codes = rows[:, :2]
    recalls = row_recalls(EncodedRows(ArraySource(rows), codes))
    assert np.array_equal(recalls, neighbor_recall_per_row(rows, codes))


def test_many_rows_are_compared_with_a_sample(rows, monkeypatch):
    codes = rows[:, :2]
    monkeypatch.setattr(sample_metrics, "MIN_QUERIES", 60)
    monkeypatch.setattr(sample_metrics, "MAX_ROW_PRODUCTS", 0)
    monkeypatch.setattr(sample_metrics, "BATCH_ROWS", 70)
    recalls = row_recalls(EncodedRows(ArraySource(rows), codes))
    sample = sample_rows(len(rows), 60, 0)
    assert np.array_equal(recalls[sample], neighbor_recall_per_row(rows[sample], codes[sample]))
    others = np.setdiff1d(np.arange(len(rows)), sample)
    expected = neighbor_recall_per_row(rows[others], codes[others], rows[sample], codes[sample])
    assert np.array_equal(recalls[others], expected)


def test_the_progress_of_the_recall_is_shown(rows, capsys):
    row_recalls(EncodedRows(ArraySource(rows), rows), verbose=True)
    assert "Finding the neighbours of 300 rows" in capsys.readouterr().err


def test_few_rows_have_no_recall():
    rows = np.arange(22.0).reshape(11, 2)
    assert np.isnan(row_recalls(EncodedRows(ArraySource(rows), rows))).all()
