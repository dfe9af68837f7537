"""``latentmap info``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latentmap.cli.console import print_json, print_pairs
from latentmap.cli.evaluation import format_figures
from latentmap.cli.held_out import HeldOut
from latentmap.cli.model_arguments import read_model_summary
from latentmap.cli.options import JSON, MODEL

EXAMPLES = ("latentmap info mnist.safetensors", "latentmap info mnist.safetensors --json")
_PCA_ONLY = "not used: it was not clearly better than PCA, so the model is PCA"


def info(model: Path = MODEL, as_json: bool = JSON) -> None:
    """Show the contents of a model file."""
    summary = read_model_summary(model)
    if as_json:
        print_json(summary)
        return
    print_pairs(str(model), _format_summary(summary))
    figures = summary.get("figures") or {}
    if format_figures(figures):
        held_out = HeldOut.from_dict(figures.get("held_out") or {})
        print_pairs(f"Quality on {held_out.describe()}", format_figures(figures))


def _format_summary(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    shape = "×".join(map(str, summary["row_shape"]))
    names = summary.get("feature_names")
    pairs = [
        ("estimator", summary["estimator"]),
        ("row", f"{shape}, {summary['dtype']}"),
        ("columns", ", ".join(names) if names else ""),
        ("network", _PCA_ONLY if summary["learned"].get("network_kept") is False else ""),
        ("epochs run", str(max(summary["history"]["epoch"], default=0))),
        ("weights", f"{summary['n_weights']:,}"),
        *((name, _format_setting(value)) for name, value in summary["parameters"].items()),
        ("versions", _format_setting(summary["versions"])),
    ]
    return [(name, text) for name, text in pairs if text]


def _format_setting(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(
            f"{name} {_format_setting(part) or 'none'}" for name, part in value.items()
        )
    return "" if value is None else str(value)
