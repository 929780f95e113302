"""The report as files: every link leads somewhere, nothing comes from elsewhere, no page is large."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from ganbench.report.html.pages import SCRIPTS, STYLES

LARGEST = 1 << 20
"""Bytes of a page, without its pictures."""
LINKS = ("href", "src", "data-runs")


class Parsed(HTMLParser):
    """A page's tags, links and ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.policy = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            self.policy += (value or "") if name == "content" and "default-src" in (value or "") else ""
            if name in LINKS and value is not None:
                self.links += [one for one in value.split() if one != "-"] if name == "data-runs" else [value]
            if name == "id":
                self.ids.append(value or "")


@pytest.fixture(scope="module")
def pages(report: Path) -> dict[Path, Parsed]:
    return {path: Parsed(path.read_text(encoding="utf-8")) for path in sorted(report.rglob("*.html"))}


def _targets(page: Path, parsed: Parsed) -> Iterator[tuple[str, Path, str]]:
    """Every link of a page as it is written, its file and its fragment."""
    for link in parsed.links:
        parts = urlsplit(link)
        assert not parts.scheme, f"{page} leads out of the report: {link}"
        assert not parts.netloc, f"{page} leads out of the report: {link}"
        yield (
            link,
            (page.parent / unquote(parts.path)).resolve() if parts.path else page,
            unquote(parts.fragment).partition("?")[0],
        )


def test_every_link_leads_to_a_file_and_a_place_in_it(report: Path, pages: dict[Path, Parsed]) -> None:
    resolved = {path.resolve(): parsed for path, parsed in pages.items()}
    counted = 0
    for page, parsed in pages.items():
        for link, target, fragment in _targets(page, parsed):
            assert target.is_relative_to(report.resolve()), f"{page}: {link}"
            assert target.is_file(), f"{page}: {link}"
            assert not fragment or fragment in resolved[target].ids, f"{page}: {link}"
            counted += 1
    assert counted > 1000


def test_every_file_is_reached_from_the_overview(report: Path, pages: dict[Path, Parsed]) -> None:
    resolved = {path.resolve(): parsed for path, parsed in pages.items()}
    seen, left = set(), [(report / "index.html").resolve()]
    while left:
        path = left.pop()
        if path not in seen:
            seen.add(path)
            left += [target for _, target, _ in _targets(path, resolved[path])] if path in resolved else []
    files = {path.resolve() for path in report.rglob("*") if path.is_file()}
    unlinked = {path.relative_to(report.resolve()).as_posix() for path in files - seen}
    assert {name for name in unlinked if name.endswith((".html", ".png", ".svg", ".csv", ".txt"))} == set()


def test_pages_are_small_and_hold_nothing_that_runs(pages: dict[Path, Parsed]) -> None:
    for page, parsed in pages.items():
        assert page.stat().st_size < LARGEST, page
        assert not parsed.tags & {"iframe", "object", "embed", "form", "base", "style", "audio", "video"}, page
        assert not {name for name in parsed.attributes if name.startswith("on") or name in ("style", "srcset")}, page
        assert len(parsed.ids) == len(set(parsed.ids)), page
        assert parsed.policy.startswith("default-src 'none'"), page
        assert "unsafe" not in parsed.policy, page
        assert "http" not in parsed.policy, page


def test_assets_ask_for_nothing(report: Path) -> None:
    for name in (*STYLES, *SCRIPTS):
        text = (report / "assets" / name).read_text()
        allowed = "http://www.w3.org/2000/svg"  # the name of SVG, which nobody fetches
        assert "//" not in "".join(line for line in text.replace(allowed, "").splitlines() if "http" in line), name
        assert "@import" not in text
        assert "url(" not in text


def test_every_run_that_ended_has_its_page(report: Path) -> None:
    plan = json.loads(next(report.glob("*/plan.json")).read_text())
    runs = {id_ for row in plan["rows"] for id_ in row["runs"].values()}
    there = {path.parent.name for path in report.glob("runs/*/record.json")}
    assert there < runs  # some have not run
    assert {path.parent.name for path in report.glob("runs/*/index.html")} == there


def test_the_page_of_a_run_shows_its_evaluation_and_links_its_scores(report: Path) -> None:
    scores = sorted(report.glob("runs/*/scores/*.json"))
    assert scores
    for path in scores:
        page = (path.parents[1] / "index.html").read_text()
        assert ">evaluation.extractor.name<" in page
        assert ">train.steps<" in page
        assert f'href="scores/{path.name}"' in page


def test_the_page_of_a_dataset_tells_the_tested_score_from_the_exploratory_ones(report: Path) -> None:
    for path in report.glob("datasets/*.html"):
        page = path.read_text(encoding="utf-8")
        charted = re.findall(r'<details class="score"[^>]*><summary>([^<]+)</summary>', page)
        assert "Tested: " in page
        assert not charted[0].endswith(" (exploratory)")
        assert len(charted) > 1
        assert all(name.endswith(" (exploratory)") for name in charted[1:])


def test_a_run_is_shown_at_the_count_of_real_data_with_what_shows_its_faults(pages: dict[Path, Parsed]) -> None:
    texts = [path.read_text(encoding="utf-8") for path in pages if path.parent.parent.name == "runs"]
    assert any("its first 450 samples</th>" in text and "450 real samples</th>" in text for text in texts)
    assert any('<th scope="col">real data</th>' in text for text in texts)
    assert any("low quality: &lt;HQ&gt; 0.300, of honest samples 0.987" in text for text in texts)
