"""Table of the verbs, and the group that imports the module of a verb when it is called."""

from __future__ import annotations

import sys
import warnings
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from latentmap.cli.console import print_message
from latentmap.cli.exit_codes import exit_code

if TYPE_CHECKING:
    from typer._click.core import Command, Context

# Module of each verb, and the first line of its help.
VERBS = {
    "fit": ("fit", "Fit a model to rows."),
    "encode": ("encode", "Encode rows as codes."),
    "decode": ("decode", "Decode codes to rows."),
    "plot": ("plot", "Plot codes, reconstructions or the loss."),
    "explore": ("explore", "Explore a map and its rows in the browser."),
    "evaluate": ("evaluate", "Evaluate a model on held-out rows."),
    "similar": ("similar", "Find the most similar rows."),
    "compare": ("compare", "Compare two rows."),
    "cluster": ("cluster", "Cluster rows by their codes."),
    "generate": ("generate", "Generate new rows."),
    "impute": ("impute", "Fill the missing values of a table."),
    "outliers": ("outliers", "Rank rows by an outlier score."),
    "compress": ("compress", "Compress rows to a small file."),
    "decompress": ("decompress", "Restore the rows of a compressed file."),
    "export": ("export_onnx", "Export the encoder or the decoder of a model to ONNX."),
    "info": ("info", "Show the contents of a model file."),
    "datasets": ("list_datasets", "List the built-in data sets, or write one to a file."),
}


class VerbGroup(TyperGroup):
    """Group of verbs that imports the module of the called verb only."""

    def resolve_command(
        self, ctx: Context, args: list[str]
    ) -> tuple[str | None, Command | None, list[str]]:
        """Return the name, the command and the remaining arguments of the called verb."""
        name, placeholder, arguments = super().resolve_command(ctx, args)
        return name, load_verb(name) if name else placeholder, arguments

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a verb and exit the process with its exit code."""
        # Outside standalone mode, Typer returns the exit code instead of exiting.
        run = partial(super().main, *args, **{**options, "standalone_mode": False})
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            return sys.exit(exit_code(run)) if options.get("standalone_mode", True) else run()


def _show_warning(message: Warning | str, *args: object, **options: object) -> None:
    """Print a warning as a message."""
    print_message(f"Warning: {message}")


def load_verb(name: str) -> Command:
    """Import a verb, one of `VERBS`, and return it as a command with all its options."""
    module = import_module(f"latentmap.cli.{VERBS[name][0]}")
    app = typer.Typer(rich_markup_mode="markdown", add_completion=False)
    # Typer joins lines into one paragraph unless an empty line separates them.
    examples = "\n\n".join(["Examples:", *module.EXAMPLES])
    app.command(name, epilog=examples)(getattr(module, name))
    return typer.main.get_command(app)
