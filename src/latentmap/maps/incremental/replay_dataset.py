"""Training data of `partial_fit`: new rows and replayed rows with distillation targets.

The target of a row, unless it belongs to a novel class, is the output of the networks before
`partial_fit` (Z. Li, D. Hoiem, "Learning without Forgetting", IEEE PAMI 40, 2018). The target of a
row of a novel class is its position among the new landmarks. A new row is decoded to itself, and a
replayed row to the output of the earlier decoder. Replayed rows are sampled for each batch, so that
none are stored.
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
    """Networks of the map before `partial_fit`, whose outputs are the targets.

    ``landmark_logits`` maps raw rows to logits of the encoder's distribution over the landmarks.
    """

    encoder: keras.Model
    landmark_logits: keras.Model
    decoder: keras.Model

    def predict(self, rows: np.ndarray, n_landmarks: int) -> tuple[np.ndarray, np.ndarray]:
        """Return codes, and distributions over all landmarks that are 0 at new landmarks."""
        logits = predict(self.landmark_logits, rows)
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        n_new_landmarks = n_landmarks - shares.shape[1]
        return predict(self.encoder, rows), np.pad(shares, ((0, 0), (0, n_new_landmarks)))


class ReplayDataset(Source):
    """New and replayed rows with their targets.

    Parameters
    ----------
    rows : Source
        The new rows, raw; images may be flat.
    is_novel : ndarray of bool of shape (n,)
        Whether a new row belongs to a novel class.
    codes : ndarray of shape (n_novel, n_components)
        Codes of the rows of novel classes.
    assign_landmarks : callable
        Function from codes to distributions over all landmarks.
    teacher : TeacherNetworks
    sample_rows : callable
        Function from a number to that many raw rows.
    n_replayed : int
        Number of replayed rows.
    scale_rows : callable
        Function from raw rows to flat, scaled rows.
    n_landmarks : int
        Number of landmarks, earlier and new.
    """

    in_memory = True  # Prefetching in a thread is not faster, because sampling uses all cores.

    def __init__(
        self,
        rows: Source,
        is_novel: np.ndarray,
        codes: np.ndarray,
        assign_landmarks: Callable[[np.ndarray], np.ndarray],
        *,
        teacher: TeacherNetworks,
        sample_rows: Callable[[int], np.ndarray],
        n_replayed: int,
        scale_rows: Callable[[np.ndarray], np.ndarray],
        n_landmarks: int,
    ) -> None:
        self.rows, self.is_novel, self.assign_landmarks = rows, is_novel, assign_landmarks
        self.codes = np.zeros((len(rows), codes.shape[1]), np.float32)
        self.codes[is_novel] = codes
        self.teacher, self.sample_rows, self.n_replayed = teacher, sample_rows, n_replayed
        self.scale_rows, self.n_landmarks = scale_rows, n_landmarks
        self.row_shape = teacher.encoder.input_shape[1:]
        self.dtype, self.name = np.dtype(np.float32), rows.name

    def __len__(self) -> int:
        return len(self.rows) + self.n_replayed

    @property
    def nbytes(self) -> int:
        """Size of all rows and their targets in bytes."""
        return len(self) * (2 * self._row_bytes + self.n_landmarks * self.dtype.itemsize)

    def take(self, indices: ArrayLike) -> tuple[np.ndarray, ...]:  # type: ignore[override]
        """Return rows, codes, distributions over the landmarks, and scaled rows to decode.

        Indices from the number of new rows upwards are replayed rows, sampled in each call.
        """
        indices = np.asarray(indices, dtype=np.intp)
        is_new = indices < len(self.rows)
        rows = np.empty((len(indices), *self.row_shape), np.float32)
        rows[is_new] = self.rows.take(indices[is_new]).reshape(-1, *self.row_shape)
        rows[~is_new] = self.sample_rows(int((~is_new).sum()))
        codes, assignments = self.teacher.predict(rows, self.n_landmarks)
        targets = self.scale_rows(rows)
        targets[~is_new] = self.scale_rows(predict(self.teacher.decoder, codes[~is_new]))
        novel_rows = np.flatnonzero(is_new)[self.is_novel[indices[is_new]]]
        codes[novel_rows] = self.codes[indices[novel_rows]]
        assignments[novel_rows] = self.assign_landmarks(codes[novel_rows])
        return rows, codes, assignments, targets
