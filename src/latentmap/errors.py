"""What can go wrong, as one tree.

Every error is one sentence that names the thing, what was expected and what was found. Each type
also inherits the built-in (or scikit-learn) type that a caller would expect to catch.

    LatentmapError
    ├── DataError (ValueError)            rows that cannot be used: shape, NaN, too few
    │   └── RowTypeError (TypeError)      things that are no numbers at all
    ├── SettingError (ValueError)         a parameter or option outside its range
    │   └── UnknownNameError              a name that is not in a table; tells the nearest one
    ├── FileError (OSError, ValueError)   a file that is missing, cut, foreign or unreadable
    │   └── ModelFileError                the same, for a model file
    ├── TooLargeError (MemoryError)       more memory would be needed than there is
    ├── ClusterError (RuntimeError)       Ray is missing, does not answer, or its workers keep dying
    └── NotFittedError (sklearn's)        the estimator has not been fitted yet
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

__all__ = [
    "ClusterError",
    "DataError",
    "FileError",
    "LatentmapError",
    "ModelFileError",
    "NotFittedError",
    "RowTypeError",
    "SettingError",
    "TooLargeError",
    "UnknownNameError",
]


class LatentmapError(Exception):
    """The root: catch this to catch everything that latentmap raises on purpose."""


class DataError(LatentmapError, ValueError):
    """Rows that cannot be used: wrong shape or type, NaN, too few, ragged."""


class RowTypeError(DataError, TypeError):
    """Things that are no numbers at all."""


class SettingError(LatentmapError, ValueError):
    """A parameter or option outside its range."""


class UnknownNameError(SettingError):
    """A name that is not in a table of names.

    Parameters
    ----------
    kind : str
        What the name stands for, e.g. ``"recipe"``.
    name : str
        The name that was given.
    known : iterable of str
        The names that exist.

    Examples
    --------
    >>> raise UnknownNameError("recipe", "artcle", ["article", "dense"])
    Traceback (most recent call last):
        ...
    latentmap.errors.UnknownNameError: unknown recipe 'artcle', did you mean 'article'?
    (known: article, dense)
    """

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        known = sorted(known)
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        super().__init__(f"unknown {kind} {name!r}{hint} (known: {', '.join(known)})")


class FileError(LatentmapError, OSError, ValueError):
    """A file that is missing, cut short, foreign or unreadable."""


class ModelFileError(FileError):
    """A file that is not a model of latentmap, or not a whole one."""


class TooLargeError(LatentmapError, MemoryError):
    """More memory would be needed than the machine has."""


class ClusterError(LatentmapError, RuntimeError):
    """Ray is missing, does not answer, or its workers keep dying."""


if TYPE_CHECKING:
    from sklearn.exceptions import NotFittedError as _SklearnNotFittedError

    class NotFittedError(LatentmapError, _SklearnNotFittedError):
        """The estimator has not been fitted yet."""


def __getattr__(name: str) -> Any:
    # scikit-learn takes a second to import, and `latentmap --help` must not wait for it.
    if name != "NotFittedError":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sklearn import exceptions

    error = type(
        "NotFittedError",
        (LatentmapError, exceptions.NotFittedError),
        {"__doc__": "The estimator has not been fitted yet.", "__module__": __name__},
    )
    globals()[name] = error
    return error
