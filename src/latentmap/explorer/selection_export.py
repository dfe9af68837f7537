"""Selected rows as CSV: what they are, where they lie, what is known of them, and their numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from latentmap.explorer.scene import Scene, plain

__all__ = ["csv_of"]

_BLOCK = 2048


def csv_of(scene: Scene, numbers: np.ndarray) -> Iterator[bytes]:
    r"""Write rows as CSV, block by block.

    Parameters
    ----------
    scene : Scene
    numbers : ndarray of shape (m,), int
        Which of its rows.

    Yields
    ------
    bytes
        UTF-8: row number, name, label, code, figures, and of tables every column, to the last
        digit.

    Examples
    --------
    >>> from latentmap import AutoEncoder
    >>> X = np.array([[0.5, 1.0], [2.5, 3.0], [4.5, 9.0]])
    >>> scene = Scene(AutoEncoder(1, random_state=0).fit(X), X)
    >>> lines = b"".join(csv_of(scene, np.array([2]))).decode().splitlines()
    >>> lines[0]
    'row,code 1,error,c0,c1'
    >>> lines[1].startswith("2,"), lines[1].endswith(",4.5,9.0")
    (True, True)
    """
    figures = list(scene.figures.told([0]))  # later more may be known
    yield _lines([_header(scene, figures)])
    for start in range(0, len(numbers), _BLOCK):
        yield _lines(_table(scene, numbers[start : start + _BLOCK], figures))


def _header(scene: Scene, figures: list[str]) -> list[str]:
    codes = [f"code {i + 1}" for i in range(scene.codes.shape[1])]
    columns = scene.column_names() if scene.table is not None else []
    return [*_about(scene, np.array([0])), *codes, *figures, *columns]


def _about(scene: Scene, numbers: np.ndarray) -> dict[str, list]:
    about: dict[str, list] = {"row": scene.numbers[numbers].tolist()}
    if scene.names is not None:
        about["name"] = [scene.names[number] for number in numbers]
    if scene.rows.labels is not None:
        about["label"] = plain(scene.rows.labels[numbers])
    return about


def _table(scene: Scene, numbers: np.ndarray, figures: list[str]) -> list[tuple]:
    # astype(str) writes every number with as many digits as its type holds.
    told = scene.figures.told(numbers)
    blocks: list[Any] = [told[name][:, None] for name in figures]
    if scene.table is not None:
        blocks.append(scene.rows.take(numbers).reshape(len(numbers), -1))
    texts = [scene.codes[numbers].astype(str), *(block.astype(str) for block in blocks)]
    columns = [*_about(scene, numbers).values(), *(column for t in texts for column in t.T)]
    return list(zip(*columns, strict=True))


def _lines(rows: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
