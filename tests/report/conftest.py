"""One browser for all tests of the report, and pages of every kind to visit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fabricate import NASTY
from visits import Visit, Visits, refuse

from benchmarks.chromium import NoBrowser, browser
from ganbench.report.html.content import slug


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser a test process. Without one the tests are skipped, unless `GANBENCH_BROWSER` says `required`."""
    try:
        with browser() as found:
            yield found
    except NoBrowser as error:
        refuse(str(error))


@pytest.fixture
def visit(chromium: Any, report: Path) -> Iterator[Visits]:
    """Open a fresh, offline browsing context: `visit(width=390, color_scheme="dark")` is a `Visit`."""
    contexts = []

    def opened(width: int = 1280, **options: Any) -> Visit:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, offline=True, reduced_motion="reduce", **options
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        return Visit(report, context.new_page())

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def paths(report: Path) -> dict[str, str]:
    """A page of every kind."""
    records = [json.loads(path.read_text()) for path in sorted(report.glob("runs/*/record.json"))]

    def run(status: str, dataset: str, loss: str = "minimax") -> str:
        return next(
            f"runs/{record['id']}/index.html" for record in records
            if (record["status"], record["spec"]["dataset"]["name"], record["spec"]["loss"][0]["name"])
            == (status, dataset, loss)
        )  # fmt: skip

    reference = next(report.glob("references/*/index.html")).relative_to(report)
    failed = next(path.parent for path in report.glob("runs/*/traceback.txt"))
    return {
        "overview": "index.html",
        "dataset": f"datasets/{slug('ring8')}.html",
        "images": f"datasets/{slug('digits')}.html",
        "variant": f"variants/{slug('minimax x mlp')}.html",
        "run": run("ok", "ring8"),
        "image run": run("ok", "digits"),
        "failed run": f"runs/{failed.name}/index.html",
        "diverged run": next(f"runs/{r['id']}/index.html" for r in records if r["status"] == "diverged"),
        "reference": str(reference),
        "nasty dataset": f"datasets/{slug(NASTY[3])}.html",
        "nasty variant": f"variants/{slug(f'{NASTY[0]} x {NASTY[1]}')}.html",
        "nasty run": run("ok", NASTY[2], NASTY[0]),
    }
