"""Check of a number that the user passes as a setting."""

import math
from numbers import Integral

from latentmap.errors import SettingError


def check_number(name: str, value: object, kind: type, low: float, high: float = math.inf) -> None:
    """Raise SettingError unless a value is a finite number of a type from ``low`` to ``high``.

    Examples
    --------
    >>> check_number("k", 2.5, Integral, 1)
    Traceback (most recent call last):
        ...
    latentmap.errors.SettingError: k: expected an integer of at least 1, found 2.5
    """
    is_number = isinstance(value, kind) and not isinstance(value, bool)
    if not is_number or not low <= value <= high or value == math.inf:  # type: ignore[operator]
        type_name = "an integer" if kind is Integral else "a number"
        limits = f"of at least {low}" if high == math.inf else f"from {low} to {high}"
        raise SettingError(f"{name}: expected {type_name} {limits}, found {value!r}")
