"""What a growing map is shown: new rows, and rows recalled in place of the fitted ones.

Each row comes with what the map shall say of it. For a recalled row, and for a new one of a known
kind, that is what the map said of it before (Z. Li, D. Hoiem, "Learning without Forgetting", IEEE
PAMI 40, 2018); for a row of a new kind, its place among the new landmarks. New rows are decoded to
themselves, recalled ones to what they were decoded to before. Rows are recalled batch by batch and
anew each time, so that there is no end of them and none is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentmap.backend import apply
from latentmap.data.sources import Source


@dataclass(frozen=True)
class Teacher:
    """The map as it was.

    Attributes
    ----------
    encoder, places, decoder : keras.Model
        Raw rows to codes; raw rows to logits over the landmarks; codes to raw rows.
    """

    encoder: Any
    places: Any
    decoder: Any

    def answers(self, rows: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Give codes, and the shares of the landmarks, with zeros up to ``width`` landmarks."""
        logits = apply(self.places, rows)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return apply(self.encoder, rows), np.pad(shares, ((0, 0), (0, width - shares.shape[1])))


class Lessons(Source):
    """New rows and recalled ones, shuffled together, each with what is wanted of it.

    Parameters
    ----------
    rows : Source
        The new rows, raw; images may be flat.
    novel : ndarray of bool of shape (n,)
        Which of them are of a new kind.
    codes : ndarray of shape (number of these, n_components)
        Their places.
    soften : callable
        From such places to the shares of all landmarks, old and new.
    teacher : Teacher
    recalled : callable
        Gives so many recalled rows, raw.
    n_recalled : int
        How many of them there are beside the new ones.
    scaled : callable
        From raw rows to flat, scaled ones, as the decoder is to give them.
    width : int
        Landmarks, old and new.
    """

    in_memory = True  # as good as: most of a batch is recalled, by networks that all cores work on

    def __init__(
        self,
        rows: Source,
        novel: np.ndarray,
        codes: np.ndarray,
        soften: Callable[[np.ndarray], np.ndarray],
        *,
        teacher: Teacher,
        recalled: Callable[[int], np.ndarray],
        n_recalled: int,
        scaled: Callable[[np.ndarray], np.ndarray],
        width: int,
    ) -> None:
        self.rows, self.novel, self.soften = rows, novel, soften
        self.codes = np.zeros((len(rows), codes.shape[1]), np.float32)
        self.codes[novel] = codes
        self.teacher, self.recalled, self.n_recalled = teacher, recalled, n_recalled
        self.scaled, self.width = scaled, width
        self.row_shape = teacher.encoder.input_shape[1:]
        self.dtype, self.name = np.dtype(np.float32), rows.name

    def __len__(self) -> int:
        return len(self.rows) + self.n_recalled

    @property
    def nbytes(self) -> int:
        """Bytes of all rows, with what is wanted of them."""
        return len(self) * (2 * self._row_bytes + self.width * self.dtype.itemsize)

    def take(self, indices: Any) -> Any:
        """Give rows, codes, shares and wanted rows; from len(rows) on an index means any row."""
        indices = np.asarray(indices, dtype=np.intp)
        fresh = indices < len(self.rows)
        rows = np.empty((len(indices), *self.row_shape), np.float32)
        rows[fresh] = self.rows.take(indices[fresh]).reshape(-1, *self.row_shape)
        rows[~fresh] = self.recalled(int((~fresh).sum()))
        codes, shares = self.teacher.answers(rows, self.width)
        wanted = self.scaled(rows)
        wanted[~fresh] = self.scaled(apply(self.teacher.decoder, codes[~fresh]))
        placed = np.flatnonzero(fresh)[self.novel[indices[fresh]]]
        codes[placed] = self.codes[indices[placed]]
        shares[placed] = self.soften(codes[placed])
        return rows, codes, shares, wanted
