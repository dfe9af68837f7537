"""``latentmap explore``: a map in the browser, to be read forwards and backwards."""

from __future__ import annotations

import contextlib
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latentmap.cli.console import say, working
from latentmap.cli.model_arguments import check_columns, open_model
from latentmap.cli.options import Data, Label, Model

if TYPE_CHECKING:
    from latentmap.explorer import Scene

__all__ = ["EXAMPLES", "explore"]

EXAMPLES = {
    "explore": (
        "latentmap explore mnist.safetensors mnist",
        "latentmap explore mnist.safetensors mnist --export mnist.html",
        "latentmap explore flowers.safetensors rows.csv --label species --port 8571 --no-browser",
    ),
}


def explore(
    model: Model,
    data: Data,
    export: Annotated[
        Path | None,
        typer.Option(
            "--export",
            metavar="FILE",
            help="Write one .html file that needs neither latentmap nor a network, in place of "
            "opening a page.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Where to listen. At any other address than this machine's own, whoever has the "
            "link sees the data.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port; 0 takes one that is free.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    label: Label = None,
) -> None:
    """Open a page to explore a map and its rows.

    Point at any spot to see what would live there. Mark two spots for a walk between them, pick a
    row for those most like it, drop a file on the page to see where its rows land. Of more than
    100,000 rows a sample is shown. Ctrl-C ends it.
    """
    _check(export, model, data)
    fitted = open_model(model)
    if export is None:
        from latentmap.explorer import check_address

        check_address(host, port)
    remembered = (fitted.figures_ or {}).get("label")
    scene = _scene(fitted, model, data, label, remembered)
    if export is not None:
        from latentmap.explorer import export_page

        size = export_page(scene, export, verbose=True)
        say(f"Wrote {export}: {len(scene):,} rows, {size / 1e6:.1f} MB")
    else:
        _serve(scene, host, port, browser, label or remembered)


def _check(export: Path | None, *inputs: str | Path) -> None:
    """Refuse, before any work, an output that cannot be."""
    from latentmap.cli.row_selection import input_paths
    from latentmap.files import check_output_path

    if export is not None:
        check_output_path(export, (".html", ".htm"), input_paths(*inputs))


def _scene(fitted: Any, model: Path, data: str, label: str | None, remembered: str | None) -> Scene:
    from latentmap.cli.row_selection import open_rows
    from latentmap.explorer import Scene

    source = open_rows(data, label, remembered)
    check_columns(fitted, source)
    scene = Scene(fitted, source, model.name, verbose=True)
    if scene.total > len(scene):
        say(f"Showing {len(scene):,} of {scene.total:,} rows, a uniform sample")
    return scene


def _serve(scene: Scene, host: str, port: int, browser: bool, label: str | None) -> None:
    from latentmap.explorer import Server

    server = Server(scene, host, port, label=label)
    if server.token is not None:
        say(f"Warning: whoever has this link, and reaches {host}, sees the data.")
    with working("Warming up…"):
        scene.warm_up()
    say(f"Exploring {scene.rows.name} at {server.url} (Ctrl-C ends it)")
    if browser:
        threading.Thread(target=_open, args=(server.url,), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        server.serve()
    server.close()


def _open(url: str) -> None:
    """Open a window, where there are windows: a browser of text would take the terminal."""
    import webbrowser

    with contextlib.suppress(webbrowser.Error):
        found = webbrowser.get()
        if type(found) is not webbrowser.GenericBrowser or sys.platform == "darwin":
            found.open(url)
