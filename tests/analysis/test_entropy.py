import numpy as np
import pytest

from latentmap.analysis.entropy import AdaptiveCoder, student_t_prior, uniform_prior
from latentmap.errors import FileError


def normals(rows, columns=3, spread=3.0, seed=0):
    levels = np.rint(np.random.default_rng(seed).normal(size=(rows, columns)) * spread)
    return np.clip(levels, -20, 20).astype(int) + 20


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 33, 1000, 5000])
def test_decode_inverts_encode(rows):
    symbols = normals(rows)
    data = AdaptiveCoder([student_t_prior(20, 3.0)] * 3).encode(symbols)
    assert np.array_equal(AdaptiveCoder([student_t_prior(20, 3.0)] * 3).decode(data, rows), symbols)


def test_histograms_continue_from_block_to_block():
    symbols = normals(3000)
    writer, reader = (AdaptiveCoder([uniform_prior(41)] * 3) for _ in range(2))
    blocks = [writer.encode(part) for part in np.array_split(symbols, 3)]
    separate = AdaptiveCoder([uniform_prior(41)] * 3).encode(symbols[2000:])
    assert len(blocks[2]) < 0.97 * len(
        separate
    )  # The third block uses the histograms of the first two.
    restored = [reader.decode(block, 1000) for block in blocks]
    assert np.array_equal(np.concatenate(restored), symbols)


def test_many_symbols_take_their_entropy():
    symbols = normals(50_000, columns=1)
    counts = np.bincount(symbols[:, 0])
    shares = counts[counts > 0] / counts.sum()
    entropy = -(shares * np.log2(shares)).sum() * len(symbols) / 8
    size = len(AdaptiveCoder([student_t_prior(20, 3.0)]).encode(symbols))
    assert entropy <= size < 1.005 * entropy + 20


def test_wrong_prior_has_a_small_effect_on_many_symbols():
    symbols = normals(20_000, columns=1)
    size_with_right_prior, size_with_wrong_prior = (
        len(AdaptiveCoder([student_t_prior(20, s)]).encode(symbols)) for s in (3.0, 0.5)
    )
    assert size_with_right_prior < size_with_wrong_prior < 1.01 * size_with_right_prior


def test_right_prior_saves_bytes_of_few_symbols():
    symbols = normals(16, columns=32)
    size_with_right_prior, size_with_uniform_prior = (
        len(AdaptiveCoder([guess] * 32).encode(symbols))
        for guess in (student_t_prior(20, 3), uniform_prior(41))
    )
    assert size_with_right_prior < 0.75 * size_with_uniform_prior


def test_single_symbol_takes_few_bytes():
    assert len(AdaptiveCoder([uniform_prior(1)]).encode(np.zeros((100_000, 1)))) < 30


def test_columns_have_different_symbols():
    rng = np.random.default_rng(0)
    symbols = np.stack([rng.integers(0, 2, 500), rng.integers(0, 300, 500)], axis=1)
    data = AdaptiveCoder([uniform_prior(2), uniform_prior(300)]).encode(symbols)
    assert np.array_equal(
        AdaptiveCoder([uniform_prior(2), uniform_prior(300)]).decode(data, 500), symbols
    )


def test_student_t_prior_has_integer_weights():
    guess = student_t_prior(50, 4.0)
    assert guess.dtype == np.int64
    assert guess.min() >= 1
    assert np.array_equal(guess, guess[::-1])
    assert (np.diff(guess[:51]) >= 0).all()
    spread = np.sqrt((guess * np.arange(-50, 51.0) ** 2).sum() / guess.sum())
    assert 3 < spread < 7  # heavier tails than a Gaussian of 4


@pytest.mark.parametrize("data", [b"123", b"\xff" * 8])
def test_other_bytes_raise(data):
    with pytest.raises(FileError, match="coded symbols: expected"):
        AdaptiveCoder([student_t_prior(20, 3.0)] * 4).decode(data, 50)


def test_bytes_of_more_rows_raise():
    data = AdaptiveCoder([student_t_prior(20, 3.0)] * 3).encode(normals(100))
    with pytest.raises(FileError, match="expected 50 rows, found additional data"):
        AdaptiveCoder([student_t_prior(20, 3.0)] * 3).decode(data, 50)


def test_random_bytes_decode_or_raise_file_error():
    rng = np.random.default_rng(0)
    for _ in range(300):
        data = rng.bytes(4 * int(rng.integers(0, 20)))
        try:
            symbols = AdaptiveCoder([student_t_prior(9, 2.0)] * 2).decode(data, 40)
        except FileError:
            continue
        assert symbols.min() >= 0
        assert symbols.max() <= 18
