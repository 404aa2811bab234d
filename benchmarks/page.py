"""How long a page takes to its first view, and how large it is: ``python -m benchmarks.page FILE``.

In headless Chromium, at the processor's own speed and at a quarter of it, as a phone's.  The first
view is there when the gallery's first photos are drawn and the browser has painted.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import browser  # of the tests

SIZES = {"desktop": (browser.WIDE, 1), "phone, CPU ÷ 4": (browser.PHONE, 4)}
# Two frames later the one that was drawn by then is on the screen.
PAINTED = """
const done = arguments[0];
const after = () => requestAnimationFrame(() => requestAnimationFrame(done));
document.readyState === "complete" ? after() : addEventListener("load", after);
"""


def first_view(chromium: browser.Browser, page: Path, size: tuple[int, int], slower: int) -> float:
    """Return the milliseconds from the beginning of the navigation to the first view."""
    chromium.cdp("Emulation.setCPUThrottlingRate", rate=slower)
    try:
        chromium.open(page, size=size)
        chromium.driver.execute_async_script(PAINTED)
        entry = "performance.getEntriesByType('navigation')[0].loadEventEnd"
        paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        return float(max(chromium.js(entry), chromium.js(paint)))
    finally:
        chromium.cdp("Emulation.setCPUThrottlingRate", rate=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    page = options.page.resolve()
    print(f"{page.name}: {page.stat().st_size / 1e6:.1f} MB")
    with tempfile.TemporaryDirectory() as folder, browser.start(Path(folder)) as chromium:
        for name, (size, slower) in SIZES.items():
            times = [first_view(chromium, page, size, slower) for _ in range(options.repeats)]
            elements, height = (
                chromium.js(what)
                for what in ("document.querySelectorAll('*').length", "document.body.scrollHeight")
            )
            print(
                f"{name}: first view after {statistics.median(times) / 1000:.2f} s (median of "
                f"{len(times)}; {min(times) / 1000:.2f} to {max(times) / 1000:.2f}), "
                f"{elements:,} elements, {height:,} px high"
            )


if __name__ == "__main__":
    main()
