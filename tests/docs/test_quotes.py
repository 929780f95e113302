"""Quoted tables are those that were measured or published; `python -m tools.quote` refreshes them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import quote

ROOT = Path(__file__).parent.parent.parent
BLOCKS = quote.blocks()
MARKS = {
    "lottery": pytest.mark.slow,
    "lottery-finding": pytest.mark.slow,
    "losses-finding": pytest.mark.slow,
    "collapse-finding": pytest.mark.slow,
}
"""Computed from hundreds of records."""


@pytest.mark.parametrize("name", [pytest.param(name, marks=MARKS.get(name, ())) for name in BLOCKS])
def test_a_quoted_table_is_what_was_measured_or_published(name: str) -> None:
    quoted = [text for page in quote.PAGES if (text := quote.quoted(page, name)) is not None]
    assert quoted, f"no page quotes {name}"
    for text in quoted:
        assert text.strip() == BLOCKS[name]().strip()


@pytest.mark.parametrize("path", sorted(quote.MEASURED.glob("*.md")), ids=lambda path: path.stem)
def test_a_saved_table_is_made_from_its_measurement(path: Path) -> None:
    assert path.read_text() == BLOCKS[path.stem]()


def test_every_block_has_a_source() -> None:
    known = {*BLOCKS, "quick", "sensitivity"}
    for page in quote.PAGES:
        assert set(re.findall(r"<!-- ([\w-]+): begin -->", page.read_text())) <= known, page.name


def test_the_quick_table_is_the_same_everywhere_and_is_about_a_dozen_lines() -> None:
    first, *others = [text for page in quote.PAGES if (text := quote.quoted(page, "quick"))]
    assert others == [first]
    assert 12 <= len(first.strip().splitlines()) <= 18
    for expected in ("quick: ring8", "minimax x mlp", "nonsaturating x mlp", "2/2", "real data", "uniform noise"):
        assert expected in first


def test_the_diagnosis_is_quoted_with_its_measured_rates() -> None:
    table = BLOCKS["diagnosis"]()
    match = re.search(
        r"found: (\d+) of (\d+)\. Of the \d+ others, \w+ as another fault: (\d+) .*? false alarm: (\d+) of (\d+)", table
    )
    assert match is not None
    found, planted, renamed, false, healthy = match.groups()
    text = " ".join((ROOT / "docs" / "diagnosis.md").read_text().split())
    alarm = "raised a false alarm" if false == "0" else f"raised {false} false alarms"
    assert f"Of {planted} planted faults, {found} were found under the expected flag and {renamed} more under" in text
    assert f"None of {healthy} healthy runs {alarm}" in text


def test_the_speed_in_the_readme_is_the_measured_one() -> None:
    ratios = [float(one) for one in re.findall(r"\*\*([\d.]+)\*\* \[[^|]*\|[^|]*\*\*", BLOCKS["engine"]())]
    assert f"{min(ratios):.1f} to {max(ratios):.1f} times as fast" in (ROOT / "README.md").read_text()
