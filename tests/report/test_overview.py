"""The first screen of a report in a browser: the answer at once, details folded, cards on a phone, all on paper."""

from __future__ import annotations

from pathlib import Path

import pytest
from visits import Visits

from ganbench.api.actions import publish
from ganbench.api.results import open_results
from ganbench.report.html.cells import view
from ganbench.report.html.content import Content
from ganbench.report.html.first_screen import glimpses
from ganbench.report.html.matrix import matrix

PUBLISHED = Path(__file__).parents[2] / "results/published/baseline"


@pytest.mark.usefixtures("unpainted")
def test_the_first_screen_gives_the_answer(visit: Visits, tmp_path: Path) -> None:
    """Who leads, by how much, whether it is certain, and samples, without scrolling; details are folded below."""
    visitor = visit(1400)
    visitor.report = tmp_path / "report"
    publish(open_results(PUBLISHED, "baseline"), visitor.report, compact=True)
    page = visitor.go("index.html")
    for what in (".lead", ".facts-list li", ".matrix tbody tr", ".glimpses img", "a[href='#cite']"):
        box = page.locator(what).first.bounding_box()
        assert box["y"] + box["height"] <= 900, what
    assert page.locator("details.dataset[open]").count() == 0
    page.locator(".matrix thead a", has_text="ring8").click()
    assert page.locator("#ring8 table.scores").is_visible()


def test_an_address_opens_the_part_that_it_names(visit: Visits, report: Path) -> None:
    visitor = visit()
    visitor.page.goto((report / "index.html").as_uri() + "#digits")
    assert visitor.page.locator("#digits table.scores").is_visible()
    assert not visitor.page.locator("#ring8 table.scores").is_visible()
    visitor.check_quiet()


def test_on_a_phone_a_variant_is_a_card(visit: Visits) -> None:
    """Name, score with its bar, tier and verdict below one another, within the width."""
    page = visit(360).go("index.html")
    card = page.locator(".matrix tbody tr", has_text="minimax x mlp").first
    name, score = card.locator("th").bounding_box(), card.locator("td:visible").last.bounding_box()
    assert name["y"] + name["height"] <= score["y"]
    assert card.bounding_box()["width"] <= 360
    assert card.locator("svg.span:visible").count() > 0
    assert card.locator("small.verdict:visible").count() > 0
    assert page.locator(".matrix thead").is_hidden()


def test_on_a_phone_the_first_card_follows_the_answer(visit: Visits) -> None:
    """Between them is one strip of samples, which scrolls sideways; the facts come after the cards."""
    page = visit(360).go("index.html")
    lead, strip, facts = (page.locator(what).bounding_box() for what in (".lead", ".glimpse-box", ".aside"))
    cards = [card.bounding_box() for card in page.locator(".matrix tbody tr").all()]
    assert lead["y"] + lead["height"] <= strip["y"]
    assert strip["y"] + strip["height"] <= cards[0]["y"] <= lead["y"] + lead["height"] + 300
    assert cards[-1]["y"] + cards[-1]["height"] <= facts["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    wide = visit(1400).go("index.html")
    assert wide.locator(".aside").bounding_box()["y"] < wide.locator(".matrix tbody tr").last.bounding_box()["y"]


def test_print_shows_what_is_folded_and_every_picture(visit: Visits) -> None:
    page = visit(color_scheme="dark").go("index.html")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.dataset:not([open])").count() == 0
    assert page.evaluate("[...document.images].every((image) => image.loading === 'eager')")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.dataset[open]").count() == 0


def test_the_key_says_where_bars_are_logarithmic_and_pictures_are_named_as_rows() -> None:
    results = open_results(PUBLISHED, "baseline")
    content = Content(results.plan, results.store)
    found = matrix(content)
    assert found.bars == "Bars: mean and interval, from uniform noise to real data; logarithmic on digits."
    names = {row.name for row in found.rows}
    pictured = [one for some in glimpses(content).values() for one in some if one.place in ("best", "worst")]
    assert len(pictured) == 6
    assert {one.name for one in pictured} <= names


def test_a_table_of_many_cells_keeps_the_columns_that_are_shown_by_default() -> None:
    results = open_results(PUBLISHED, "baseline")
    content = Content(results.plan, results.store)
    whole = view(content, content.table("digits"))
    cells = (len(whole.lines) + len(whole.below)) * len(whole.columns)
    assert whole.narrowed(cells) == whole
    narrow = whole.narrowed(cells - 1)
    assert [column.name for column in narrow.columns] == [column.name for column in whole.columns if column.shown]
    for before, after in zip((*whole.lines, *whole.below), (*narrow.lines, *narrow.below), strict=True):
        shown = [cell for cell, column in zip(before.cells, whole.columns, strict=True) if column.shown]
        assert list(after.cells) == shown
