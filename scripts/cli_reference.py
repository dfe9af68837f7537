"""Write docs/cli.md from the help texts of the commands, or check that it is up to date.

Usage: python scripts/cli_reference.py [--check]
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import typer
from typer.cli import get_docs_for_click

from latentmap.cli import app
from latentmap.cli.commands import VERBS, load_verb

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"
_HEADER = (
    "<!-- Made from --help by scripts/cli_reference.py: change the help, not this page. -->\n\n"
)


def page() -> str:
    """Return the whole page as Markdown."""
    command = typer.main.get_command(app)
    command.commands = {name: load_verb(name) for name in VERBS}
    with typer.Context(command, info_name="latentmap") as context:
        text = get_docs_for_click(obj=command, ctx=context, name="latentmap")
    text = re.sub(r"^Examples:\n\n((?:latentmap .*\n\n)+)", _examples, text, flags=re.MULTILINE)
    return _HEADER + text.rstrip() + "\n"


def _examples(match: re.Match[str]) -> str:
    """Return the examples of a command as a code block."""
    lines = [line for line in match[1].splitlines() if line]
    return "\n".join(["**Examples**:", "", "```console", *(f"$ {x}" for x in lines), "```", "", ""])


def main() -> int:
    """Write the page, or compare it if the option --check is given; return the exit status."""
    if "--check" not in sys.argv[1:]:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print("docs/cli.md differs from --help: run scripts/cli_reference.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
