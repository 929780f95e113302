"""Progress of `ganbench publish`: a bar on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from fabricate import Made, fabricate
from rich.console import Console

from ganbench.cli.progress_bar import progress_bar
from ganbench.registry.registry import Registry
from ganbench.report.html import Content, Site
from ganbench.report.publish import publish
from ganbench.results.store import Store


def test_elsewhere_than_on_a_terminal_a_line_is_printed_every_ten_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("ganbench.cli.progress_bar.time.monotonic", lambda: now)
    with progress_bar() as on_progress:
        for done in range(25):
            now = float(done)
            on_progress(done, 25, "writing pages")
    assert capsys.readouterr().err == "writing pages: 10 of 25\nwriting pages: 20 of 25\n"


def test_a_terminal_shows_a_bar_that_is_removed_at_the_end() -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, color_system=None)
    with progress_bar(console) as on_progress:
        on_progress(3, 25, "drawing [bold]plots")
    assert "drawing [bold]plots" in screen.getvalue()
    assert "3/25" in screen.getvalue()


def test_publishing_counts_every_page(registry: Registry, tmp_path: Path) -> None:
    content = fabricate(tmp_path / "results", Made(losses=("minimax",), seeds=2))
    seen: list[tuple[int, int, str]] = []
    site = Site(Content(content, Store(tmp_path / "results")), registry)
    count = publish(site, tmp_path / "report", lambda done, total, what: seen.append((done, total, what)))
    total = len(site.paths())
    assert [done for done, _, what in seen if what == "writing pages"] == list(range(total))
    assert {one[1] for one in seen} == {total}
    assert count > total
