"""What a fit will take, told on standard error before it starts, and refused where it cannot be.

A twin of the estimator rehearses, so that the one which is fitted, its random state and its
networks stay as they are.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import keras
import numpy as np
from sklearn.base import clone

from latentmap.autoencoders.validation import fitting_rows
from latentmap.data.memory import (
    check_memory,
    fit_memory_bytes,
    limit_bytes,
    release_freed_memory,
    resident_bytes,
)
from latentmap.data.sources import Source
from latentmap.errors import DataError
from latentmap.progress import progress
from latentmap.training.forecast import (
    PROBED_SECONDS,
    Cost,
    Plan,
    Rehearsal,
    forecast,
    forecast_growth,
    measure,
)
from latentmap.training.loop import pace, seconds_again
from latentmap.training.preparation import prepare

__all__ = ["expected_cost", "tell", "tell_growth"]

SPOKEN_SECONDS = 5.0
"""Less is not worth a word, and what surely takes less is not rehearsed."""
QUICK_PRODUCTS, QUICK_NUMBERS = 1.5e11, 1 << 25
"""Rows seen, times weights and their uses; and the numbers in them. Two cores get through so many
in about that time."""
ROW_PRODUCTS = 2000
"""Reading and shuffling a row takes as long as so many weights."""
SOME_LESSONS = 2048
"""Of a growth's, so many are taken to see how long that takes."""


def tell(estimator: Any, X: Any) -> None:
    """Say what fitting an estimator to rows will take, where it is verbose and that is long.

    Parameters
    ----------
    estimator : BaseAutoEncoder
    X : array-like, sparse matrix, data frame, or Source

    Raises
    ------
    TooLargeError
        If a limit on memory leaves no room for it.
    """
    if not estimator.verbose and limit_bytes() is None:
        return
    _say(expected_cost(estimator, X))


def expected_cost(estimator: Any, X: Any) -> Cost | None:
    """Find out what fitting will take.

    Returns
    -------
    Cost or None
        None where the estimator is not verbose, where fitting surely takes a few seconds only or
        will refuse the rows, and of networks of the user's own, of which nobody can tell.

    Raises
    ------
    TooLargeError
        If a limit on memory leaves no room for it.

    Examples
    --------
    >>> import numpy as np
    >>> from latentmap import AutoEncoder
    >>> expected_cost(AutoEncoder(2, verbose=True), np.zeros((50, 3))) is None
    True
    """
    if isinstance(getattr(estimator, "network", None), tuple):
        return None
    twin = clone(estimator).set_params(verbose=False)
    twin._check_settings()
    rows = fitting_rows(twin, X)
    plan = twin._expected(rows)
    needed = fit_memory_bytes(len(rows), rows.nbytes // len(rows), plan.weights)
    check_memory("memory", needed, engine=True)
    if not estimator.verbose or _quick(rows, plan):
        return None
    with progress("finding out how long it will take", 1, estimator.verbose) as advance:
        try:
            found, some = measure(rows)
        except DataError:  # fitting will find it, too, and name the row as it stands in all of them
            return None
        ready = prepare(some, twin.scaling, 1, plan.training, 0)
        twin.dtype_ = some.dtype.name
        twin._rehearse(Rehearsal(**vars(ready), pace=found, plan=plan, advance=advance))
        advance(1)
    release_freed_memory()
    found.resident = resident_bytes()
    return forecast(found, plan)


def tell_growth(rows: Source, lessons: Source, objective: Any, epochs: int, plan: Any) -> None:
    """Say what growing a map takes from its training on, where that is long.

    Parameters
    ----------
    rows : Source
        Those that are taken in.
    lessons : Source
        What will be trained on; some are taken to see how long that takes.
    objective : Objective
        It takes some steps, and has the same weights afterwards.
    epochs : int
    plan : Training
    """
    weights = sum(math.prod(weight.shape) for weight in objective.trainable_weights)
    if _quick(lessons, Plan(plan, epochs, weights, uses=2)):
        return
    steps = len(lessons) // plan.rows_a_step(len(lessons))
    some = np.random.default_rng(0).permutation(len(lessons))[:SOME_LESSONS]
    with progress("finding out how long it will take", 1) as advance:
        found, _ = measure(rows)
        kept = [np.array(keras.ops.convert_to_numpy(v.value)) for v in objective.variables]
        lesson = seconds_again(lambda: lessons.take(some)) / len(some)
        told = (lessons.subset(some), len(lessons), plan, epochs, PROBED_SECONDS)
        found.trial = pace(objective, *told)
        found.encode = found.trial.encode
        for variable, value in zip(objective.variables, kept, strict=True):
            variable.assign(value)
        advance(1)
    found.resident = resident_bytes()
    _say(forecast_growth(found, epochs * steps, epochs * len(lessons) * lesson))


def _say(cost: Cost | None) -> None:
    if cost is not None and cost.seconds > SPOKEN_SECONDS:
        print(cost, file=sys.stderr, flush=True)


def _quick(rows: Source, plan: Plan) -> bool:
    """Tell whether fitting takes a few seconds at the most."""
    seen = len(rows) * plan.epochs
    return (
        seen * (plan.weights * plan.uses + ROW_PRODUCTS) <= QUICK_PRODUCTS
        and seen * math.prod(rows.row_shape) <= QUICK_NUMBERS
    )
