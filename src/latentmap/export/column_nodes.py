"""ONNX nodes that encode and decode the columns of a table; see `preprocessing.table_encoder`.

Columns of numbers, dates and Booleans are float64 with NaN for missing values, and columns of
categories are strings with "" for missing values. Dates are seconds since 1970, or since midnight.
A table of numbers alone is one tensor, and another table has a tensor for each column.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from latentmap.errors import SettingError
from latentmap.export.onnx_graph import ML_DOMAIN, OnnxGraph
from latentmap.preprocessing.category_columns import SPACES, BooleanColumn, CategoryColumn
from latentmap.preprocessing.column_types import (
    STRING_TYPES,
    is_integer_type,
    is_time_type,
    seconds_per_unit,
    to_floats,
)
from latentmap.preprocessing.encoded_columns import Column, ConstantColumn
from latentmap.preprocessing.number_columns import NumberColumn
from latentmap.preprocessing.table_encoder import TableEncoder
from latentmap.preprocessing.vector_columns import VectorColumn


def tensor_names(table: TableEncoder, part: str) -> list[str]:
    """Return the names of the inputs of an encoder, or of the outputs of a decoder.

    Constant columns are outputs only.
    """
    if _has_only_numbers(table):
        return ["rows"]
    return [column.name for column in table.columns if column.width or part == "decoder"]


def encode_table(g: OnnxGraph, table: TableEncoder) -> str:
    """Add the inputs of a table, and return encoded rows, float32."""
    encoded, rows = [], None
    if _has_only_numbers(table):
        rows = g.add_input("rows", np.float64, (len(table.columns),))
    for i, (column, (encode, _)) in enumerate(_with_functions(table)):
        if not column.width:
            continue
        if rows is None:
            x = g.add_input(column.name, _value_type(column), (_width(column),))
        else:
            x = g.columns(rows, i, i + 1)
        encoded.append(encode(g, x, column))
    return g.cast(g.add("Concat", *encoded, axis=1), np.float32)


def decode_table(g: OnnxGraph, table: TableEncoder, encoded: str) -> None:
    """Add the outputs of a table, decoded from float32 rows."""
    encoded = g.cast(encoded, np.float64)
    decoded = [
        decode(g, g.columns(encoded, part.start, part.stop), column)
        for (column, (_, decode)), part in zip(_with_functions(table), table.slices, strict=True)
    ]
    if _has_only_numbers(table):
        rows = g.add("Concat", *decoded, axis=1)
        g.add_output("rows", rows, np.float64, (len(table.columns),))
        return
    for column, values in zip(table.columns, decoded, strict=True):
        g.add_output(column.name, values, _value_type(column), (_width(column),))


def _has_only_numbers(table: TableEncoder) -> bool:
    """Return whether all columns are numbers or Booleans, so that one tensor holds them."""
    return all(
        _value_type(column) is not str and column.type != "vector" and not is_time_type(column.type)
        for column in table.columns
    )


def _with_functions(table: TableEncoder) -> list[tuple[Column, tuple[Callable, Callable]]]:
    """Return each column with the functions that encode and decode it."""
    for column in table.columns:
        if type(column) not in _FUNCTIONS:
            raise SettingError(
                f"column {column.name}: expected numbers, dates, Booleans, categories or vectors, "
                f"found {column.role}s, which ONNX cannot encode: export a model of their "
                "embeddings (see docs/embeddings.md)"
            )
        if column.role == "boolean" and _value_type(column) is str and not _strings(column):
            raise SettingError(
                f"column {column.name}: expected Booleans, found strings such as 'true': convert "
                "them to Booleans before the fit"
            )
    return [(column, _FUNCTIONS[type(column)]) for column in table.columns]


def _value_type(column: Column) -> type:
    has_strings = column.type in STRING_TYPES or isinstance(column, CategoryColumn)
    return str if has_strings or _strings(column) else np.float64


def _strings(column: Column) -> list[str] | None:
    """Return the strings of false and true of a column of two strings, else None."""
    return getattr(column, "boolean_strings", None)


def _width(column: Column) -> int:
    return column.width if isinstance(column, VectorColumn) else 1


def _encode_number(g: OnnxGraph, x: str, column: NumberColumn) -> str:
    if column.arsinh_scale is not None:
        x = _arcsinh(g, g.add("Div", x, np.float64(column.arsinh_scale)))
    return _standardize(g, x, column.mean, column.scale)


def _standardize(g: OnnxGraph, x: str, mean: np.ndarray | float, scale: float) -> str:
    return g.add("Div", g.add("Sub", x, np.asarray(mean, np.float64)), np.float64(scale))


def _unstandardize(g: OnnxGraph, x: str, mean: np.ndarray | float, scale: float) -> str:
    return g.add("Add", g.add("Mul", x, np.float64(scale)), np.asarray(mean, np.float64))


def _arcsinh(g: OnnxGraph, x: str) -> str:
    """Return sign(x) · log(|x| + sqrt(x² + 1)); onnxruntime has Asinh for float32 only."""
    size = g.add("Abs", x)
    root = g.add("Sqrt", g.add("Add", g.add("Mul", x, x), np.float64(1)))
    return g.add("Mul", g.add("Sign", x), g.add("Log", g.add("Add", size, root)))


def _sinh(g: OnnxGraph, x: str) -> str:
    difference = g.add("Sub", g.add("Exp", x), g.add("Exp", g.add("Neg", x)))
    return g.add("Mul", difference, np.float64(0.5))


def _decode_number(g: OnnxGraph, x: str, column: NumberColumn) -> str:
    x = _unstandardize(g, x, column.mean, column.scale)
    if column.arsinh_scale is not None:
        x = g.add("Mul", _sinh(g, x), np.float64(column.arsinh_scale))
    low = -np.inf if column.low is None else column.low
    high = np.inf if column.high is None else column.high
    if is_integer_type(column.type):
        limits = np.iinfo(column.type)
        low, high = max(low, float(limits.min)), min(high, float(limits.max))
    x = _round(
        g, g.add("Clip", x, np.float64(low), np.float64(high)), 10.0**column.decoded_decimals
    )
    if column.step is not None:
        x = _round(g, x, 1.0 / column.step)
    if is_time_type(column.type):
        return _round(g, x, 1.0 / seconds_per_unit(column.type))
    return _round(g, x, 1.0) if is_integer_type(column.type) else x


def _round(g: OnnxGraph, x: str, steps_per_unit: float) -> str:
    steps = g.add("Round", g.add("Mul", x, np.float64(steps_per_unit)))
    return g.add("Div", steps, np.float64(steps_per_unit))


def _encode_boolean(g: OnnxGraph, x: str, column: BooleanColumn) -> str:
    if column.boolean_strings is not None:
        return _encode_strings(g, x, column.boolean_strings, _boolean_codes(column))
    # A number is true unless it is 0; NaN, a missing value, stays NaN.
    indicator = g.add("Abs", g.add("Sign", x))
    indicator = g.add("Where", g.add("IsNaN", x), x, indicator)
    return _standardize(g, indicator, column.share, 1.0 / column.weight)


def _boolean_codes(column: BooleanColumn) -> np.ndarray:
    """Return the encoded numbers of false and true, shape (2, 1)."""
    return (np.array([[0.0], [1.0]]) - column.share) * column.weight


def _encode_strings(
    g: OnnxGraph, x: str, strings: list[str], codes: np.ndarray, indices: list[int] | None = None
) -> str:
    """Return the row of ``codes`` of each string, and NaN for other strings."""
    codes = np.concatenate([codes, np.full((1, codes.shape[1]), np.nan)])
    index = g.add(
        "LabelEncoder",
        x,
        domain=ML_DOMAIN,
        keys_strings=strings,
        values_int64s=range(len(strings)) if indices is None else indices,
        default_int64=len(codes) - 1,
    )
    return g.add("Gather", codes, g.add("Squeeze", index, np.array([1])), axis=0)


def _encode_category(g: OnnxGraph, x: str, column: CategoryColumn) -> str:
    codes = (np.eye(column.width) - column.shares) * column.weight
    levels = _own_levels(column)
    indices = {level: i for i, level in enumerate(levels)}
    indices |= dict.fromkeys(column.rare, len(levels))
    # Spaces around strings are removed from text tables, but not from data frames.
    indices = {level.strip(SPACES): i for level, i in reversed(indices.items())} | indices
    return _encode_strings(g, x, list(indices), codes, list(indices.values()))


def _own_levels(column: CategoryColumn) -> list[str]:
    """Return the levels without the common level of rare categories."""
    return column.levels[: -1 if column.rare else None]


def _decode_boolean(g: OnnxGraph, x: str, column: BooleanColumn) -> str:
    # The encoded number of the probability 0.5 is between those of false and true.
    is_true = g.add("Greater", x, np.float64((0.5 - column.share) * column.weight))
    strings = column.boolean_strings
    values = np.array([0.0, 1.0]) if strings is None else np.array(strings, object)
    return g.add("Gather", values, g.cast(is_true, np.int64))


def _decode_category(g: OnnxGraph, x: str, column: CategoryColumn) -> str:
    p = _unstandardize(g, x, column.shares, 1.0 / column.weight)
    p = g.add("Clip", p, np.float64(0), np.float64(1))
    levels = _own_levels(column)
    best = g.add("ArgMax", g.columns(p, 0, len(levels)), axis=1, keepdims=1)
    return g.add("Gather", np.array(levels, object), best)


def _encode_vector(g: OnnxGraph, x: str, column: VectorColumn) -> str:
    return _standardize(g, x, column.mean, column.scale)


def _decode_vector(g: OnnxGraph, x: str, column: VectorColumn) -> str:
    return _unstandardize(g, x, column.mean, column.scale)


def _decode_constant(g: OnnxGraph, x: str, column: ConstantColumn) -> str:
    value = column.decode(np.empty((1, 0)))
    if _value_type(column) is str:
        constant = np.array([column.value or ""], object)
    else:
        constant = np.full(1, np.nan) if column.value is None else to_floats(value, column.type)
    n_rows = g.add("Shape", x, end=1)
    return g.add("Expand", constant, g.add("Concat", n_rows, np.array([1]), axis=0))


_FUNCTIONS: dict[type, tuple[Callable, Callable]] = {
    NumberColumn: (_encode_number, _decode_number),
    BooleanColumn: (_encode_boolean, _decode_boolean),
    CategoryColumn: (_encode_category, _decode_category),
    VectorColumn: (_encode_vector, _decode_vector),
    ConstantColumn: (_encode_vector, _decode_constant),  # A constant is not encoded.
}
