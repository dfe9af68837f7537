"""``latentmap datasets``: the data sets that have a name."""

from __future__ import annotations

from latentmap.cli.console import show_json, show_table
from latentmap.cli.options import Json

__all__ = ["EXAMPLES", "datasets"]

EXAMPLES = {"datasets": ("latentmap datasets", "latentmap datasets --json")}


def datasets(as_json: Json = False) -> None:
    """List the data sets that have a name."""
    from latentmap import data

    known = data.list_datasets().values()
    if as_json:
        fields = ("name", "description", "licence", "n_fit", "n_unseen")
        show_json([{field: getattr(one, field) for field in fields} for one in known])
        return
    show_table(
        ("name", "rows to fit", "unseen", "what", "licence"),
        [(d.name, f"{d.n_fit:,}", f"{d.n_unseen:,}", d.description, d.licence) for d in known],
        numbers=("rows to fit", "unseen"),
    )
