"""Measure the speed of the explorer's page in a browser without a GPU.

The figures are the frames per second while the map is panned and zoomed, the milliseconds from a
move of the mouse to the decoded row, the seconds until the page is ready, the size of the exported
file, and the time and the error of the placement of unseen rows by the page. The rows are 60,000
digits, and 1,000,000 points of twenty groups.

    python benchmarks/explorer.py
"""

from __future__ import annotations

import contextlib
import shutil
import statistics
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common import time_call, write_result
from playwright.sync_api import Browser, Page, sync_playwright

from latentmap import AutoEncoder, LatentMap
from latentmap.data import ArraySource, load_dataset
from latentmap.explorer import Scene, Server, export_page

SEED = 0
WINDOW = {"width": 1280, "height": 800}
OPENINGS = 5
N_POINTS = 1_000_000
N_PLACED = 3000
MAX_DIFFERENCE = 1e-3  # Stated limit of the difference of a position from that of `transform`.

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


PLACE = """async rows => {
    const points = [], times = [];
    for (const row of rows) {
        const started = performance.now();
        points.push(await window.latentmap.placeRow(row));
        times.push(performance.now() - started);
    }
    return { points, times };
}"""


def point_groups() -> ArraySource:
    """Return a million rows of twenty groups in four columns."""
    rng = np.random.default_rng(SEED)
    groups = rng.integers(0, 20, N_POINTS)
    rows = (4 * rng.normal(size=(20, 4))[groups] + rng.normal(size=(N_POINTS, 4))).astype("f4")
    return ArraySource(rows, labels=groups, name="groups")


@contextlib.contextmanager
def served(scene: Scene) -> Iterator[str]:
    """Serve a scene, and yield the link to its page."""
    server = Server(scene)
    scene.warm_up()
    threading.Thread(target=server.serve, daemon=True).start()
    yield server.url
    server.stop()
    server.close()


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


def measure_placement(browser: Browser, link: str, model: LatentMap) -> dict[str, float]:
    """Place unseen digits by the page, and compare them with `transform`."""
    rows = load_dataset("mnist", "unseen")[:N_PLACED]
    page = open_page(browser, link)
    # Rows are sent in blocks, because a message has a limited size.
    blocks = [
        page.evaluate(PLACE, rows[i : i + 100].reshape(100, -1).tolist())
        for i in range(0, N_PLACED, 100)
    ]
    points = np.concatenate([block["points"] for block in blocks])
    times = np.concatenate([block["times"] for block in blocks])
    difference = np.abs(points - model.transform(rows)).max(axis=1)
    return {
        "rows": N_PLACED,
        "median_ms": round(float(np.median(times)), 1),
        "95th_percentile_ms": round(float(np.percentile(times, 95)), 1),
        "largest_difference": float(difference.max()),
        "rows_above_limit": int((difference > MAX_DIFFERENCE).sum()),
    }


def main() -> None:
    """Measure the pages of a map of digits and of a million points."""
    digits, points = load_dataset("mnist", "fit"), point_groups()
    model = LatentMap(random_state=SEED).fit(digits)
    scene = Scene(model, digits, "mnist")
    linear = AutoEncoder(2, network="linear", random_state=SEED).fit(points[:10_000])
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "mnist.html"
        size = export_page(scene, path)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        with served(scene) as link:
            metrics = {"server": measure(browser, link)}
        metrics["file"] = measure(browser, path.as_uri()) | {"megabytes": round(size / 1e6, 1)}
        metrics["placement"] = measure_placement(browser, path.as_uri(), model)
        with served(Scene(linear, points, "groups")) as link:
            metrics["million"] = measure(browser, link)
        version = browser.version
        browser.close()
    settings = {"rows": len(digits), "seed": SEED, "window": WINDOW}
    settings |= {"browser": f"Chromium {version}"}
    write_result("explorer", settings | metrics, table(metrics), packages=["playwright"])


def table(metrics: dict[str, Any]) -> str:
    """Return the table as Markdown."""
    lines = [
        "| page | ready after, s | mouse to row, ms | frames per second: zoom | pan | hover |",
        "|---|---|---|---|---|---|",
    ]
    names = {
        "server": "60,000 digits, server",
        "file": f"60,000 digits, file ({metrics['file']['megabytes']} MB)",
        "million": "1,000,000 points, server",
    }
    for page, name in names.items():
        values = metrics[page]
        gestures = values["gestures"]
        rates = [gestures[kind]["frames_per_second"] for kind in ("zoom", "pan", "hover")]
        cells = [name, values["open_s"], values["hover_ms"]["median"], *rates]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    placed = metrics["placement"]
    lines += [
        "",
        f"Headless Chromium, two cores, no GPU. The file places an unseen digit in "
        f"{placed['median_ms']} ms (median; 95th percentile {placed['95th_percentile_ms']} ms). Of "
        f"{placed['rows']:,} digits, {placed['rows_above_limit']} differ by more than "
        f"{MAX_DIFFERENCE} from `transform`; the largest difference is "
        f"{placed['largest_difference']:.1g}. `python benchmarks/explorer.py`.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
