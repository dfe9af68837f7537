"""Write docs/cli.md from the commands' own help, or check that it is what they say.

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
    """Give the whole page as Markdown."""
    command = typer.main.get_command(app)
    command.commands = {name: load_verb(name) for name in VERBS}
    with typer.Context(command, info_name="latentmap") as context:
        text = get_docs_for_click(obj=command, ctx=context, name="latentmap")
    text = re.sub(r"^Examples:\n\n((?:latentmap .*\n\n)+)", _examples, text, flags=re.MULTILINE)
    return _HEADER + text.rstrip() + "\n"


def _examples(found: re.Match[str]) -> str:
    lines = [line for line in found[1].splitlines() if line]
    return "\n".join(["**Examples**:", "", "```console", *(f"$ {x}" for x in lines), "```", "", ""])


def main() -> int:
    """Write the page; with --check, only compare it."""
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
