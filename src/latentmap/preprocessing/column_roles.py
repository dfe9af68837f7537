"""Inference of the role of each column of a table from its type and values."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from latentmap.errors import DataError
from latentmap.preprocessing.column_encoders import ENCODERS
from latentmap.preprocessing.column_types import (
    STRING_TYPES,
    Values,
    is_integer_type,
    is_time_type,
    to_floats,
    type_name,
)

if TYPE_CHECKING:
    import pyarrow as pa

METADATA = "metadata"  # Reason why a column is not fitted if the user chose others.
MIN_DISTINCT_IDENTIFIERS = 20  # A column with fewer distinct strings contains categories.
MAX_REPEATED_SHARE = 0.5  # Maximum share of distinct strings among categories.
MIN_WORDS_IN_TEXT = 5.0  # A column of strings with fewer words, on average, contains names.
_COUNTER_NAME = re.compile(
    r"|unnamed: *\d*|index|(.*[_ .-])?(id|key|uuid)|(?-i:.*[a-z]I[dD])"
    r"|rownames?|row|case|obs|record|respondent|#|nr\.?|(s|sl|sr)?\.? ?no\.?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Role:
    """The role of a column; ``reason`` says why a column is not fitted."""

    name: str
    reason: str | None = None


def infer_roles(
    table: pa.Table, user_roles: Mapping[str, str], fitted_columns: Collection[str] | None = None
) -> dict[str, Role]:
    """Return the role of each column, which is either given or inferred from type and values.

    If ``fitted_columns`` are given, the other columns are metadata, which are not fitted.
    Roles that are not fitted are "identifier" and "label". Raise DataError, which names all columns
    that are wrong, if values do not have the type that a given role needs, or if no column can be
    fitted.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"id": [1, 2, 3], "size": [1.5, 2.5, None], "kind": ["a", "b", "a"]})
    >>> {name: role.name for name, role in infer_roles(table, {}).items()}
    {'id': 'identifier', 'size': 'number', 'kind': 'category'}
    """
    roles, problems = {}, []
    for name in table.column_names:
        values = table.column(name)
        role = user_roles.get(name)
        if fitted_columns is not None and name not in fitted_columns:
            roles[name] = Role("identifier", METADATA)
        elif role is None:
            roles[name] = infer_role(name, values)
        elif problem := _problem(role, values):
            problems.append(f"column {name}: {problem}")
        else:
            roles[name] = Role(role, "its role was given" if role not in ENCODERS else None)
    if problems:
        raise DataError("; ".join(problems))
    if not any(role.name in ENCODERS for role in roles.values()):
        reasons = "; ".join(f"{name}: {role.reason}" for name, role in roles.items())
        raise DataError(f"expected at least one column that can be fitted, found none ({reasons})")
    return roles


def _problem(role: str, values: Values) -> str | None:
    """Return why values cannot have a role, or None."""
    kind = type_name(values.type)
    if role in ("identifier", "label"):
        return None
    is_vector = kind == "vector"
    if kind == "other" or is_vector != (role == "vector"):
        return f"expected values for the role {role!r}, found {values.type}"
    if role in ("number", "integer") and (kind in STRING_TYPES or is_time_type(kind)):
        return f"expected numbers for the role {role!r}, found {_format_example(values)}"
    if role == "date" and not is_time_type(kind):
        return f"expected dates for the role 'date', found {_format_example(values)}"
    if role == "boolean" and _n_distinct(values) > 2:
        return f"expected two values for the role 'boolean', found {_n_distinct(values):,}"
    return None


def _format_example(values: Values) -> str:
    known_values = values.drop_null()
    return repr(str(known_values[0].as_py())) if len(known_values) else "no values"


def _n_distinct(values: Values) -> int:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    return pc.count_distinct(values).as_py()


def infer_role(name: str, values: Values) -> Role:
    """Return the role of a column, inferred from its name, type and values."""
    kind = type_name(values.type)
    if values.null_count == len(values):
        return Role("identifier", "no values")
    if kind == "other":
        return Role("identifier", f"values of the type {values.type}")
    if kind == "bool":
        return Role("boolean")
    if kind == "vector":
        return Role("vector")
    if is_time_type(kind):
        return Role("date")
    if kind in STRING_TYPES:
        return _infer_from_strings(values)
    if _is_counter(name, values, kind):
        return Role("identifier", "it numbers the rows")
    # Data frames hold whole numbers as floats if some are missing.
    has_whole_numbers = is_integer_type(kind) or (values.null_count and _is_whole(values, kind))
    if not has_whole_numbers:
        return Role("number")
    return Role("boolean" if _is_binary(values) else "integer")


def _infer_from_strings(values: Values) -> Role:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(values.type):
        return Role("category")
    known_values, n_distinct = values.drop_null(), _n_distinct(values)
    if n_distinct < MIN_DISTINCT_IDENTIFIERS or n_distinct <= MAX_REPEATED_SHARE * len(
        known_values
    ):
        return Role("category")
    words = pc.mean(pc.count_substring_regex(known_values.cast(pa.string()), r"\S+")).as_py()
    if words >= MIN_WORDS_IN_TEXT:
        return Role("text")
    return Role("identifier", f"{n_distinct:,} distinct values")


def _is_counter(name: str, values: Values, kind: str) -> bool:
    """Return whether a column is named like an identifier and holds distinct whole numbers."""
    if not _COUNTER_NAME.fullmatch(name.strip()) or not _is_whole(values, kind):
        return False
    return len(values) > 1 and values.null_count == 0 and _n_distinct(values) == len(values)


def _is_binary(values: Values) -> bool:
    import pyarrow.compute as pc

    limits = pc.min_max(values)
    return limits["min"].as_py() == 0 and limits["max"].as_py() == 1


def _is_whole(values: Values, kind: str) -> bool:
    if is_integer_type(kind):
        return True
    numbers = to_floats(values.drop_null(), kind)
    return len(numbers) > 0 and bool((numbers == numbers.round()).all())
