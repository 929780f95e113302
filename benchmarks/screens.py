"""A report as pictures, to be looked at: pages at three widths, light and dark.

`python -m benchmarks.screens DIR --to OUT`
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import click

from benchmarks.chromium import browser

WIDTHS = (390, 820, 1400)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
KINDS = ("datasets/*.html", "variants/*.html", "runs/*/index.html", "references/*/index.html")
TALLEST = 12_000
"""Pixels of a picture; what is below is cut."""


def chosen(report: Path, each: int) -> list[Path]:
    """The overview, some pages of every kind, and a run that failed where there is one."""
    found = [report / "index.html"]
    for kind in KINDS:
        found += sorted(report.glob(kind))[:each]
    failed = sorted(report.glob("runs/*/traceback.txt"))[:1]
    return list(dict.fromkeys([*found, *(path.with_name("index.html") for path in failed)]))


@click.command(help=__doc__)
@click.argument("report", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--to", type=click.Path(path_type=Path), required=True, help="Folder of the pictures.")
@click.option("--page", "pages", multiple=True, help="A page of the report, such as index.html; can be repeated.")
@click.option("--each", default=1, show_default=True, help="Pages of every kind, where none is named.")
@click.option("--width", "widths", multiple=True, type=int, default=WIDTHS, show_default=True)
@click.option("--opened", is_flag=True, help="With every part that can be opened open, and every seed as a dot.")
def main(report: Path, to: Path, pages: tuple[str, ...], each: int, widths: tuple[int, ...], opened: bool) -> None:
    to.mkdir(parents=True, exist_ok=True)
    paths = [report / page for page in pages] or chosen(report, each)
    with browser() as chromium:
        for scheme in SCHEMES:
            for width in widths:
                page = chromium.new_page(
                    viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
                )
                for path in paths:
                    name = re.sub(r"[^\w.]+", "-", path.relative_to(report).with_suffix("").as_posix())
                    _save(page, path, to / f"{name}-{width}-{scheme}.png", opened)
                page.close()


def _save(page: Any, path: Path, picture: Path, opened: bool) -> None:
    page.goto(path.resolve().as_uri())
    if opened:
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        for box in page.locator("[name=dots]:enabled").all():
            box.check()
    # pictures further down are loaded late; all are wanted here
    page.evaluate("""() => Promise.all([...document.images].map((image) => {
        image.loading = "eager";
        return image.decode().catch(() => null);
    }))""")
    size = page.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
    page.screenshot(
        path=picture, full_page=True, clip={"x": 0, "y": 0, "width": size[0], "height": min(size[1], TALLEST)}
    )
    click.echo(picture)


if __name__ == "__main__":
    main()
