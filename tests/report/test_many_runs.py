"""Reports of many runs: what would grow with every seed is left out, and the page stays readable."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Cli
from fabricate import Made, fabricate

from ganbench.report.html import pages

MADE = Made(losses=("minimax", "hinge"), architectures=("mlp",), images=(), seeds=6, pictures=False, failures=False)
SEED = 'class="seed"'


@pytest.mark.parametrize(("most", "drawn"), [(12, True), (11, False)])
def test_single_seeds_of_the_primary_score_are_drawn_only_up_to_a_number(
    inside: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, drawn: bool
) -> None:
    fabricate(tmp_path / "results", MADE)
    monkeypatch.setattr(pages, "MAX_DOTS", 0)
    monkeypatch.setattr(pages, "MAX_PRIMARY_DOTS", most)
    done = inside("publish", "--suite", MADE.suite, "--to", "site", "--compact")
    assert done.code == 0, done.err
    (page,) = (tmp_path / "site" / "datasets").glob("*.html")
    assert (SEED in page.read_text()) == drawn
    assert "minimax x mlp" in page.read_text()
