"""Details of a row of a scene, and the placement of uploaded rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentmap.analysis.encoding import numeric_rows
from latentmap.data import Source, Table
from latentmap.explorer.json_values import encode_rows, to_json
from latentmap.explorer.page_data import row_name
from latentmap.explorer.row_scores import CONFIDENCE
from latentmap.explorer.scene import N_SIMILAR, Scene
from latentmap.explorer.shared_source import unencoded_rows


def describe_row(scene: Scene, index: int) -> dict[str, Any]:
    """Return the name, label, scores, values and reconstruction of a row, as JSON values."""
    labels = None if scene.rows.labels is None else scene.rows.labels[[index]]
    scores = scene.scores.of_rows([index])
    original, codes = scene.original(index), scene.codes[[index]]
    (details,) = _describe_rows(scene, original, codes, labels, scores)
    if scene.image_metadata is not None:
        (details["metadata"],) = encode_rows(scene.image_metadata.rows_at(np.array([index])))
    number = int(scene.original_indices[index])
    return {"number": number, "name": row_name(scene, index), **details}


def place_rows(scene: Scene, source: Source) -> list[dict[str, Any]]:
    """Return the point, details and similar rows of each uploaded row, as JSON values."""
    labels = source.labels
    if source.table_schema is not None:
        is_table = scene.estimator.table_ is not None
        source = (_arrange_columns if is_table else _split_columns)(scene, source)
    encoded = numeric_rows(scene.estimator, source)
    encoded.check(encoded[:], 0)
    codes = scene.model.transform(encoded)
    scores = scene.scores.score(encoded, codes)
    metadata = [] if scene.table is None or source.metadata is None else [source.metadata[:]]
    originals = scene.display.to_display(unencoded_rows(encoded)[:], *metadata)
    details = _describe_rows(scene, originals, codes, labels, scores)
    points = scene.plane.to_points(codes).tolist()
    similar, distances = scene.similar(codes, N_SIMILAR)
    return [
        {"point": points[i], "similar": similar[i], "distances": distances[i], **details[i]}
        for i in range(len(codes))
    ]


def _split_columns(scene: Scene, source: Source) -> Source:
    """Return the columns of a table as numbers, and those that are not fitted as metadata."""
    import pyarrow as pa

    rows: pa.Table = source[:]
    columns = [] if scene.columns is None else scene.columns.columns
    names = [c.name for c in columns if c.encoded_slice is None and c.name in rows.column_names]
    if len(names) == rows.num_columns:
        names = []  # The error names a column that is no number.
    numbers = Table(rows.drop_columns(names), name=source.name).numbers()
    if names:
        numbers.metadata = Table(rows.select(names), name=source.name)
    return numbers


def _arrange_columns(scene: Scene, source: Source) -> Source:
    """Return the columns of a table that the scene has, in the order of the scene.

    Columns that are not fitted may be missing, and other columns are left out. A table without a
    fitted column is returned unchanged, so that the error of the encoder names the missing columns.
    """
    import pyarrow as pa

    encoder, schema = scene.estimator.table_, scene.rows.table_schema
    assert encoder is not None and schema is not None
    rows: pa.Table = source[:]
    if not set(encoder.names) <= set(rows.column_names):
        return source
    columns = {
        field.name: rows[field.name]
        if field.name in rows.column_names
        else pa.nulls(len(rows), field.type)
        for field in schema.schema
    }
    table = Table(pa.table(columns), roles=encoder.string_roles(), name=source.name)
    # A subset is encoded without a warning of unknown values, which `count_unknown` counts.
    return table.subset(np.arange(len(rows)))


def count_unknown(scene: Scene, source: Source) -> dict[str, int]:
    """Return the number of unknown values, for each column that contains unknown values."""
    encoder = scene.estimator.table_
    if encoder is None or source.table_schema is None:
        return {}
    return encoder.count_unknown(source[:])


def _describe_rows(
    scene: Scene,
    originals: Any,
    codes: np.ndarray,
    labels: np.ndarray | None,
    scores: dict[str, np.ndarray],
) -> list[dict[str, Any]]:
    missing = [None] * len(codes)
    values = {
        "label": missing if labels is None else to_json(labels),
        CONFIDENCE: missing,
        **{name: to_json(score) for name, score in scores.items()},
        "original": encode_rows(originals),
        "reconstruction": encode_rows(scene.display.decode(scene.decoder.decode(codes))),
    }
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
