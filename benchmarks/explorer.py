"""How fast the explorer's page is with 70,000 digits, in a browser without a graphics card.

Frames a second while the map is panned and zoomed at every frame; milliseconds from a move of the
mouse to the decoded picture; seconds until the page can be used; and the size of the exported file.

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
from common import timed, write_result
from playwright.sync_api import Browser, Page, sync_playwright

from latentmap import LatentMap
from latentmap.data import ArraySource, load_dataset
from latentmap.explorer import Scene, Server, export_page

SEED = 0
WINDOW = {"width": 1280, "height": 800}
OPENINGS = 5

# A hand that moves the mouse within the page: driving it from outside would time the driver.
HAND = """
const surface = document.querySelector("#overlay");
surface.setPointerCapture = () => {};
const fire = (kind, name, n, more = {}) => surface.dispatchEvent(new kind(name, {
    clientX: 450 + 150 * Math.sin(n / 10), clientY: 400 + 100 * Math.cos(n / 13),
    bubbles: true, cancelable: true, pointerId: 1, button: 0, ...more,
}));
"""
FRAMES = (
    """async ([gesture, seconds]) => {"""
    + HAND
    + """
    const steps = {
        zoom: n => fire(WheelEvent, "wheel", n, { deltaY: n % 60 < 30 ? -40 : 40 }),
        pan: n => fire(PointerEvent, "pointermove", n),
        read: n => fire(PointerEvent, "pointermove", n),
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
    + HAND
    + """
    const delays = [];
    for (let n = 0; n < count; n++) {
        await new Promise(resolve => setTimeout(resolve, 60));
        const started = performance.now();
        const shown = new Promise(resolve => {
            const watch = new MutationObserver(() => { watch.disconnect(); resolve(); });
            watch.observe(document.body, { attributeFilter: ["data-shown"] });
        });
        fire(PointerEvent, "pointermove", 7 * n);
        await shown;
        delays.push(performance.now() - started);
    }
    return delays;
}"""
)


def all_digits() -> ArraySource:
    """Give the 60,000 and the 10,000 as one."""
    parts = [load_dataset("mnist", part) for part in ("fit", "unseen")]
    labels = np.concatenate([part.labels for part in parts])
    return ArraySource(np.concatenate([part[:] for part in parts]), labels=labels, name="mnist")


def opened(browser: Browser, link: str) -> Page:
    """Open a page in a window of its own and wait until it can be used."""
    page = browser.new_context(viewport=WINDOW).new_page()
    page.goto(link)
    page.wait_for_selector("body[data-state=ready]")
    return page


def opening_seconds(browser: Browser, link: str) -> float:
    """Time opening the page, the median of several."""
    times = []
    for _ in range(OPENINGS):
        took, page = timed(lambda: opened(browser, link))
        page.context.close()
        times.append(took)
    return statistics.median(times)


def frames(page: Page, gesture: str) -> dict[str, float]:
    """Count frames a second during a gesture, and time the slowest but 5 in 100."""
    times = np.array(page.evaluate(FRAMES, [gesture, 5]))
    gaps = np.diff(times)
    return {
        "frames_per_second": round(1000 / gaps.mean(), 1),
        "95th_percentile_ms": round(float(np.percentile(gaps, 95)), 1),
    }


def figures_of(browser: Browser, link: str) -> dict[str, Any]:
    """Measure one way in which the page reaches its data."""
    opening = opening_seconds(browser, link)
    page = opened(browser, link)
    page.wait_for_timeout(4000)  # a file unpacks its pictures when the page is there
    page.evaluate(DELAYS, 10)
    delays = page.evaluate(DELAYS, 100)
    return {
        "open_s": round(opening, 2),
        "hover_ms": {
            "median": round(statistics.median(delays), 1),
            "95th_percentile": round(float(np.percentile(delays, 95)), 1),
        },
        "gestures": {gesture: frames(page, gesture) for gesture in ("zoom", "pan", "read")},
    }


def main() -> None:
    """Fit a map, serve it, export it, and look at both."""
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
        figures = {
            "server": figures_of(browser, server.url),
            "file": figures_of(browser, path.as_uri()),
        }
        figures["file"]["megabytes"] = round(size / 1e6, 1)
        version = browser.version
        browser.close()
    server.stop()
    about = {"rows": len(rows), "seed": SEED, "browser": f"Chromium {version}", "window": WINDOW}
    write_result("explorer", {**about, **figures}, table_of(figures), packages=["playwright"])


def table_of(figures: dict[str, Any]) -> str:
    """Give the figures as a table, a line a way."""
    lines = [
        "| 70,000 digits | opens, s | mouse to picture, ms | frames a second: zoom | pan | read |",
        "|---|---|---|---|---|---|",
    ]
    for way, told in figures.items():
        rates = [told["gestures"][name]["frames_per_second"] for name in ("zoom", "pan", "read")]
        size = f" ({told['megabytes']} MB)" if "megabytes" in told else ""
        cells = [f"{way}{size}", told["open_s"], told["hover_ms"]["median"], *rates]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += ["", "Headless Chromium, two cores, no GPU; `python benchmarks/explorer.py`."]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
