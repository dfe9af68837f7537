"""A fit of rows that do not fit into memory is as accurate as a fit in memory."""

import numpy as np
import pytest

from latentmap import AutoEncoder
from latentmap.data import load_dataset, open_data
from latentmap.data.sources import ArraySource, Source


@pytest.fixture(scope="module")
def sorted_digits():
    """Return 8000 digits sorted by label, so that a poor shuffle gives batches of one digit."""
    rows = load_dataset("mnist").subset(np.arange(8000))
    return rows[:][np.argsort(rows.labels, kind="stable")]


def scaled_error(model, unseen):
    return model.reconstruction_error(unseen).mean() / 255**2


@pytest.mark.slow
def test_streamed_rows_are_learned_as_well_as_rows_in_memory(
    sorted_digits, tmp_path, monkeypatch, set_memory_use
):
    unseen = load_dataset("mnist", "unseen")[:2000]
    model = AutoEncoder(16, epochs=4, random_state=0)
    in_memory = scaled_error(model.fit(ArraySource(sorted_digits)), unseen)

    np.save(tmp_path / "rows.npy", sorted_digits)
    monkeypatch.setattr("latentmap.data.sources.MAPPED_BLOCK_BYTES", sorted_digits.nbytes // 800)
    set_memory_use(shuffle_buffer=sorted_digits.nbytes // 12)
    set_memory_use(row_sample=sorted_digits.nbytes // 4)
    set_memory_use(pca_sample=4 * sorted_digits.size // 4)
    monkeypatch.setattr(Source, "fits_in_memory", lambda self: self.nbytes < 10_000_000 // 4)
    rows = open_data(tmp_path / "rows.npy")
    assert rows.load() is rows
    streamed = scaled_error(model.fit(rows), unseen)
    assert abs(streamed - in_memory) < 0.002, (streamed, in_memory)
