"""Rows that no data had: the ways in which `latentmap generate` makes them.

Each way gives batches that come when they are asked for, so that a million rows take no more memory
than a few.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from latentmap.cli.console import working
from latentmap.cli.model_arguments import check_columns
from latentmap.errors import SettingError

if TYPE_CHECKING:
    import numpy as np

    from latentmap.data import Source

__all__ = ["Made", "Wanted", "made"]

_BATCH_NUMBERS = 2**21
_JUDGED = 5000  # steps of a walk that are measured: more are even all the same


@dataclass(frozen=True)
class Wanted:
    """What the user asked for, with the model open."""

    model: Any
    rows: int
    like: str | None
    between: tuple[str, str] | None
    near: str | None
    spread: float
    label: str | None
    seed: int


@dataclass(frozen=True)
class Made:
    """Rows, to be had once, in batches; and what they are."""

    batches: Iterator[np.ndarray]
    title: str
    words: str


def made(wanted: Wanted) -> Made:
    """Make what is wanted."""
    if wanted.between:
        return _walk(wanted, wanted.between)
    if wanted.near:
        return _variations(wanted, wanted.near)
    return _own_samples(wanted) if wanted.like is None else _samples(wanted, wanted.like)


# -- what is made ----------------------------------------------------------------------------------


def _own_samples(wanted: Wanted) -> Made:
    """Draw from what the model itself stores of its codes."""
    import numpy as np

    model = wanted.model.set_params(random_state=np.random.RandomState(wanted.seed))
    batches = (model.sample(count) for count in _counted(wanted))
    return Made(batches, "New rows", "drawn from what the model knows of its codes")


def _samples(wanted: Wanted, like: str) -> Made:
    """Draw from the density of the codes of data."""
    import numpy as np

    from latentmap.analysis.sampling import CodeDensity

    codes = _known_codes(wanted, like)
    density = CodeDensity(codes, seed=wanted.seed, visible=True)
    rng = np.random.default_rng(wanted.seed)
    drawn = (density.sample(count, rng) for count in _counted(wanted))
    words = f"drawn from the density of {len(codes):,} codes of {like} ({_gaussians(density)})"
    return Made(map(wanted.model.inverse_transform, drawn), f"New rows like {like}", words)


def _walk(wanted: Wanted, ends: tuple[str, str]) -> Made:
    from latentmap.analysis.interpolation import step_sizes, walk

    start, goal = (_code(wanted, end) for end in ends)
    settings = _settings(wanted, ends[0])
    with working(f"Finding the way from {ends[0]} to {ends[1]}…"):
        steps = walk(wanted.model, start, goal, wanted.rows, **settings)
        sizes = step_sizes(wanted.model, steps[:_JUDGED])
    uneven = sizes.max() / sizes.min() - 1 if sizes.min() > 0 else 0.0
    words = f"from {ends[0]} to {ends[1]}, steps even to {uneven:.1%}"
    return Made(_decoded(wanted, steps), f"From {ends[0]} to {ends[1]}", words)


def _variations(wanted: Wanted, near: str) -> Made:
    from latentmap.analysis.perturbation import vary

    code, settings = _code(wanted, near), _settings(wanted, near)
    with working(f"Varying {near}…"):
        codes = vary(wanted.model, code, wanted.rows, spread=wanted.spread, **settings)
    return Made(_decoded(wanted, codes), f"Variations of {near}", f"variations of {near}")


def _gaussians(density: Any) -> str:
    return f"{density.n_gaussians} Gaussian{'s' if density.n_gaussians > 1 else ''}"


def _counted(wanted: Wanted) -> Iterator[int]:
    """Give the sizes of batches that make up all rows, and show how far they have come."""
    from latentmap.progress import progress

    size, left = _batch_rows(wanted.model), wanted.rows
    with progress(f"Making {left:,} rows", left) as advance:
        while left:
            count = min(size, left)
            yield count
            advance(count)
            left -= count


def _batch_rows(model: Any) -> int:
    return max(1, _BATCH_NUMBERS // max(model.n_features_in_, 1))


def _decoded(wanted: Wanted, codes: np.ndarray) -> Iterator[np.ndarray]:
    from latentmap.cli.streaming import through
    from latentmap.data import ArraySource

    source = ArraySource(codes, name="codes")
    return through(wanted.model.inverse_transform, source, f"Decoding {len(codes):,} codes")


# -- rows given ------------------------------------------------------------------------------------


def _code(wanted: Wanted, text: str) -> np.ndarray:
    from latentmap.cli.row_selection import open_row

    row = open_row(text, wanted.label, _remembered(wanted))
    check_columns(wanted.model, row)
    return wanted.model.transform(row)[0]


def _among(wanted: Wanted, row: str) -> np.ndarray | None:
    """Give codes of real rows: those asked for, else none where the model is a map, else all."""
    from latentmap.cli.row_selection import parted

    if wanted.like is None and hasattr(wanted.model, "density"):
        return None
    return _known_codes(wanted, wanted.like or parted(row)[0])


def _settings(wanted: Wanted, row: str) -> dict[str, Any]:
    """Give what walks and variations go by."""
    from latentmap.analysis.sampling import density_of

    among = _among(wanted, row)
    density = density_of(wanted.model, among, seed=wanted.seed, visible=True)
    return {"among": among, "density": density, "seed": wanted.seed}


def _known_codes(wanted: Wanted, data: str) -> np.ndarray:
    from latentmap.analysis.sampling import MOST_CODES
    from latentmap.cli.row_selection import open_rows
    from latentmap.cli.streaming import codes_of

    rows: Source = open_rows(data, wanted.label, _remembered(wanted))
    check_columns(wanted.model, rows)
    if len(rows) < 2:
        raise SettingError(
            f"{data}: expected at least 2 rows, to tell how likely a code is, found {len(rows)}; "
            "give others by --like DATA"
        )
    return codes_of(wanted.model, rows.sample(MOST_CODES, wanted.seed))


def _remembered(wanted: Wanted) -> str | None:
    return (wanted.model.figures_ or {}).get("label")
