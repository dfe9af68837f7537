"""Rows that never are in memory all at once are learned as well as others."""

import numpy as np
import pytest

from latentmap import AutoEncoder
from latentmap.data import load_dataset, open_data
from latentmap.data.sources import ArraySource, Source
from latentmap.preprocessing import pca_projection
from latentmap.training import preparation


@pytest.fixture(scope="module")
def sorted_digits():
    """Digits by their kind: whoever shuffles badly sees one kind at a time."""
    rows = load_dataset("mnist").subset(np.arange(8000))
    return rows[:][np.argsort(rows.labels, kind="stable")]


def error(model, unseen):
    return model.reconstruction_error(unseen).mean() / 255**2


def test_rows_in_blocks_are_shuffled_well_enough(sorted_digits, tmp_path, monkeypatch):
    unseen = load_dataset("mnist", "unseen")[:2000]
    model = AutoEncoder(16, epochs=4, random_state=0)
    in_memory = error(model.fit(ArraySource(sorted_digits)), unseen)

    np.save(tmp_path / "rows.npy", sorted_digits)
    monkeypatch.setattr("latentmap.data.sources._MAPPED_BLOCK_BYTES", sorted_digits.nbytes // 800)
    monkeypatch.setattr("latentmap.data.sources._BUFFER_BYTES", sorted_digits.nbytes // 12)
    monkeypatch.setattr(preparation, "SAMPLE_BYTES", sorted_digits.nbytes // 4)
    monkeypatch.setattr(pca_projection, "SAMPLE_NUMBERS", sorted_digits.size // 4)
    monkeypatch.setattr(
        Source, "fits_in_memory", lambda self, limit_bytes=0: self.nbytes < 10_000_000 // 4
    )
    rows = open_data(tmp_path / "rows.npy")
    assert rows.load() is rows
    streamed = error(model.fit(rows), unseen)
    assert abs(streamed - in_memory) < 0.002, (streamed, in_memory)
