"""Checks of values from files against type annotations, which are the schema of a file."""

import contextlib
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import numpy as np


@dataclass(frozen=True)
class Range:
    """Inclusive limits of a number, or of all numbers of an array."""

    low: float
    high: float

    def check(self, name: str, value: Any) -> None:
        """Raise ValueError if a number is outside the range."""
        numbers = np.asarray(value)
        # A comparison with NaN is false, so arrays with NaN are refused.
        if (
            numbers.size
            and not self.low <= float(numbers.min()) <= float(numbers.max()) <= self.high
        ):
            raise ValueError(f"{name}: expected numbers from {self.low:g} to {self.high:g}")


FINITE = Range(-3e38, 3e38)  # All of these numbers are finite in float32.
Count = Annotated[int, Range(0, 2**63 - 1)]
Positive = Annotated[float, Range(1e-37, 3e38)]
PositiveArray = Annotated[np.ndarray, Range(1e-37, 3e38)]


def check_value(name: str, value: Any, annotation: Any) -> None:
    """Raise TypeError or ValueError unless a value of a file has the type of an annotation.

    Supported are JSON types, `Any`, `Literal`, unions, lists, dicts, typed dicts, arrays, and
    `Annotated` with a `Range`. Numbers in arrays must be finite. A typed dict with ``total=False``
    may contain keys that it does not declare.

    Examples
    --------
    >>> check_value("sizes", [3, "x"], list[int])
    Traceback (most recent call last):
        ...
    TypeError: sizes: expected int, found 'x'
    >>> check_value("scale", 0.0, Positive)
    Traceback (most recent call last):
        ...
    ValueError: scale: expected numbers from 1e-37 to 3e+38
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Any:
        return
    if origin is Required:
        check_value(name, value, arguments[0])
    elif origin is Annotated:
        check_value(name, value, arguments[0])
        arguments[1].check(name, value)
    elif origin in (Union, UnionType):
        _check_union(name, value, arguments)
    elif origin is Literal:
        if value not in arguments:
            raise ValueError(f"{name}: expected {' or '.join(map(repr, arguments))}")
    elif annotation is np.ndarray:
        _check_array(name, value)
    elif is_typeddict(annotation):
        _check_typed_dict(name, value, annotation)
    elif origin in (list, dict):
        _check_items(name, value, origin, arguments)
    elif type(value) not in ((float, int) if annotation is float else (annotation,)):
        raise TypeError(f"{name}: expected {annotation.__name__}, found {str(value)[:40]!r}")


def _check_union(name: str, value: Any, options: tuple[Any, ...]) -> None:
    if value is None and NoneType in options:
        return
    known_options = [option for option in options if option is not NoneType]
    for option in known_options[:-1]:
        with contextlib.suppress(TypeError, ValueError):
            check_value(name, value, option)
            return
    check_value(name, value, known_options[-1])


def _check_array(name: str, value: Any) -> None:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        raise TypeError(f"{name}: expected an array of numbers")
    if value.dtype.kind == "f":
        FINITE.check(name, value)


def _check_items(name: str, value: Any, kind: Any, arguments: tuple[Any, ...]) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{name}: expected {kind.__name__}, found {str(value)[:40]!r}")
    for item in value.values() if isinstance(value, dict) else value:
        check_value(name, item, arguments[-1])


def _check_typed_dict(name: str, value: Any, annotation: Any) -> None:
    if not isinstance(value, dict):
        raise TypeError(f"{name}: expected named values, found {str(value)[:40]!r}")
    missing_keys = sorted(annotation.__required_keys__ - set(value))
    if missing_keys:
        raise ValueError(f"{name}: expected {missing_keys[0]}, found none")
    annotations = get_type_hints(annotation, include_extras=True)
    unknown_keys = sorted(set(value) - set(annotations))
    if annotation.__total__ and unknown_keys:
        raise ValueError(f"{name}: expected only known entries, found {unknown_keys[0][:40]!r}")
    for key, kind in annotations.items():
        if key in value:
            check_value(f"{name}, {key}", value[key], kind)
