"""Takes the picture of the published report that README and docs show: `python -m tools.report_picture`."""

from __future__ import annotations

from pathlib import Path

from benchmarks.chromium import browser

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "results" / "published" / "baseline" / "index.html"
PICTURE = ROOT / "docs" / "report.png"
WIDTH, HEIGHT = 1200, 1290


def main() -> None:
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(REPORT.as_uri())
        page.wait_for_load_state("networkidle")
        page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
