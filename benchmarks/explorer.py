"""Measure the speed of the explorer's page with 70,000 digits in a browser without a GPU.

The figures are the frames per second while the map is panned and zoomed, the milliseconds from a
move of the mouse to the decoded image, the seconds until the page is ready, and the size of the
exported file.

    python benchmarks/explorer.py
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
from common import time_call, write_result
from playwright.sync_api import Browser, Page, sync_playwright

from latentmap import LatentMap
from latentmap.data import ArraySource, load_dataset
from latentmap.explorer import Scene, Server, export_page

SEED = 0
WINDOW = {"width": 1280, "height": 800}
OPENINGS = 5

# Mouse events are created inside the page, so that the driver of the browser is not timed.
MOUSE = """
const surface = document.querySelector("#overlay");
surface.setPointerCapture = () => {};
const fire = (kind, name, n, more = {}) => surface.dispatchEvent(new kind(name, {
    clientX: 450 + 150 * Math.sin(n / 10), clientY: 400 + 100 * Math.cos(n / 13),
    bubbles: true, cancelable: true, pointerId: 1, button: 0, ...more,
}));
"""
FRAMES = (
    """async ([gesture, seconds]) => {"""
    + MOUSE
    + """
    const steps = {
        zoom: n => fire(WheelEvent, "wheel", n, { deltaY: n % 60 < 30 ? -40 : 40 }),
        pan: n => fire(PointerEvent, "pointermove", n),
        hover: n => fire(PointerEvent, "pointermove", n),
    };
    if (gesture === "pan") fire(PointerEvent, "pointerdown", 0);
    const times = [];
    const started = performance.now();
    while (performance.now() - started < 1000 * seconds) {
        times.push(await new Promise(requestAnimationFrame));
        steps[gesture](times.length);
    }
    if (gesture === "pan") fire(PointerEvent, "pointerup", times.length);
    return times;
}"""
)
DELAYS = (
    """async count => {"""
    + MOUSE
    + """
    const delays = [];
    for (let n = 0; n < count; n++) {
        await new Promise(resolve => setTimeout(resolve, 60));
        const started = performance.now();
        const shown = new Promise(resolve => {
            const watch = new MutationObserver(() => { watch.disconnect(); resolve(); });
            watch.observe(document.body, { attributeFilter: ["data-decoded"] });
        });
        fire(PointerEvent, "pointermove", 7 * n);
        await shown;
        delays.push(performance.now() - started);
    }
    return delays;
}"""
)


def all_digits() -> ArraySource:
    """Return the 60,000 and the 10,000 digits as one source."""
    parts = [load_dataset("mnist", part) for part in ("fit", "unseen")]
    labels = np.concatenate([part.labels for part in parts])
    return ArraySource(np.concatenate([part[:] for part in parts]), labels=labels, name="mnist")


def open_page(browser: Browser, link: str) -> Page:
    """Open a page in a new window and wait until it is ready."""
    page = browser.new_context(viewport=WINDOW).new_page()
    page.goto(link)
    page.wait_for_selector("body[data-state=ready]")
    return page


def opening_seconds(browser: Browser, link: str) -> float:
    """Return the median of several times to open the page."""
    times = []
    for _ in range(OPENINGS):
        seconds, page = time_call(lambda: open_page(browser, link))
        page.context.close()
        times.append(seconds)
    return statistics.median(times)


def frame_rate(page: Page, gesture: str) -> dict[str, float]:
    """Return the frames per second and the 95th percentile of the frame time during a gesture."""
    times = np.array(page.evaluate(FRAMES, [gesture, 5]))
    gaps = np.diff(times)
    return {
        "frames_per_second": round(1000 / gaps.mean(), 1),
        "95th_percentile_ms": round(float(np.percentile(gaps, 95)), 1),
    }


def measure(browser: Browser, link: str) -> dict[str, Any]:
    """Compute all metrics of a page."""
    opening = opening_seconds(browser, link)
    page = open_page(browser, link)
    page.wait_for_timeout(4000)  # An exported page decompresses its images after it is ready.
    page.evaluate(DELAYS, 10)
    delays = page.evaluate(DELAYS, 100)
    return {
        "open_s": round(opening, 2),
        "hover_ms": {
            "median": round(statistics.median(delays), 1),
            "95th_percentile": round(float(np.percentile(delays, 95)), 1),
        },
        "gestures": {gesture: frame_rate(page, gesture) for gesture in ("zoom", "pan", "hover")},
    }


def main() -> None:
    """Fit a map, serve it and export it, and measure both pages."""
    rows = all_digits()
    scene = Scene(LatentMap(random_state=SEED).fit(rows), rows, "mnist")
    server = Server(scene)
    scene.warm_up()
    threading.Thread(target=server.serve, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "mnist.html"
        size = export_page(scene, path)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        metrics = {
            "server": measure(browser, server.url),
            "file": measure(browser, path.as_uri()),
        }
        metrics["file"]["megabytes"] = round(size / 1e6, 1)
        version = browser.version
        browser.close()
    server.stop()
    settings = {"rows": len(rows), "seed": SEED, "browser": f"Chromium {version}", "window": WINDOW}
    metrics = {**settings, **metrics}
    write_result("explorer", metrics, table(metrics), packages=["playwright"])


def table(metrics: dict[str, Any]) -> str:
    """Return the table as Markdown."""
    lines = [
        "| page | ready after, s | mouse to image, ms | frames per second: zoom | pan | hover |",
        "|---|---|---|---|---|---|",
    ]
    for page in ("server", "file"):
        values = metrics[page]
        rates = [values["gestures"][name]["frames_per_second"] for name in ("zoom", "pan", "hover")]
        size = f" ({values['megabytes']} MB)" if "megabytes" in values else ""
        cells = [f"{page}{size}", values["open_s"], values["hover_ms"]["median"], *rates]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    conditions = "70,000 digits; headless Chromium, two cores, no GPU"
    lines += ["", f"{conditions}; `python benchmarks/explorer.py`."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
