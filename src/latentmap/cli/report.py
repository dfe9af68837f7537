"""Figures of merit, in words and numbers for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from latentmap.cli.console import show_pairs

__all__ = ["figure_pairs", "show_report"]

_FIGURES: dict[str, tuple[str, Callable[[float], str]]] = {
    "mse": ("mean squared error", lambda value: f"{value:.4g}  (of scaled rows)"),
    "negative_elbo": ("negative ELBO", lambda value: f"{value:.2f} nats a row"),
    "trustworthiness": ("trustworthiness", lambda value: f"{value:.3f}  (k = 10)"),
    "accuracy_5": ("5-NN accuracy", lambda value: f"{value:.3f}  (of labels, by codes)"),
    "accuracy_10": ("10-NN accuracy", lambda value: f"{value:.3f}"),
    "following_r2": ("follows the layout", lambda value: f"{value:.1%} of its variance"),
    "following_median_shift": ("", lambda value: f"middle row {value:.2%} of its width away"),
    "rows_per_second": ("speed of transform", lambda value: f"{value:,.0f} rows a second"),
}


def figure_pairs(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Give the name and the text of each known figure."""
    return [
        (name, text(figures[key]))
        for key, (name, text) in _FIGURES.items()
        if figures.get(key) is not None
    ]


def show_report(title: str, figures: dict[str, Any]) -> None:
    """Print the figures under a title."""
    show_pairs(title, figure_pairs(figures))
