import numpy as np
import pytest

from latentmap.analysis.entropy import Histograms, bell, flat
from latentmap.errors import FileError


def normals(rows, columns=3, spread=3.0, seed=0):
    levels = np.rint(np.random.default_rng(seed).normal(size=(rows, columns)) * spread)
    return np.clip(levels, -20, 20).astype(int) + 20


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 33, 1000, 5000])
def test_symbols_come_back(rows):
    symbols = normals(rows)
    data = Histograms([bell(20, 3.0)] * 3).encode(symbols)
    assert np.array_equal(Histograms([bell(20, 3.0)] * 3).decode(data, rows), symbols)


def test_histograms_go_on_from_block_to_block():
    symbols = normals(3000)
    writer, reader = (Histograms([flat(41)] * 3) for _ in range(2))
    blocks = [writer.encode(part) for part in np.array_split(symbols, 3)]
    alone = Histograms([flat(41)] * 3).encode(symbols[2000:])
    assert len(blocks[2]) < 0.97 * len(alone)  # what was learned before serves the third
    back = [reader.decode(block, 1000) for block in blocks]
    assert np.array_equal(np.concatenate(back), symbols)


def test_many_symbols_cost_their_entropy():
    symbols = normals(50_000, columns=1)
    counts = np.bincount(symbols[:, 0])
    shares = counts[counts > 0] / counts.sum()
    entropy = -(shares * np.log2(shares)).sum() * len(symbols) / 8
    size = len(Histograms([bell(20, 3.0)]).encode(symbols))
    assert entropy <= size < 1.005 * entropy + 20


def test_a_wrong_guess_costs_little_of_many():
    symbols = normals(20_000, columns=1)
    right, wrong = (len(Histograms([bell(20, s)]).encode(symbols)) for s in (3.0, 0.5))
    assert right < wrong < 1.01 * right


def test_a_right_guess_saves_most_of_few():
    symbols = normals(16, columns=32)
    right, none = (
        len(Histograms([guess] * 32).encode(symbols)) for guess in (bell(20, 3), flat(41))
    )
    assert right < 0.75 * none


def test_one_symbol_costs_next_to_nothing():
    assert len(Histograms([flat(1)]).encode(np.zeros((100_000, 1)))) < 30


def test_a_column_has_symbols_of_its_own():
    rng = np.random.default_rng(0)
    symbols = np.stack([rng.integers(0, 2, 500), rng.integers(0, 300, 500)], axis=1)
    data = Histograms([flat(2), flat(300)]).encode(symbols)
    assert np.array_equal(Histograms([flat(2), flat(300)]).decode(data, 500), symbols)


def test_the_bell_is_a_guess_of_whole_numbers():
    guess = bell(50, 4.0)
    assert guess.dtype == np.int64
    assert guess.min() >= 1
    assert np.array_equal(guess, guess[::-1])
    assert (np.diff(guess[:51]) >= 0).all()
    spread = np.sqrt((guess * np.arange(-50, 51.0) ** 2).sum() / guess.sum())
    assert 3 < spread < 7  # heavier tails than a Gaussian of 4


@pytest.mark.parametrize("data", [b"123", b"\xff" * 8])
def test_foreign_bytes_are_refused(data):
    with pytest.raises(FileError, match="coded symbols: expected"):
        Histograms([bell(20, 3.0)] * 4).decode(data, 50)


def test_bytes_of_more_rows_are_refused():
    data = Histograms([bell(20, 3.0)] * 3).encode(normals(100))
    with pytest.raises(FileError, match="expected those of 50 rows, found more"):
        Histograms([bell(20, 3.0)] * 3).decode(data, 50)


def test_no_bytes_end_in_anything_but_symbols_or_an_error():
    rng = np.random.default_rng(0)
    for _ in range(300):
        data = rng.bytes(4 * int(rng.integers(0, 20)))
        try:
            symbols = Histograms([bell(9, 2.0)] * 2).decode(data, 40)
        except FileError:
            continue
        assert symbols.min() >= 0
        assert symbols.max() <= 18
