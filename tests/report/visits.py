"""A page of the report in a browser, and what it did that nobody asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from benchmarks.chromium import AXE

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
