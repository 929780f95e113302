"""The tables of the report in a browser: their order, what a shared address opens, what is copied, what is compared."""

from __future__ import annotations

from typing import Any

import pytest
from visits import Visits


def _table(page: Any) -> Any:
    return page.locator("table.scores").first


def _titles(page: Any) -> list[str]:
    """The variants that are shown, in their order."""
    titles: list[str] = page.evaluate(
        "[...document.querySelector('table.scores').tBodies[0].rows].filter((row) => !row.hidden)"
        ".map((row) => row.cells[0].dataset.sort)"
    )
    return titles


def _keys(page: Any, column: int) -> list[float | None]:
    """The sort keys of a column, from the top."""
    keys = page.evaluate(
        "(column) => [...document.querySelector('table.scores').tBodies[0].rows]"
        ".map((row) => row.cells[column].dataset.sort || null)", column
    )  # fmt: skip
    return [None if key is None else float(key) for key in keys]


def _is_ordered(keys: list[float | None], falls: bool) -> bool:
    known = [key for key in keys if key is not None]
    return keys == sorted(known, reverse=falls) + [None] * (len(keys) - len(known))


@pytest.mark.parametrize("kind", ["overview", "dataset", "images"])
@pytest.mark.parametrize("script", [True, False])
def test_a_table_opens_with_the_best_by_its_primary_score_first(
    visit: Visits, paths: dict[str, str], kind: str, script: bool
) -> None:
    page = visit(java_script_enabled=script).go(paths[kind])
    head = _table(page).locator("thead th[aria-sort]")
    assert head.count() == 1
    falls = "↑" in head.inner_text()
    assert head.get_attribute("aria-sort") == ("descending" if falls else "ascending")
    rows = _table(page).locator("tbody").first.locator("tr")
    index = head.evaluate("(head) => head.cellIndex") if script else 4
    keys = [row.locator("th, td").nth(index).get_attribute("data-sort") for row in rows.all()]
    assert _is_ordered([None if key is None else float(key) for key in keys], falls)


def test_the_first_click_puts_the_best_first_and_the_second_the_worst(visit: Visits, paths: dict[str, str]) -> None:
    page = visit().go(paths["images"])
    page.evaluate("document.querySelectorAll('[name=metric]').forEach((one) => { if (!one.checked) one.click(); })")
    heads = _table(page).locator("thead th[data-best]").all()
    directions = set()
    for head in [head for head in heads if head.get_attribute("aria-sort") is None]:
        column, text = head.evaluate("(head) => head.cellIndex"), head.inner_text()
        falls = "↓" not in text and ("↑" in text or text.startswith("ok") or "/s" in text)
        for turned in (False, True):
            head.get_by_role("button").click()
            assert _is_ordered(_keys(page, column), falls != turned), text
        directions.add(falls)
    assert directions == {True, False}


def test_an_address_opens_the_view_that_it_was_copied_from(visit: Visits, paths: dict[str, str]) -> None:
    visitor = visit()
    page = visitor.go(paths["images"])
    before = page.evaluate("history.length")
    page.get_by_role("searchbox", name="Filter").first.fill("mlp")
    _table(page).locator("thead th", has_text="IS").get_by_role("button").first.click()
    page.locator("summary", has_text="Columns").click()
    boxes = page.locator(".tools").first.locator("[name=metric]")
    boxes.first.uncheck()
    boxes.nth(7).check()
    page.get_by_role("checkbox", name="show every seed").check()

    def seen(page: Any) -> tuple[Any, ...]:
        return (
            _titles(page), _table(page).locator("thead th:visible").all_inner_texts(),
            _table(page).locator("th[aria-sort]").all_inner_texts(), page.locator("svg.dots").count(),
            page.get_by_role("searchbox", name="Filter").first.input_value(), page.locator(".count").first.inner_text(),
        )  # fmt: skip

    wanted = seen(page)
    assert wanted[3] > 0
    assert page.evaluate("history.length") == before  # the back button leaves the page
    other = visit()
    other.page.goto(page.url)
    assert seen(other.page) == wanted
    other.page.reload()
    assert seen(other.page) == wanted
    other.page.evaluate("location.hash = '#?scores.best=variant'")
    other.page.wait_for_function("document.querySelector('th[aria-sort]').dataset.name === 'variant'")
    other.page.go_back()
    other.page.wait_for_function("document.querySelector('th[aria-sort]').dataset.name !== 'variant'")
    assert seen(other.page) == wanted
    visitor.check_quiet()
    other.check_quiet()


def test_an_anchor_keeps_the_view_and_an_address_of_another_report_harms_nothing(
    visit: Visits, paths: dict[str, str]
) -> None:
    visitor = visit()
    page = visitor.go(paths["overview"])
    _table(page).locator("thead button").first.click()
    page.evaluate("location.hash = '#ring8'")
    page.wait_for_function("location.hash.startsWith('#ring8?')")
    assert _table(page).locator("th[aria-sort]").inner_text().startswith("variant")
    page = visitor.go(
        paths["dataset"], "#?scores.best=no+such&scores.show=%3Cb%3E&scores.loss=gone&%E0%A4%A=1&=&scores.filter=%ff"
    )
    assert _titles(page) == []
    assert page.locator(".count").first.inner_text().startswith("0 of ")
    assert page.locator("th[aria-sort]").count() == 1
    visitor.check_quiet()


def test_where_the_address_cannot_be_changed_the_page_works_without(visit: Visits, paths: dict[str, str]) -> None:
    visitor = visit()
    visitor.page.add_init_script("history.replaceState = () => { throw new Error('refused'); }")
    page = visitor.go(paths["dataset"])
    head = _table(page).locator("thead th").first
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert "#" not in page.url
    visitor.check_quiet()


def test_failed_seeds_are_crosses_at_the_worse_end(visit: Visits, paths: dict[str, str]) -> None:
    page = visit().go(paths["dataset"], "#?scores.dots=on")
    found = page.evaluate("""() => [...document.querySelectorAll("svg.dots")].map((one) => {
      const row = one.closest("tr"), box = one.getBoundingClientRect(), crosses = [...one.querySelectorAll(".failed")];
      return [row.dataset.states || "", row.cells[one.closest("td").cellIndex].dataset.values,
        crosses.map((cross) => [cross.textContent, (cross.getBoundingClientRect().x - box.x) / box.width]),
        row.closest("table").tHead.rows[0].cells[one.closest("td").cellIndex].dataset.best];
    })""")
    crosses = 0
    for states, values, drawn, best in found:
        words = [state for state in states.split() if state not in ("ok", "-")]
        assert len(drawn) == len(words), states
        assert len(words) <= values.split().count("-")
        assert all(any(text.endswith(word) for text, _ in drawn) for word in words)
        assert all((at < 0.5) == (best == "higher") for _, at in drawn)
        crosses += len(drawn)
    assert crosses > 3


@pytest.mark.parametrize("kind", ["overview", "dataset"])
def test_heads_stay_in_view(visit: Visits, paths: dict[str, str], kind: str) -> None:
    visitor = visit(width=800)
    page = visitor.go(paths[kind])
    page.set_viewport_size({"width": 800, "height": 500})
    page.evaluate("document.querySelectorAll('[name=metric]').forEach((one) => { if (!one.checked) one.click(); })")
    page.evaluate("document.querySelectorAll('[name=dots]').forEach((one) => one.click())")
    moved = page.evaluate("""() => {
      const box = document.querySelector(".scroll"), table = box.querySelector("table");
      box.scrollTo({ left: 300, top: 300, behavior: "instant" });
      const home = box.getBoundingClientRect();
      const at = (one) => { const own = one.getBoundingClientRect(); return [own.x - home.x, own.y - home.y]; };
      return [box.scrollLeft, box.scrollTop, at(table.tHead.rows[0].cells[0]), at(table.tHead.rows[0].cells[5]),
        at(table.tBodies[0].rows[2].cells[0])];
    }""")
    left, top, corner, head, row = moved
    assert left == 300
    assert top > 50
    assert corner == [0, 0]
    assert head[1] == 0
    assert row[0] == 0
