"""Export of selected rows as CSV: row number, file name, label, code, scores, table columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.explorer.display_columns import as_display_strings
from latentmap.explorer.json_values import to_json
from latentmap.explorer.scene import Scene

if TYPE_CHECKING:
    import pyarrow as pa

_BLOCK_ROWS = 2048


def write_csv(scene: Scene, indices: np.ndarray) -> Iterator[bytes]:
    """Yield blocks of a CSV file in UTF-8. Numbers have all digits of their type."""
    # The columns are chosen first, because more scores may be computed while the file is written.
    scores = list(scene.scores.of_rows([0]))
    codes = [f"code {i + 1}" for i in range(scene.codes.shape[1])]
    columns = scene.column_names() if scene.table is not None else []
    yield _encode([[*_identity_columns(scene, indices[:0]), *codes, *scores, *columns]])
    for start in range(0, len(indices), _BLOCK_ROWS):
        yield _encode(_lines(scene, indices[start : start + _BLOCK_ROWS], scores))


def _identity_columns(scene: Scene, indices: np.ndarray) -> dict[str, list]:
    identity: dict[str, list] = {"row": scene.original_indices[indices].tolist()}
    if scene.file_names is not None:
        identity["name"] = [scene.file_names[i] for i in indices]
    if scene.rows.labels is not None:
        identity["label"] = to_json(scene.rows.labels[indices])
    if scene.rows.metadata is not None:
        metadata: Any = scene.rows.metadata.take(indices)
        columns = _table_columns(metadata)
        identity |= dict(zip(metadata.column_names, columns, strict=True))
    return identity


def _lines(scene: Scene, indices: np.ndarray, scores: Sequence[str]) -> Iterable[Sequence[object]]:
    values, identity = scene.scores.of_rows(indices), _identity_columns(scene, indices).values()
    blocks = [scene.codes[indices], *(values[name][:, None] for name in scores)]
    if scene.table is not None:
        rows = scene.rows.take(indices)
        if not isinstance(rows, np.ndarray):
            return zip(*identity, *_text_columns(blocks), *_table_columns(rows), strict=True)
        blocks.append(rows.reshape(len(indices), -1))
    return zip(*identity, *_text_columns(blocks), strict=True)


def _text_columns(blocks: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Convert columns of numbers to strings with as many digits as their types have."""
    return [column for block in blocks for column in block.astype(str).T]


def _table_columns(table: pa.Table) -> list[list[str | None]]:
    return [as_display_strings(column).to_pylist() for column in table.columns]


def _encode(lines: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().encode("utf-8", "replace")
