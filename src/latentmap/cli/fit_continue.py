"""``latentmap fit --continue``: new rows into a fitted map; the same file out, grown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentmap.cli.console import say, show_pairs
from latentmap.cli.memory_option import telling_report
from latentmap.cli.model_arguments import check_columns, check_model_path, columns_of, open_model
from latentmap.errors import SettingError

if TYPE_CHECKING:
    import numpy as np

    from latentmap.cli.row_selection import Parts

__all__ = ["grow", "refuse_settings"]

_OPTIONS = {"n_components": "components", "n_neighbors": "neighbors"}
_SHOWN_ROWS, _SHOWN_NUMBERS = 10_000, 1 << 25
"""Of what the map knew before, so much is in the picture."""


def refuse_settings(given: dict[str, Any]) -> None:
    """Refuse options that say how a model is made: this one is."""
    for name in given:
        option = _OPTIONS.get(name, name).replace("_", "-")
        raise SettingError(f"--{option}: a model that is continued keeps the settings that it has")


def grow(data: str, model_path: Path, output: Path | None, label: str | None, seed: int) -> None:
    """Take rows into a fitted map, save it, and report."""
    path = check_model_path(model_path if output is None else output)
    from latentmap.cli.row_selection import split_rows
    from latentmap.data import ArraySource

    model = open_model(model_path)
    if not hasattr(model, "partial_fit"):
        raise SettingError(
            f"{model_path}: expected a map, which can grow, found {_article(type(model).__name__)}"
        )
    old = model.figures_ or {}
    parts = split_rows(data, label, seed, old.get("label"), started=True)
    check_columns(model, parts.fitted)
    shown = max(100, min(_SHOWN_ROWS, _SHOWN_NUMBERS // model.n_features_in_))
    before = model.transform(ArraySource(model.sample(shown), feature_names=columns_of(model)))
    say(f"Taking {len(parts.fitted):,} rows into {model_path}")
    with telling_report(parts):
        model.set_params(verbose=True).partial_fit(parts.fitted).set_params(verbose=False)
    model.figures_ = {"label": label or old.get("label"), **_held_out(old, parts)}
    model.save(path)  # already: what was learned shall survive whatever happens to the report
    try:
        _report(model, parts, path, before)
    except KeyboardInterrupt:
        say(f"{path} holds the new rows already: only the report is missing")
        raise


def _held_out(old: dict[str, Any], parts: Parts) -> dict[str, Any]:
    """Note the rows held out now, and keep how the earlier ones are found again."""
    earlier = [old["held_out"]] if old.get("held_out") else []
    return {
        "held_out": parts.held_out,
        "held_out_before": [*earlier, *(old.get("held_out_before") or ())],
    }


def _report(model: Any, parts: Parts, path: Path, before: np.ndarray) -> None:
    from latentmap.cli.evaluation import judge, known_codes
    from latentmap.cli.pictures import draw_all, draw_growth
    from latentmap.cli.report import show_report

    known = known_codes(model, parts.fitted)
    if parts.unseen is not None:
        model.figures_ = {**model.figures_, **judge(model, parts.unseen, known)}
        model.save(path)
    picture = path.with_suffix(".growth.png")
    draw_growth(picture, before, known[0], _in_new_place(model, known[0]))
    written = [path, picture, *draw_all(model, parts, path, *known)]
    show_pairs("The map has grown", _pairs(model))
    if parts.unseen is None:
        say(f"No quality report: {len(parts.fitted)} rows are too few to hold some out.")
    else:
        show_report(f"Quality on {parts.words}", model.figures_)
    say("Wrote " + ", ".join(str(place) for place in written))


def _in_new_place(model: Any, codes: np.ndarray) -> np.ndarray:
    """Tell which codes lie nearest to a landmark that the map has just got."""
    from scipy.spatial import cKDTree

    landmarks = model.landmarks_
    nearest = cKDTree(landmarks).query(codes)[1]
    return nearest >= len(landmarks) - model.growth_["landmarks"]


def _pairs(model: Any) -> list[tuple[str, str]]:
    growth = model.growth_
    pairs = [
        ("rows taken in", f"{growth['rows']:,}"),
        ("of a new kind", f"{growth['new_kind']:,}"),
    ]
    if growth["landmarks"]:
        middle = model.landmarks_[-growth["landmarks"] :].mean(axis=0)
        spot = ", ".join(f"{number:.2f}" for number in middle)
        pairs.append(("their place", f"{growth['landmarks']} new landmarks, around ({spot})"))
    moved = f"{growth['median_shift']:.2%} of the map's width  (the middle row, recalled)"
    return [*pairs, ("old places moved", moved)]


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
