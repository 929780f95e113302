"""A report of 1,000 runs: seconds to publish it, its size, and how soon a browser shows its pages.

`python -m benchmarks.report_size`; the records are made up (`tests/fabricate.py`), everything after them is real.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import click

from benchmarks import report
from benchmarks.chromium import browser

ROOT = Path(__file__).parent.parent
PAGES = ("index.html", "datasets/*.html", "variants/*.html", "runs/*/index.html")
TIMES = """() => {
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  const load = performance.getEntriesByType("navigation")[0];
  return paint && load.loadEventEnd ? [paint.startTime, load.domInteractive, load.loadEventEnd] : null;
}"""


def _run(*command: object) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, *map(str, command)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def shown(page: Any, path: Path) -> tuple[float, float, float]:
    """Milliseconds from asking for a page to its first paint, to its tree, and to all of it."""
    page.goto(path.as_uri())
    while (found := page.evaluate(TIMES)) is None:
        page.wait_for_timeout(20)
    return tuple(found)


def measure(runs: int, repeats: int) -> dict[str, Any]:
    """Everything for a report of so many runs, in a folder that goes away."""
    with tempfile.TemporaryDirectory() as folder:
        results, place = Path(folder) / "results", Path(folder) / "report"
        _run("tests/fabricate.py", results, "--runs", runs)
        ask = ("-m", "ganbench", "publish", "--suite", "fabricated", "--results", results, "--to", place)
        seconds = [_run(*ask) for _ in range(repeats)]
        files = [path for path in place.rglob("*") if path.is_file()]
        counted = len(list(place.glob("runs/*/record.json")))
        return {
            "runs": counted,
            "publish_seconds": {"median": median(seconds), "low": min(seconds), "high": max(seconds)},
            "files": len(files),
            "bytes": sum(path.stat().st_size for path in files),
            "largest_page": max(path.stat().st_size for path in place.rglob("*.html")),
            "pages": [_page(place, pattern, repeats) for pattern in PAGES],
        }


def _page(place: Path, pattern: str, repeats: int) -> dict[str, Any]:
    """The largest page of its kind, in a fresh browser each time."""
    path = max(place.glob(pattern), key=lambda one: one.stat().st_size)
    times = []
    for _ in range(repeats):
        with browser() as chromium:
            times.append(shown(chromium.new_page(viewport={"width": 1280, "height": 900}), path))
    names = ("paint", "tree", "load")
    found = {name: median(one[i] for one in times) for i, name in enumerate(names)}
    return {"page": pattern, "bytes": path.stat().st_size, "milliseconds": found, "paints": [one[0] for one in times]}


@click.command(help=__doc__)
@click.option("--runs", default=1000, show_default=True)
@click.option("--repeats", default=3, show_default=True)
def main(runs: int, repeats: int) -> None:
    where = report.machine()
    with browser() as chromium:
        where["libraries"] = {**where["libraries"], "Chromium": chromium.version}
    report.write("report_size", where, measure(runs, repeats), whole=(runs, repeats) == (1000, 3))


if __name__ == "__main__":
    main()
