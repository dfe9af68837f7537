"""Adaptive entropy coding of integer symbols, with the same result on every machine."""

from collections.abc import Iterator, Sequence

import numpy as np

from latentmap.errors import FileError

# Counts of symbols start at the prior, which has the weight of this number of rows.
PRIOR_ROWS = 16
# Weight that each coded row adds to its symbol. The weights of the prior may be smaller integers.
ROW_WEIGHT = 1 << 12
MIN_UPDATE_INTERVAL, MAX_UPDATE_INTERVAL = 16, 2048


def student_t_prior(max_level: int, deviation: float) -> np.ndarray:
    """Return prior weights of all levels, proportional to Student's t with 3 degrees of freedom."""
    share = 1.0 / (1.0 + np.square(np.arange(-max_level, max_level + 1) / deviation) / 3.0)
    return _integer_weights(share * share)


def uniform_prior(count: int) -> np.ndarray:
    """Return equal prior weights for symbols; the coder needs at least two symbols."""
    return _integer_weights(np.ones(max(count, 2)))


def _integer_weights(share: np.ndarray) -> np.ndarray:
    # Python adds from left to right; the order in which NumPy adds depends on the machine.
    total = sum(share.tolist())
    return 1 + np.floor(share * (PRIOR_ROWS * ROW_WEIGHT / total)).astype(np.int64)


class AdaptiveCoder:
    """Range coder with one adaptive histogram for each column.

    Range coding: G. N. N. Martin, "Range encoding: an algorithm for removing redundancy from a
    digitised message", 1979, implemented by R. Bamler's ``constriction``.
    """

    def __init__(self, priors: Sequence[np.ndarray]) -> None:
        self.weights = [np.array(prior, dtype=np.int64) for prior in priors]
        self.n_coded = 0

    def encode(self, symbols: np.ndarray) -> bytes:
        """Encode symbols of shape (n, columns), and update the histograms."""
        from constriction import stream

        encoder = stream.queue.RangeEncoder()
        for start, stop in self._update_intervals(len(symbols)):
            for column, weights in enumerate(self.weights):
                part = np.ascontiguousarray(symbols[start:stop, column], dtype=np.int32)
                encoder.encode(part, _entropy_model(weights))
                _update(weights, part)
        return encoder.get_compressed().astype("<u4").tobytes()

    def decode(self, data: bytes, rows: int) -> np.ndarray:
        """Decode the symbols of rows, shape (rows, columns), and update the histograms."""
        from constriction import stream

        if len(data) % 4:
            raise FileError(f"coded symbols: expected a multiple of 4 bytes, found {len(data)}")
        decoder = stream.queue.RangeDecoder(np.frombuffer(data, "<u4").astype(np.uint32))
        symbols = np.empty((rows, len(self.weights)), np.int32)
        try:
            for start, stop in self._update_intervals(rows):
                for column, weights in enumerate(self.weights):
                    part = decoder.decode(_entropy_model(weights), stop - start)
                    _update(weights, part)
                    symbols[start:stop, column] = part
        except (AssertionError, ValueError) as error:
            raise FileError(f"coded symbols: expected range-coded data ({error})") from None
        if not decoder.maybe_exhausted():
            raise FileError(f"coded symbols: expected {rows} rows, found additional data")
        return symbols

    def _update_intervals(self, rows: int) -> Iterator[tuple[int, int]]:
        """Yield intervals of rows between updates, which follow 16, 32, 64, ... coded rows."""
        start = 0
        while start < rows:
            length = min(max(self.n_coded, MIN_UPDATE_INTERVAL), MAX_UPDATE_INTERVAL)
            stop = min(start + length, rows)
            yield start, stop
            self.n_coded += stop - start
            start = stop


def _update(weights: np.ndarray, symbols: np.ndarray) -> None:
    weights += ROW_WEIGHT * np.bincount(symbols, minlength=len(weights))


def _entropy_model(weights: np.ndarray) -> object:
    from constriction import stream

    return stream.model.Categorical(weights.astype(np.float64), perfect=False)
