"""The report in one browser for all tests, as fixtures, and what its pages did that nobody asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from fabricate import NASTY

from benchmarks.chromium import AXE, NoBrowser, browser
from ganbench.report.html.content import slug

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def refuse(reason: str) -> None:
    """Skip a test that needs a browser, unless `GANBENCH_BROWSER` says `required`."""
    if os.environ.get("GANBENCH_BROWSER") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


class Visit:
    """A page of the report, and everything that it did which nobody asked for."""

    def __init__(self, report: Path, page: Any) -> None:
        self.report, self.page = report, page
        self.requests: list[str] = []
        self.noise: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("requestfailed", self._failed)
        page.on("console", lambda message: self.noise.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.noise.append(str(error)))
        page.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Any) -> None:
        self.noise.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _failed(self, request: Any) -> None:
        """A request that failed; one for a file that is there, given up because the test left the page, did not."""
        path = Path(unquote(urlsplit(request.url).path))
        if not (request.failure == "net::ERR_ABORTED" and path.is_file() and path.is_relative_to(self.report)):
            self.noise.append(f"{request.url}: {request.failure}")

    def go(self, path: str, address: str = "") -> Any:
        self.page.goto((self.report / path).as_uri() + address)
        return self.page

    def check_quiet(self) -> None:
        """Nothing was printed, nothing failed, and every request was for a file of the report."""
        assert self.noise == []
        home = self.report.as_uri() + "/"
        assert [url for url in self.requests if not url.startswith(home)] == []


def unfold(page: Any) -> Any:
    """Open the folded parts of a page, as a reader who clicks on each."""
    page.evaluate("document.querySelectorAll('details:not(.choose)').forEach((one) => { one.open = true; })")
    return page


Visits = Callable[..., Visit]


def violations(page: Any) -> list[str]:
    """What axe-core finds with everything open, in the light and in the dark's colors."""
    if not AXE.is_file():
        refuse(f"no axe-core in {AXE.parent}; `make browser` installs it")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.evaluate(AXE.read_text())
    page.emulate_media(color_scheme="light")
    found = _found(page, {"type": "tag", "values": RULES})
    page.emulate_media(color_scheme="dark")
    return found + _found(page, {"type": "rule", "values": ["color-contrast", "link-in-text-block"]})


def _found(page: Any, rules: dict[str, Any]) -> list[str]:
    found = page.evaluate("(rules) => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", rules)
    assert found["passes"], "axe-core checked nothing"
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found["violations"] for node in one["nodes"][:3]
    ]  # fmt: skip


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
        "notes": "notes.html",
    }
