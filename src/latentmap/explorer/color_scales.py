"""What colours the points: labels, clusters, figures, columns; each as 16-bit numbers a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from latentmap.explorer.row_scores import CLUSTER, Figures
from latentmap.explorer.table_columns import Table, quantized
from latentmap.plots.style import PALETTE

__all__ = ["Colour", "Colouring", "colourings", "of_classes", "of_labels", "of_numbers"]

MOST_VALUES = 1000


@dataclass(frozen=True)
class Colour:
    """A number for each row: of a class, or over a range.

    Attributes
    ----------
    numbers : ndarray of shape (n,), uint16
        A place in ``values``, or 0–65,534 for ``low`` to ``high``; 65,535 where nothing is known.
    values : list of str or None
        The classes' names.
    low, high : float or None
    """

    numbers: np.ndarray
    values: list[str] | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Colouring:
    """A name, and how the colour of each row is found.

    Attributes
    ----------
    name, kind : str
        The kind is "category" or "number".
    make : callable
        Gives the `Colour`; may take seconds the first time.
    ready : callable
        Tells whether it comes at once.
    column : int or None
        Of a table's shown columns, the place.
    """

    name: str
    kind: str
    make: Callable[[], Colour]
    ready: Callable[[], bool]
    column: int | None = None

    def described(self) -> dict[str, Any]:
        """Tell what the page must know before it has the numbers."""
        ready = self.ready()
        about: dict[str, Any] = {"name": self.name, "kind": self.kind, "ready": ready}
        colour = self.make() if ready else Colour(np.empty(0))
        if self.kind == "category":
            return {**about, "values": colour.values, "of": "row"}
        about |= {"low": colour.low, "high": colour.high}
        return about | (
            {"of": "row"} if self.column is None else {"of": "column", "column": self.column}
        )


def colourings(labels: Any, figures: Figures, table: Table | None) -> list[Colouring]:
    """List everything that can colour the points: the label, figures, columns.

    Parameters
    ----------
    labels : ndarray of shape (n,), or None
    figures : Figures
    table : Table, or None

    Returns
    -------
    list of Colouring
    """
    found = [] if labels is None else [_of_labels(labels)]
    found += [_of_figure(figures, name) for name in figures.names]
    return found + ([] if table is None else _of_columns(table))


def _of_labels(labels: np.ndarray) -> Colouring:
    colour = of_labels(labels)
    kind = "number" if colour.values is None else "category"
    return Colouring("label", kind, lambda: colour, lambda: True)


def _of_figure(figures: Figures, name: str) -> Colouring:
    made = of_classes if name == CLUSTER else of_numbers
    kind = "category" if name == CLUSTER else "number"
    return Colouring(name, kind, lambda: made(figures[name]), partial(figures.known, name))


def _of_columns(table: Table) -> list[Colouring]:
    def column(place: int) -> Colouring:
        def made() -> Colour:
            return of_numbers(table.values[:, place])

        return Colouring(table.names[place], "number", made, lambda: True, place)

    return [column(place) for place in range(len(table.names))]


def of_labels(labels: np.ndarray) -> Colour:
    """Colour by label: by class, or by value where labels are measured.

    Numbers are measured if more of them differ than a picture has colours.

    Examples
    --------
    >>> of_labels(np.array(["b", "a", "b"])).values
    ['a', 'b']
    >>> colour = of_labels(np.arange(50))
    >>> colour.values, colour.low, colour.high
    (None, 0.0, 49.0)
    """
    if labels.dtype.kind in "iuf" and len(np.unique(labels)) > len(PALETTE):
        return of_numbers(labels)
    return of_classes(labels)


def of_classes(labels: np.ndarray) -> Colour:
    """Colour by class; of more than a thousand, the rarest are one class, "(others)"."""
    classes, numbers, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) <= MOST_VALUES:
        return Colour(numbers.astype("<u2"), [str(name) for name in classes])
    kept = np.sort(np.argsort(-sizes, kind="stable")[: MOST_VALUES - 1])
    places = np.full(len(classes), MOST_VALUES - 1)
    places[kept] = np.arange(len(kept))
    return Colour(places[numbers].astype("<u2"), [*map(str, classes[kept]), "(others)"])


def of_numbers(values: np.ndarray) -> Colour:
    """Colour by a number, from the lowest to the highest; what is not finite is missing."""
    values = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    if np.isnan(values).all():
        return Colour(quantized(values, 0.0, 1.0), None, 0.0, 1.0)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return Colour(quantized(values, low, high), None, low, high)
