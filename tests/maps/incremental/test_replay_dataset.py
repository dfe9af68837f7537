import keras
import numpy as np
from keras import layers

from latentmap.data import ArraySource
from latentmap.maps.incremental.replay_dataset import ReplayDataset, TeacherNetworks


def make_dataset():
    inputs = keras.Input((3,))
    encoder = keras.Model(inputs, layers.Lambda(lambda x: x[:, :2])(inputs))
    landmark_logits = keras.Model(inputs, layers.Lambda(lambda x: 0 * x)(inputs))
    code = keras.Input((2,))
    decoder = keras.Model(code, layers.Lambda(lambda z: z[:, [0, 0, 0]])(code))
    return ReplayDataset(
        ArraySource(np.arange(12.0).reshape(4, 3)),
        np.array([False, True, False, True]),
        np.array([[70.0, 71.0], [80.0, 81.0]]),
        lambda codes: np.repeat(codes[:, :1], 5, axis=1),
        teacher=TeacherNetworks(encoder, landmark_logits, decoder),
        sample_rows=lambda n: np.full((n, 3), 100.0),
        n_replayed=6,
        scale_rows=lambda rows: rows / 10,
        n_landmarks=5,
    )


def test_each_row_has_its_targets():
    rows, codes, shares, targets = make_dataset().take([9, 1, 0, 3])
    assert rows[:, 0].tolist() == [100, 3, 0, 9]
    assert codes.tolist() == [[100, 100], [70, 71], [0, 1], [80, 81]]
    assert np.allclose(shares[[0, 2]], [1 / 3, 1 / 3, 1 / 3, 0, 0])  # as before, none to the new
    assert shares[[1, 3]].tolist() == [[70] * 5, [80] * 5]
    assert np.allclose(targets[1:], rows[1:] / 10)  # The targets of new rows are the rows.
    assert np.allclose(targets[0], 10.0)  # The targets of replayed rows are their reconstructions.


def test_an_epoch_contains_each_new_row_once():
    rows = [
        part
        for batch in make_dataset().batches(3, rng=np.random.default_rng(0))
        for part in batch[0]
    ]
    assert len(rows) == len(make_dataset()) == 10
    assert sorted(row[0] for row in rows) == [0, 3, 6, 9] + [100] * 6


def test_a_batch_can_hold_only_new_or_only_replayed_rows():
    from latentmap.preprocessing.pca_projection import scale_rows
    from latentmap.preprocessing.scaling import Scale

    dataset, scale = make_dataset(), Scale(np.zeros(()), np.ones(()), False)
    dataset.scale_rows = lambda rows: scale_rows(rows, scale)
    assert [part.shape for part in dataset.take([0, 3])] == [(2, 3), (2, 2), (2, 5), (2, 3)]
    assert [part.shape for part in dataset.take([9])] == [(1, 3), (1, 2), (1, 5), (1, 3)]
