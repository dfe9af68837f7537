"""The training data of `partial_fit`: new rows and replayed rows with distillation targets.

The target of a replayed row, and of a new row that is not novel, is the output of the old map (Z.
Li, D. Hoiem, "Learning without Forgetting", IEEE PAMI 40, 2018). The target of a novel row is its
position among the new landmarks. New rows are decoded to themselves, replayed rows to the output of
the old decoder. Each batch samples new replayed rows, so none are stored.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import ArrayLike

from latentmap.backend import predict
from latentmap.data.sources import Source


@dataclass(frozen=True)
class TeacherNetworks:
    """The networks of the old map, whose outputs are the targets.

    Attributes
    ----------
    encoder, landmark_logits, decoder : keras.Model
        Raw rows to codes; raw rows to logits over the landmarks; codes to raw rows.
    """

    encoder: keras.Model
    landmark_logits: keras.Model
    decoder: keras.Model

    def predict(self, rows: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Return codes, and assignments padded with zeros to ``width`` landmarks."""
        logits = predict(self.landmark_logits, rows)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return predict(self.encoder, rows), np.pad(shares, ((0, 0), (0, width - shares.shape[1])))


class ReplayDataset(Source):
    """New and replayed rows, shuffled together, with their targets.

    Parameters
    ----------
    rows : Source
        The new rows, raw; images may be flat.
    novel : ndarray of bool of shape (n,)
        Mask of the novel rows.
    codes : ndarray of shape (n_novel, n_components)
        Codes of the novel rows.
    assign : callable
        Function from codes to assignments to all landmarks, old and new.
    teacher : TeacherNetworks
    sample_replayed : callable
        Function that samples a number of raw rows.
    n_replayed : int
        Number of replayed rows.
    scale_rows : callable
        Function from raw rows to flat, scaled rows.
    width : int
        Number of landmarks, old and new.
    """

    in_memory = True  # Reading ahead in a thread would not help, because sampling uses all cores.

    def __init__(
        self,
        rows: Source,
        novel: np.ndarray,
        codes: np.ndarray,
        assign: Callable[[np.ndarray], np.ndarray],
        *,
        teacher: TeacherNetworks,
        sample_replayed: Callable[[int], np.ndarray],
        n_replayed: int,
        scale_rows: Callable[[np.ndarray], np.ndarray],
        width: int,
    ) -> None:
        self.rows, self.novel, self.assign = rows, novel, assign
        self.codes = np.zeros((len(rows), codes.shape[1]), np.float32)
        self.codes[novel] = codes
        self.teacher, self.sample_replayed, self.n_replayed = teacher, sample_replayed, n_replayed
        self.scale_rows, self.width = scale_rows, width
        self.row_shape = teacher.encoder.input_shape[1:]
        self.dtype, self.name = np.dtype(np.float32), rows.name

    def __len__(self) -> int:
        return len(self.rows) + self.n_replayed

    @property
    def nbytes(self) -> int:
        """Bytes of all rows and their targets."""
        return len(self) * (2 * self._row_bytes + self.width * self.dtype.itemsize)

    def take(self, indices: ArrayLike) -> tuple[np.ndarray, ...]:  # type: ignore[override]
        """Return rows, codes, assignments and target rows.

        An index from ``len(rows)`` on means a replayed row.
        """
        indices = np.asarray(indices, dtype=np.intp)
        is_new = indices < len(self.rows)
        rows = np.empty((len(indices), *self.row_shape), np.float32)
        rows[is_new] = self.rows.take(indices[is_new]).reshape(-1, *self.row_shape)
        rows[~is_new] = self.sample_replayed(int((~is_new).sum()))
        codes, assignments = self.teacher.predict(rows, self.width)
        targets = self.scale_rows(rows)
        targets[~is_new] = self.scale_rows(predict(self.teacher.decoder, codes[~is_new]))
        novel = np.flatnonzero(is_new)[self.novel[indices[is_new]]]
        codes[novel] = self.codes[indices[novel]]
        assignments[novel] = self.assign(codes[novel])
        return rows, codes, assignments, targets
