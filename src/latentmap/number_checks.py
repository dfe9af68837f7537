"""Checks of the numbers that the user passes as settings."""

import math
from numbers import Integral

from latentmap.errors import SettingError

MAX_INTEGER = 2**31 - 1
MAX_FLOAT = 3.4e38  # Networks compute with float32.
MAX_SEED = 2**32 - 1  # Seeds of numpy.random.RandomState have 32 bits.


def check_number(
    name: str, value: object, kind: type, low: float, high: float | None = None
) -> None:
    """Raise SettingError unless a value is a finite number of a type from ``low`` to ``high``.

    Without ``high``, the largest number is `MAX_INTEGER` or `MAX_FLOAT`.

    Examples
    --------
    >>> check_number("k", 2.5, Integral, 1)
    Traceback (most recent call last):
        ...
    latentmap.errors.SettingError: k: expected an integer of at least 1, found 2.5
    """
    is_number = isinstance(value, kind) and not isinstance(value, bool)
    limit = high if high is not None else MAX_INTEGER if kind is Integral else MAX_FLOAT
    if is_number and low <= value <= limit:  # type: ignore[operator]
        return
    is_too_large = is_number and limit < value < math.inf  # type: ignore[operator]
    type_name = "an integer" if kind is Integral else "a number"
    has_limit = high is not None or is_too_large
    limits = f"from {low} to {limit}" if has_limit else f"of at least {low}"
    raise SettingError(f"{name}: expected {type_name} {limits}, found {format_value(value)}")


def check_seed(seed: object) -> None:
    """Raise SettingError unless a seed is an integer from 0 to `MAX_SEED`."""
    check_number("seed", seed, Integral, 0, MAX_SEED)


def format_value(value: object) -> str:
    """Return the representation of a value for an error: one line of at most 80 characters.

    Examples
    --------
    >>> format_value([0, 1]), format_value("x" * 1000)[-4:], format_value(10**5000)
    ('[0, 1]', 'xxx…', 'an integer of more than 4,300 digits')
    """
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python limits the digits of an integer that it prints.
        return "an integer of more than 4,300 digits"
    return text if len(text) <= 80 else f"{text[:79]}…"
