"""Whole numbers into as few bytes as their frequencies allow, and back.

A range coder needs the probability of each number before it comes. Here the numbers themselves
teach it: every column has a histogram that starts as a guess and is updated after each stretch of
rows, by the writer and the reader alike. So a file carries no histograms, one row costs little, and
many rows cost what the best fixed histograms would. All that decides a probability is computed in
whole numbers, or by operations that give the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from latentmap.errors import FileError

__all__ = ["Histograms", "bell", "flat"]

_GUESS = 16
"""The first guess weighs as much as so many rows."""
_FINE = 1 << 12
"""One row's weight, so that a guess can be of less."""
_FIRST, _LONGEST = 16, 2048
"""Rows until the first update, and the most between two."""


def bell(reach: int, spread: float) -> np.ndarray:
    """Guess the frequencies of the levels −reach, ..., reach, which lie around 0.

    Student's t with three degrees of freedom: near the Gaussian, but ready for what lies far out.

    Parameters
    ----------
    reach : int
    spread : float
        Standard deviation, in levels.

    Returns
    -------
    ndarray of shape (2 reach + 1,)
        Whole numbers from 1.

    Examples
    --------
    >>> bell(2, 1.0).tolist()
    [4830, 14791, 26295, 14791, 4830]
    """
    share = 1.0 / (1.0 + np.square(np.arange(-reach, reach + 1) / spread) / 3.0)
    return _weights(share * share)


def flat(count: int) -> np.ndarray:
    """Guess that ``count`` symbols are all as frequent; of one, that there may be another."""
    return _weights(np.ones(max(count, 2)))


def _weights(share: np.ndarray) -> np.ndarray:
    total = sum(share.tolist())  # one after the other: NumPy's order may differ between machines
    return 1 + np.floor(share * (_GUESS * _FINE / total)).astype(np.int64)


class Histograms:
    """Codes symbols, column by column, and learns how frequent each is.

    Parameters
    ----------
    guesses : sequence of ndarray of int
        For each column, the weights that its symbols 0, 1, ... start with: see `bell` and `flat`.

    Notes
    -----
    Range coding: G. N. N. Martin, "Range encoding: an algorithm for removing redundancy from a
    digitised message", 1979; here R. Bamler's ``constriction``.

    Examples
    --------
    >>> symbols = np.random.default_rng(0).binomial(8, 0.5, size=(1000, 3))
    >>> data = Histograms([flat(9)] * 3).encode(symbols)
    >>> len(data)                              # of 3000 symbols of 2.54 bits: 954 bytes
    976
    >>> bool((Histograms([flat(9)] * 3).decode(data, 1000) == symbols).all())
    True
    """

    def __init__(self, guesses: Sequence[np.ndarray]) -> None:
        self.weights = [np.array(guess, dtype=np.int64) for guess in guesses]
        self.seen = 0

    def encode(self, symbols: np.ndarray) -> bytes:
        """Turn symbols of shape (n, columns) into bytes, and learn from them."""
        from constriction import stream

        encoder = stream.queue.RangeEncoder()
        for start, stop in self._stretches(len(symbols)):
            for column, weights in enumerate(self.weights):
                part = np.ascontiguousarray(symbols[start:stop, column], dtype=np.int32)
                encoder.encode(part, _model(weights))
                self._learn(weights, part)
        return encoder.get_compressed().astype("<u4").tobytes()

    def decode(self, data: bytes, rows: int) -> np.ndarray:
        """Turn bytes back into the symbols of so many rows, shape (rows, columns).

        Raises
        ------
        FileError
            If no symbols can have led to these bytes.
        """
        from constriction import stream

        if len(data) % 4:
            raise FileError(f"coded symbols: expected whole words of 4 bytes, found {len(data)}")
        decoder = stream.queue.RangeDecoder(np.frombuffer(data, "<u4").astype(np.uint32))
        symbols = np.empty((rows, len(self.weights)), np.int32)
        try:
            for start, stop in self._stretches(rows):
                for column, weights in enumerate(self.weights):
                    part = decoder.decode(_model(weights), stop - start)
                    self._learn(weights, part)
                    symbols[start:stop, column] = part
        except (AssertionError, ValueError) as error:
            raise FileError(f"coded symbols: expected those of a range coder ({error})") from None
        if not decoder.maybe_exhausted():
            raise FileError(f"coded symbols: expected those of {rows} rows, found more")
        return symbols

    def _stretches(self, rows: int) -> Iterator[tuple[int, int]]:
        """Part the rows at the updates: after 16, 32, 64, ... rows, counted over all calls."""
        start = 0
        while start < rows:
            stop = min(start + min(max(self.seen, _FIRST), _LONGEST), rows)
            yield start, stop
            self.seen += stop - start
            start = stop

    @staticmethod
    def _learn(weights: np.ndarray, symbols: np.ndarray) -> None:
        weights += _FINE * np.bincount(symbols, minlength=len(weights))


def _model(weights: np.ndarray) -> object:
    from constriction import stream

    return stream.model.Categorical(weights.astype(np.float64), perfect=False)
