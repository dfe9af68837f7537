"""The exceptions of latentmap.

A message is one sentence: the argument or file, what was expected, and what was found. Each
type also inherits the built-in or scikit-learn type that a caller would expect to catch.

    LatentmapError
    ├── DataError (ValueError)            invalid rows: shape, NaN, too few
    │   └── RowTypeError (TypeError)      rows that are not numbers
    ├── SettingError (ValueError)         a parameter or option outside its range
    │   └── UnknownNameError              an unknown name; the message suggests a similar one
    ├── FileError (OSError, ValueError)   a missing, truncated or invalid file
    │   └── ModelFileError                a missing, truncated or invalid model file
    ├── TooLargeError (MemoryError)       not enough memory
    ├── ClusterError (RuntimeError)       Ray is missing, not reachable, or its workers fail
    ├── ForkError (RuntimeError)          a forked process in which the engine cannot run
    └── NotFittedError (sklearn's)        the estimator is not fitted yet
"""

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

__all__ = [
    "ClusterError",
    "DataError",
    "FileError",
    "ForkError",
    "LatentmapError",
    "ModelFileError",
    "NotFittedError",
    "RowTypeError",
    "SettingError",
    "TooLargeError",
    "UnknownNameError",
]


class LatentmapError(Exception):
    """Base class of all exceptions of latentmap."""


class DataError(LatentmapError, ValueError):
    """Raised for rows that are too few, contain NaN, or have a wrong shape, type or length."""


class DataWarning(UserWarning):
    """Warning about data that can be used only in part, such as tables with unknown categories."""


class RowTypeError(DataError, TypeError):
    """Raised for rows that are not numbers."""


class SettingError(LatentmapError, ValueError):
    """Raised for a parameter or option outside its range."""


class UnknownNameError(SettingError):
    """Raised for an unknown name.

    Parameters
    ----------
    kind : str
        What the name identifies, such as ``"recipe"``.
    name : object
        The unknown name.
    known_names : iterable of str
        The known names.

    Examples
    --------
    >>> raise UnknownNameError("recipe", "artcle", ["article", "dense"])
    Traceback (most recent call last):
        ...
    latentmap.errors.UnknownNameError: unknown recipe 'artcle', did you mean 'article'?
    (known: article, dense)
    """

    def __init__(self, kind: str, name: object, known_names: Iterable[str]) -> None:
        known_names = sorted(known_names)
        close_matches = difflib.get_close_matches(str(name), known_names, n=1)
        hint = f", did you mean {close_matches[0]!r}?" if close_matches else ""
        super().__init__(f"unknown {kind} {name!r}{hint} (known: {', '.join(known_names)})")


class FileError(LatentmapError, OSError, ValueError):
    """Raised for a file that is missing, truncated, in an unknown format, or not readable."""


class ModelFileError(FileError):
    """Raised for a file that is not a complete model file of latentmap."""


class TooLargeError(LatentmapError, MemoryError):
    """Raised before an allocation that exceeds the available memory or the memory limit."""


class ClusterError(LatentmapError, RuntimeError):
    """Raised if Ray is not installed, is not reachable, or its workers fail repeatedly."""


class ForkError(LatentmapError, RuntimeError):
    """Raised in a forked process if the engine had started in its parent."""


if TYPE_CHECKING:
    from sklearn.exceptions import NotFittedError as _SklearnNotFittedError

    class NotFittedError(LatentmapError, _SklearnNotFittedError):
        """Raised if an estimator is used before it is fitted."""


def __getattr__(name: str) -> type[Exception]:
    # scikit-learn is imported when the error is first used, because the import takes a second.
    if name != "NotFittedError":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sklearn import exceptions

    error = type(
        "NotFittedError",
        (LatentmapError, exceptions.NotFittedError),
        {"__doc__": "Raised if an estimator is used before it is fitted.", "__module__": __name__},
    )
    globals()[name] = error
    return error
