"""``latentmap info``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latentmap.cli.console import format_count, print_json, print_message, print_pairs, print_table
from latentmap.cli.evaluation import format_metrics, print_quality
from latentmap.cli.held_out import HeldOut
from latentmap.cli.model_arguments import read_model_summary
from latentmap.cli.options import JSON, MODEL

EXAMPLES = ("latentmap info mnist.safetensors", "latentmap info mnist.safetensors --json")
_MAX_COLUMNS, _MAX_LEVELS = 100, 5
_PCA_ONLY = "not used: it was not clearly better than PCA, so the model is PCA"


def info(model: Path = MODEL, as_json: bool = JSON) -> None:
    """Show the contents of a model file."""
    summary = read_model_summary(model)
    if as_json:
        print_json(summary)
        return
    print_pairs(str(model), _format_summary(summary))
    if summary.get("table") is not None:
        _print_columns(summary["table"])
    report = summary.get("figures") or {}
    if format_metrics(report):
        held_out = HeldOut.from_dict(report.get("held_out") or {})
        print_quality(f"Quality on {held_out.describe()}", report)


def _print_columns(table: Mapping[str, Any]) -> None:
    """Print the role of each column of a table, and why columns are not fitted."""
    fitted = [
        (column["name"], column["role"], column.get("unit") or "", _describe_column(column))
        for column in table["columns"]
    ]
    ignored = [(name, "not fitted", "", reason) for name, reason in table["ignored"].items()]
    lines = [*fitted, *ignored]
    print_table(("column", "role", "unit", "details"), lines[:_MAX_COLUMNS], ())
    if len(lines) > _MAX_COLUMNS:
        print_message(f"{len(lines) - _MAX_COLUMNS:,} more columns: see --json")


def _describe_column(column: Mapping[str, Any]) -> str:
    details = []
    if column.get("levels"):
        levels, rare = column["levels"], column["rare"]
        details.append(f"{len(levels) - bool(rare) + len(rare)} categories: {_list(levels)}")
    if column["role"] == "constant":
        details.append(f"always {column['value']}" if "value" in column else "no values")
    if column["has_gaps"] and column["role"] != "constant":
        details.append("with missing values")
    return "; ".join(details)


def _list(names: list[str]) -> str:
    ellipsis = ", …" if len(names) > _MAX_LEVELS else ""
    return f"{', '.join(names[:_MAX_LEVELS])}{ellipsis}"


def _format_summary(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    names, table = summary.get("feature_names"), summary.get("table")
    pairs = [
        ("estimator", summary["estimator"]),
        ("row", _describe_rows(summary)),
        ("columns", ", ".join(names) if names and not table else ""),
        ("length of rows", "1 (unit vectors)" if summary["learned"].get("has_unit_rows") else ""),
        ("network", _PCA_ONLY if summary["learned"].get("network_kept") is False else ""),
        ("epochs run", str(max(summary["history"]["epoch"], default=0))),
        ("weights", f"{summary['n_weights']:,}"),
        *((name, _format_setting(value)) for name, value in summary["parameters"].items()),
        ("versions", _format_setting(summary["versions"])),
    ]
    return [(name, text) for name, text in pairs if text]


def _describe_rows(summary: Mapping[str, Any]) -> str:
    if summary.get("table") is not None:
        n_columns = format_count(len(summary["table"]["columns"]), "column")
        return f"{n_columns}, encoded as {summary['row_shape'][0]:,} numbers"
    return f"{'×'.join(map(str, summary['row_shape']))}, {summary['dtype']}"


def _format_setting(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(
            f"{name} {_format_setting(part) or 'none'}" for name, part in value.items()
        )
    return "" if value is None else str(value)
