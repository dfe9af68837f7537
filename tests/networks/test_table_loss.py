import numpy as np
import pyarrow as pa
import pytest
from keras import ops

from latentmap.data import Table
from latentmap.networks.table_loss import TableLoss
from latentmap.preprocessing.table_encoder import TableEncoder

RNG = np.random.default_rng(0)
N = 300
TABLE = pa.table(
    {
        "x": RNG.normal(5.0, 2.0, N),
        "kind": RNG.choice(["a", "b", "c"], N, p=[0.6, 0.3, 0.1]),
        "flag": RNG.random(N) < 0.2,
        "letter": RNG.choice(list("pq"), N),
    }
)
ENCODER = TableEncoder.fit(Table(TABLE))
ROWS = ENCODER.encode(TABLE)
LOSS = TableLoss(ENCODER.columns)


def to_numpy(value):
    return np.asarray(ops.convert_to_numpy(value))


def test_the_mean_row_has_a_loss_of_one_half_and_an_error_of_one():
    mean = np.zeros_like(ROWS)
    assert to_numpy(LOSS.distance(ROWS, LOSS.logits(mean))).mean() == pytest.approx(0.5, abs=0.01)
    assert to_numpy(LOSS.error(ROWS, mean)).mean() == pytest.approx(1.0, abs=0.01)


def test_link_inverts_logits_within_the_margin():
    rows = 0.5 * ROWS  # Probabilities between the share and the truth.
    assert np.allclose(to_numpy(LOSS.link(LOSS.logits(rows))), rows, atol=0.1)


def test_each_term_is_that_of_its_formula():
    outputs = RNG.normal(size=ROWS.shape).astype("float32")
    result = to_numpy(LOSS.distance(ROWS, outputs))
    x, kind, flag, letter = (ROWS[:, column_slice] for column_slice in ENCODER.slices)
    o_x, o_kind, o_flag, o_letter = (outputs[:, column_slice] for column_slice in ENCODER.slices)
    expected = 0.5 * (x - o_x)[:, 0] ** 2
    for values, o in ((kind, o_kind), (letter, o_letter)):
        shares = np.exp(o) / np.exp(o).sum(axis=1, keepdims=True)
        levels = values.argmax(axis=1)
        frequencies = np.bincount(levels) / N
        entropy = -(frequencies * np.log(frequencies)).sum()
        expected = expected - np.log(shares[np.arange(N), levels]) / (2 * entropy)
    truth, p = flag[:, 0] > 0, (flag[:, 0] > 0).mean()
    entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p))
    sigmoid = 1 / (1 + np.exp(-o_flag[:, 0]))
    expected = expected - np.log(np.where(truth, sigmoid, 1 - sigmoid)) / (2 * entropy)
    assert np.allclose(result, expected / 4, rtol=1e-4)


def test_missing_values_have_no_term():
    outputs = RNG.normal(size=ROWS.shape).astype("float32")
    incomplete = ROWS.copy()
    incomplete[:, ENCODER.slices[1]] = np.nan
    changed = outputs.copy()
    changed[:, ENCODER.slices[1]] += 100.0
    first, second = (to_numpy(LOSS.distance(incomplete, o)) for o in (outputs, changed))
    assert np.array_equal(first, second)
    assert np.isfinite(first).all()
    all_missing = np.full_like(ROWS, np.nan)
    assert to_numpy(LOSS.distance(all_missing, outputs)).tolist() == [0.0] * N


def test_decoded_probabilities_of_a_category_add_up_to_one():
    outputs = RNG.normal(size=ROWS.shape).astype("float32")
    row = to_numpy(LOSS.link(outputs))
    column, column_slice = ENCODER.columns[1], ENCODER.slices[1]
    assert np.allclose(column.probabilities(row[:, column_slice]).sum(axis=1), 1.0, atol=1e-5)
