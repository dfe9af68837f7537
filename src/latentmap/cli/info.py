"""``latentmap info``: what is in a model file."""

from __future__ import annotations

from typing import Any

from latentmap.cli.console import show_json, show_pairs
from latentmap.cli.model_arguments import described
from latentmap.cli.options import Json, Model

__all__ = ["EXAMPLES", "info"]

_NOT_KEPT = "none: nothing was clearly better than PCA, so the model is PCA"

EXAMPLES = {"info": ("latentmap info mnist.safetensors", "latentmap info mnist.safetensors --json")}


def info(model: Model, as_json: Json = False) -> None:
    """Show what is in a model file."""
    summary = described(model)
    if as_json:
        show_json(summary)
        return
    from latentmap.cli.report import figure_pairs

    show_pairs(str(model), _pairs(summary))
    figures = summary.get("figures") or {}
    if figure_pairs(figures):
        show_pairs(f"Quality on {_measured_on(figures)}", figure_pairs(figures))


def _pairs(summary: dict[str, Any]) -> list[tuple[str, str]]:
    shape = "×".join(map(str, summary["row_shape"]))
    names = summary.get("feature_names")
    pairs = [
        ("estimator", summary["estimator"]),
        ("rows", f"{shape}, {summary['dtype']}"),
        ("columns", ", ".join(names) if names else ""),
        ("network kept", _NOT_KEPT if summary["learned"].get("network_kept") is False else ""),
        ("epochs run", str(max(summary["history"]["epoch"], default=0))),
        ("weights", f"{summary['n_weights']:,}"),
        *((name, _setting(value)) for name, value in summary["parameters"].items()),
        ("versions", _setting(summary["versions"])),
    ]
    return [(name, text) for name, text in pairs if text]


def _setting(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_setting(part)}" for name, part in value.items())
    return "" if value is None else str(value)


def _measured_on(figures: dict[str, Any]) -> str:
    held_out = figures.get("held_out") or {}
    count = f"{held_out.get('rows', figures.get('rows', 0)):,}"
    if "data_set" in held_out:
        return f"the {count} unseen rows of {held_out['data_set']}"
    return f"{count} rows held out of {held_out.get('rows_total', 0):,}"
