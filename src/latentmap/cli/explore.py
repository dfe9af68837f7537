"""``latentmap explore``."""

from __future__ import annotations

import contextlib
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from latentmap.analysis.model_info import ModelInfo
from latentmap.cli.console import format_count, print_message, show_status
from latentmap.cli.model_arguments import open_model
from latentmap.cli.options import DATA, LABEL, METADATA, MODEL, option
from latentmap.cli.row_selection import check_output, note_missing_metadata, open_model_rows
from latentmap.cli.table_arguments import with_table_options

if TYPE_CHECKING:
    from latentmap.explorer import Scene

EXAMPLES = (
    "latentmap explore mnist.safetensors mnist",
    "latentmap explore mnist.safetensors mnist --export mnist.html",
    "latentmap explore flowers.safetensors rows.csv --label species --port 8571 --no-browser",
)
_PAGE_SUFFIXES = (".html", ".htm")


@with_table_options
def explore(
    model: Path = MODEL,
    data: str = DATA,
    export: Path | None = option(
        "FILE",
        "Write the page to one .html file instead of opening it. The file needs neither "
        "latentmap nor a network connection.",
    ),
    host: str = typer.Option(
        "127.0.0.1",
        metavar="ADDRESS",
        help="Address to listen on. Anyone who has the link and can reach the address can see "
        "the data.",
    ),
    port: int = typer.Option(0, min=0, max=65535, help="Port to listen on; 0 chooses a free one."),
    browser: bool = typer.Option(
        True, "--browser/--no-browser", help="Open the page in the browser."
    ),
    label: str | None = LABEL,
    metadata: str | None = METADATA,
) -> None:
    """Explore a map and its rows in the browser.

    Point at any position to see the row that it decodes to. Mark two positions for an
    interpolation between them, click a row for its most similar rows, or drop a file on the page
    to place its rows on the map. If there are more than 1,000,000 rows, or 100,000 in an
    exported file, a sample is shown. Stop the server with Ctrl-C.
    """
    check_output(export, _PAGE_SUFFIXES, (model, data))
    estimator = open_model(model)
    from latentmap import explorer  # The import is slow, so the options are checked before it.

    if export is None:
        explorer.check_address(host, port)
    rows = open_model_rows(estimator, data, label, metadata)
    note_missing_metadata(estimator, rows)
    max_rows = explorer.MAX_ROWS if export is None else explorer.MAX_EXPORTED_ROWS
    scene = explorer.Scene(estimator, rows, model.name, verbose=True, max_rows=max_rows)
    if scene.total > len(scene):
        print_message(f"Showing a random sample of {len(scene):,} of {scene.total:,} rows")
    if export is not None:
        size = explorer.export_page(scene, export, verbose=True)
        n_rows = format_count(len(scene), "row")
        print_message(f"Wrote {export}: {n_rows}, {size / 1e6:.1f} MB")
    else:
        label = label or ModelInfo.from_estimator(estimator).label_column
        _serve(scene, host, port, browser, label)


def _serve(scene: Scene, host: str, port: int, browser: bool, label: str | None) -> None:
    from latentmap.explorer import Server

    server = Server(scene, host, port, label=label)
    if server.token is not None:
        print_message(f"Warning: anyone who has this link and can reach {host} can see the data.")
    with show_status("Preparing the model…"):
        scene.warm_up()
    print_message(f"Exploring {scene.rows.name} at {server.url} (stop with Ctrl-C)")
    if browser:
        threading.Thread(target=_open_browser, args=(server.url,), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        server.serve()
    server.close()


def _open_browser(url: str) -> None:
    """Open a graphical browser; a text browser would take over the terminal."""
    import webbrowser

    with contextlib.suppress(webbrowser.Error):
        browser = webbrowser.get()
        if type(browser) is not webbrowser.GenericBrowser or sys.platform == "darwin":
            browser.open(url)
