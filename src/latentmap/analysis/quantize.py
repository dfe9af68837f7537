"""Codes as whole numbers, as fine as each component matters to the decoded rows.

Rounding a code moves the decoded row. How far, the decoder itself tells when each component is
moved a little; components then get the steps with which all of them add the same error, which is
the best sharing of bits there is, and one number, the fineness, decides between size and error.
What is rounded comes back as the mean of what was rounded to the same level, not as the level.
"""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

import numpy as np

from latentmap.analysis.entropy import bell
from latentmap.errors import FileError

__all__ = ["OCTAVE", "Quantizer", "coarsest", "finest", "fit_quantizer", "sensitivity", "tamed"]

OCTAVE = 256
"""So many units of fineness double the steps."""
_PROBED, _PROBED_NUMBERS = 256, 2**27
"""Rows whose sensitivity is measured, and numbers decoded for it, at most."""
_NUDGE = 0.25
"""How far a component is moved for it, in standard deviations: about as far as rounding does."""
_SIXTEENTH, _EIGHTH, _SHARE = 16, 8, 256
_MOST_LEVELS = 1000
"""Standard deviation of the finest levels: rounding then adds a ten-millionth of the variance."""
_WIDEST = 100 * OCTAVE
_FAR = np.iinfo(np.int32).max // 2


class Quantizer(NamedTuple):
    """How codes become levels, whole numbers around 0, and come back.

    Level q of a component stands for the codes within half a step of center + q step; it comes back
    as step (center + q + sign(q) shift), with one shift for |q| = 1 and one for what lies farther
    out.
    """

    exponents: np.ndarray
    """(n,) int16: a component's step is 2^(exponent / 256)."""
    centers: np.ndarray
    """(n,) int64, in sixteenths of a step."""
    spreads: np.ndarray
    """(n,) uint16: the levels' standard deviation, in eighths."""
    shifts: np.ndarray
    """(2, n) int8, in 256ths of a step."""

    @property
    def steps(self) -> np.ndarray:
        """Return the width of a level, in units of the code, shape (n,)."""
        return np.exp2(self.exponents / OCTAVE)

    @property
    def reaches(self) -> np.ndarray:
        """Return the farthest level that is coded, eight deviations out; (n,) int."""
        return self.spreads.astype(np.int64) + 4

    def guesses(self) -> list[np.ndarray]:
        """Guess each level's frequency, for the entropy coder; the last symbol is "beyond"."""
        pairs = zip(self.reaches.tolist(), (self.spreads / _EIGHTH).tolist(), strict=True)
        return [np.append(bell(reach, spread), 1) for reach, spread in pairs]

    def levels(self, codes: np.ndarray) -> np.ndarray:
        """Round codes of shape (m, n) to levels, int64."""
        places = codes / self.steps - self.centers / _SIXTEENTH
        return np.rint(np.clip(places, -_FAR, _FAR)).astype(np.int64)

    def codes(self, levels: np.ndarray) -> np.ndarray:
        """Give the codes, float32, that levels of shape (m, n) stand for."""
        shifts = np.concatenate([np.zeros_like(self.shifts[:1]), self.shifts]) / _SHARE
        columns = np.arange(levels.shape[1])
        away = np.sign(levels) * shifts[np.minimum(np.abs(levels), 2), columns]
        places = self.centers / _SIXTEENTH + levels + away
        with np.errstate(over="ignore"):
            return (self.steps * places).astype(np.float32)

    def pack(self) -> bytes:
        """Give all of this as bytes."""
        return zlib.compress(b"".join(a.astype(a.dtype.newbyteorder("<")).tobytes() for a in self))

    @classmethod
    def unpack(cls, data: bytes, n: int) -> Quantizer:
        """Read what `pack` gave for n components.

        Raises
        ------
        FileError
            If these bytes are something else.

        Examples
        --------
        >>> codes = np.random.default_rng(0).normal(size=(50, 2))
        >>> packed = fit_quantizer(codes, np.ones(2), fineness=-512).pack()
        >>> Quantizer.unpack(packed, 2).steps.tolist()
        [0.25, 0.25]
        """
        shapes = {"<i2": (n,), "<i8": (n,), "<u2": (n,), "i1": (2, n)}
        parts = [np.dtype(kind).itemsize * int(np.prod(shape)) for kind, shape in shapes.items()]
        try:
            plain = zlib.decompressobj().decompress(data, sum(parts) + 1)
        except zlib.error as error:
            raise FileError(f"steps: expected compressed numbers ({error})") from None
        if len(plain) != sum(parts):
            raise FileError(f"steps: expected those of {n} components, found another number")
        cuts = np.cumsum([0, *parts])
        arrays = [
            np.frombuffer(plain[start:stop], kind).astype(np.dtype(kind).newbyteorder("="))
            for start, stop, kind in zip(cuts[:-1], cuts[1:], shapes, strict=True)
        ]
        return cls(*(a.reshape(s) for a, s in zip(arrays, shapes.values(), strict=True))).checked()

    def checked(self) -> Quantizer:
        """Refuse what `fit_quantizer` would never give."""
        if (self.spreads < 1).any() or (self.spreads > 2 * _MOST_LEVELS * _EIGHTH).any():
            raise FileError("steps: expected levels that spread by 1/8 to 2000")
        if (np.abs(self.exponents.astype(int)) > _WIDEST).any():
            raise FileError("steps: expected numbers from 2^-100 to 2^100")
        return self


def tamed(codes: np.ndarray) -> np.ndarray:
    """Bring in what lies ten times as far out as nearly all codes of its component do.

    One such code would drag the center and the spread away from all others; a file holds it as it
    is, apart from the levels.

    Examples
    --------
    >>> tamed(np.append(np.arange(1000.0), 1e9)[:, None]).max().round()
    np.float64(10790.0)
    """
    low, high = np.quantile(codes, [0.01, 0.99], axis=0)
    wide = np.where(high > low, 10 * (high - low), np.inf)  # nearly all alike: nothing is far out
    return np.clip(codes, low - wide, high + wide)


def sensitivity(estimator: Any, codes: np.ndarray, scale: Any = 1.0) -> np.ndarray:
    """Tell how much each component matters to the decoded rows.

    Parameters
    ----------
    estimator : fitted estimator
        With ``inverse_transform``.
    codes : ndarray of shape (m, n)
        At least one; 256 of them are used.
    scale : array-like, broadcastable to a row
        What rows are divided by before they are compared.

    Returns
    -------
    ndarray of shape (n,)
        Mean squared change of a row's numbers, per squared change of the component:
        s_j = mean of (∂x_i / ∂z_j)² over the codes and the numbers i of a row, by central
        differences of ± ¼ of the component's standard deviation. Rounding z_j with a step of Δ
        adds s_j Δ²/12 to the mean squared error.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> pca = PCA(2).fit(np.random.default_rng(0).normal(size=(50, 4)))
    >>> sensitivity(pca, np.zeros((1, 2))).round(3).tolist()     # a unit, spread over 4 numbers
    [0.25, 0.25]
    """
    count, n = codes.shape
    width = estimator.inverse_transform(codes[:1].astype(np.float32)).size
    most = int(np.clip(_PROBED_NUMBERS // (2 * n * width), 1, min(_PROBED, count)))
    probed = codes[np.unique(np.linspace(0, count - 1, most).astype(int))].astype(np.float64)
    spread = codes.std(axis=0, dtype=np.float64)
    away = np.where(spread > 0, _NUDGE * spread, 0.01 * (1 + np.abs(probed).max(axis=0)))
    return np.array([_moved(estimator, probed, j, away[j], scale) for j in range(n)])


def _moved(estimator: Any, codes: np.ndarray, component: int, away: float, scale: Any) -> float:
    one, other = codes.copy(), codes.copy()
    one[:, component] += away
    other[:, component] -= away
    both = np.concatenate([one, other]).astype(np.float32)
    rows = np.asarray(estimator.inverse_transform(both)).reshape(len(both), -1)
    change = (rows[: len(one)] - rows[len(one) :]) / np.reshape(scale, -1) / (2 * away)
    return float(np.mean(np.square(change), dtype=np.float64))


def fit_quantizer(codes: np.ndarray, matters: np.ndarray, fineness: int) -> Quantizer:
    """Choose steps, centers and shifts for codes such as these.

    Parameters
    ----------
    codes : ndarray of shape (m, n)
    matters : ndarray of shape (n,)
        Their `sensitivity` s.
    fineness : int
        Δ_j = 2^(fineness / 256) / √s_j: every component that is not rounded away adds the same
        2^(fineness / 128) / 12 to the mean squared error.

    Returns
    -------
    Quantizer

    Notes
    -----
    For independent components the sharing is the best one (reverse water-filling; T. Cover,
    J. Thomas, "Elements of Information Theory", section 10.3), and with an entropy coder behind
    them uniform steps lose a quarter of a bit a component at the most (H. Gish, J. Pierce,
    "Asymptotically efficient quantizing", 1968).

    Examples
    --------
    >>> codes = np.random.default_rng(0).normal(size=(5000, 1))
    >>> fine = fit_quantizer(codes, np.ones(1), fineness=-512)        # steps of a quarter
    >>> float(np.mean((fine.codes(fine.levels(codes)) - codes) ** 2).round(4))    # 1/16 / 12
    0.0051
    """
    exponents = np.rint(fineness + _relative(matters)).clip(-_WIDEST, _WIDEST).astype(np.int16)
    steps = np.exp2(exponents / OCTAVE)
    centers = np.rint(np.clip(_SIXTEENTH * codes.mean(axis=0, dtype=float) / steps, -2e18, 2e18))
    n = codes.shape[1]
    plain = Quantizer(
        exponents,
        centers.astype(np.int64),
        np.ones(n, np.uint16),
        np.zeros((2, n), np.int8),
    )
    levels = plain.levels(codes)
    most = 2 * _MOST_LEVELS * _EIGHTH
    spreads = np.clip(np.ceil(_EIGHTH * np.sqrt(np.mean(levels**2.0, axis=0))), 2, most)
    return plain._replace(spreads=spreads.astype(np.uint16), shifts=_shifts(plain, codes, levels))


def _relative(matters: np.ndarray) -> np.ndarray:
    """Give the exponents of 1 / √s; what hardly matters gets steps up to 10⁴ times as wide."""
    most = float(matters.max()) or 1.0
    return -OCTAVE / 2 * np.log2(np.maximum(matters, 1e-8 * most))


def _shifts(plain: Quantizer, codes: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Find how far from their level lie, on average, the codes of level ±1, and of those beyond."""
    away = np.sign(levels) * (codes / plain.steps - plain.centers / _SIXTEENTH - levels)
    far = np.abs(levels)
    groups = (far == 1, (far > 1) & (far < _FAR))
    means = [np.sum(away * g, axis=0) / np.maximum(np.sum(g, axis=0), 1) for g in groups]
    return np.rint(np.clip(_SHARE * np.array(means), -127, 127)).astype(np.int8)


def finest(codes: np.ndarray, matters: np.ndarray) -> int:
    """Give the fineness at which the widest component spreads over a thousand levels."""
    widest = float(np.max(codes.std(axis=0, dtype=np.float64) * _inverse_steps(matters)))
    return int(np.floor(OCTAVE * np.log2((widest or 1.0) / _MOST_LEVELS)))


def coarsest(codes: np.ndarray, matters: np.ndarray) -> int:
    """Give the fineness at which every code becomes level 0."""
    away = np.abs(codes - codes.mean(axis=0)).max(axis=0) * _inverse_steps(matters)
    return int(np.ceil(OCTAVE * np.log2(2.5 * (float(away.max()) or 1.0)))) + 1


def _inverse_steps(matters: np.ndarray) -> np.ndarray:
    return np.exp2(-_relative(matters) / OCTAVE)
