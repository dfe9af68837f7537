"""The verbs by name. The module of one is loaded when it is asked for, and of no other.

A list of the verbs is thus shown without any of them: ``latentmap --help`` answers at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer

from latentmap.cli.exit_codes import Commands

__all__ = ["VERBS", "Verbs", "load_verb"]

VERBS = {
    "fit": ("fit", "Fit a model to rows."),
    "encode": ("encode", "Turn rows into codes."),
    "decode": ("encode", "Turn codes back into rows."),
    "plot": ("plot", "Draw codes, reconstructions, plane, confidence, density or loss."),
    "explore": ("explore", "Open a page to explore a map and its rows."),
    "evaluate": ("evaluate", "Measure a model's quality."),
    "similar": ("similar", "Find the most similar rows."),
    "compare": ("compare", "Tell how alike two rows are."),
    "cluster": ("cluster", "Group rows by their codes."),
    "generate": (
        "generate",
        "Make new rows: drawn, walked to from one to another, or varied from one.",
    ),
    "outliers": ("outliers", "Rank rows by how badly they fit."),
    "compress": ("compress", "Turn rows into a small file."),
    "decompress": ("compress", "Get the rows back from a file that compress wrote."),
    "info": ("info", "Show what is in a model file."),
    "datasets": ("list_datasets", "List the data sets that have a name."),
}
"""Each verb's module, and its first line of help."""


class Verbs(Commands):
    """The group of verbs: a verb that is called takes the place of its line of help."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Load the verb that ``args`` begin with, and give its name, the verb and the rest."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, load_verb(name) if name else listed, rest


def load_verb(name: str) -> Any:
    """Give a verb with all its options; ``name`` is one of `VERBS`."""
    module = import_module(f"latentmap.cli.{VERBS[name][0]}")
    one = typer.Typer(rich_markup_mode="rich", add_completion=False)
    # An empty line keeps Typer from joining the examples into one paragraph.
    examples = "\n\n".join(["Examples:", *module.EXAMPLES[name]])
    one.command(name, epilog=examples)(getattr(module, name))
    return typer.main.get_command(one)
