"""The tables of the report in a browser: their order, what a shared address opens, what is filtered and copied."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from fabricate import NASTY
from papers import compiled, needs_latex
from visits import Visits, unfold

from ganbench.report.text.escape import escape_latex, escape_markdown, neutralize_formula


def _table(page: Any) -> Any:
    return page.locator("table.scores").first


def _titles(page: Any) -> list[str]:
    """The variants that are shown, in their order."""
    titles: list[str] = page.evaluate(
        "[...document.querySelector('table.scores').tBodies[0].rows].filter((row) => !row.hidden)"
        ".map((row) => row.cells[0].dataset.sort)"
    )
    return titles


Key = tuple[bool, float | None]


def _keys(page: Any, column: int) -> list[Key]:
    """Of a column, from the top: whether the row's mean leaves out failed seeds, and the sort key."""
    keys = page.evaluate(
        """(column) => {
          const table = document.querySelector("table.scores");
          const score = "score" in table.tHead.rows[0].cells[column].dataset;
          return [...table.tBodies[0].rows].map((row) => [score && row.dataset.ended.includes("failed"),
            row.cells[column].dataset.sort || null]);
        }""", column
    )  # fmt: skip
    return [(failed, None if key is None else float(key)) for failed, key in keys]


def _is_ordered(keys: list[Key], falls: bool) -> bool:
    """By value; those that leave out failed seeds after the others, and those without a value last."""
    known = [(failed, key) for failed, key in keys if key is not None]
    rest = [one for one in keys if one[1] is None]
    return keys == [*sorted(known, key=lambda one: (one[0], -one[1] if falls else one[1])), *rest]


@pytest.mark.parametrize("kind", ["overview", "dataset", "images"])
@pytest.mark.parametrize("script", [True, False])
def test_a_table_opens_with_the_best_by_its_primary_score_first(
    visit: Visits, paths: dict[str, str], kind: str, script: bool
) -> None:
    page = visit(java_script_enabled=script).go(paths[kind])
    head = _table(page).locator("thead th[aria-sort]")
    assert head.count() == 1
    falls = "↑" in str(head.text_content())
    assert head.get_attribute("aria-sort") == ("descending" if falls else "ascending")
    keys = _keys(page, head.evaluate("(head) => head.cellIndex"))
    assert len(keys) > 2
    assert any(failed for failed, _ in keys)
    assert _is_ordered(keys, falls)


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
    page = unfold(visitor.go(paths["overview"]))
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


def _chips(page: Any, facet: str) -> dict[str, tuple[int, bool]]:
    """The chips of a facet of the first table: value -> rows, whether it is chosen."""
    chips = page.locator(".tools").first.locator(f"[data-facet={facet}] button").all()
    return {
        chip.get_attribute("data-value"): (
            int(chip.locator("span").text_content()), chip.get_attribute("aria-pressed") == "true"
        )
        for chip in chips
    }  # fmt: skip


def test_chips_filter_rows_and_combine(visit: Visits, paths: dict[str, str]) -> None:
    visitor = visit()
    page = visitor.go(paths["images"])
    everything = _titles(page)
    losses, architectures = _chips(page, "loss"), _chips(page, "architecture")
    assert len(losses) == len(architectures) == 3
    assert sum(count for count, _ in losses.values()) == len(everything)
    assert [count for count, _ in _chips(page, "tier").values()]
    group = page.locator(".tools").first

    def click(value: str) -> None:
        group.locator("button.chip").filter(has_text=re.compile(rf"^{value} \d")).click()

    click("minimax")
    assert _titles(page) == [title for title in everything if title.startswith("minimax x")]
    click("nonsaturating")
    two = [title for title in everything if title.startswith(("minimax x", "nonsaturating x"))]
    assert _titles(page) == two
    click("mlp")
    assert _titles(page) == [title for title in two if title.endswith(" x mlp")]
    assert page.locator(".count").first.inner_text() == f"2 of {len(everything)} shown"
    assert _chips(page, "loss") == {**{NASTY[0]: (1, False)}, "minimax": (1, True), "nonsaturating": (1, True)}
    assert _chips(page, "architecture")["dcgan"] == (2, False)  # what a click on it would add
    other = visit()
    other.page.goto(page.url)
    assert _titles(other.page) == _titles(page)
    assert _chips(other.page, "loss") == _chips(page, "loss")
    other.page.get_by_role("button", name="Show all rows").first.click()
    assert _titles(other.page) == everything
    assert "?" not in other.page.url
    other.check_quiet()
    visitor.check_quiet()


def test_a_verdict_of_some_seeds_is_a_chip(visit: Visits, paths: dict[str, str]) -> None:
    page = visit().go(paths["dataset"])
    kinds = _chips(page, "verdict")
    assert {"partial", "not evaluated"} <= set(kinds)
    for kind, (count, _) in kinds.items():
        page.locator(f".tools >> nth=0 >> [data-facet=verdict] [data-value='{kind}']").click()
        assert len(_titles(page)) == count
        page.get_by_role("button", name="Show all rows").first.click()


def test_what_means_hide_leads_to_its_rows_and_back(visit: Visits, paths: dict[str, str]) -> None:
    """A link above the table shows its rows; the back button shows all again; a choice on the way makes no entry."""
    visitor = visit()
    page = visitor.go(paths["dataset"])
    everything = _titles(page)
    links = page.locator(".shortcuts a")
    facets = set()
    for link in links.all():
        count = int(link.locator("span").inner_text())
        link.click()
        page.locator(".count", has_text=f"{count} of {len(everything)} shown").first.wait_for()
        assert len(_titles(page)) == count
        facets.add(page.url.partition("?")[2].partition("=")[0])
        _table(page).locator("thead th").first.get_by_role("button").click()
        assert len(_titles(page)) == count
        page.go_back()
        page.wait_for_function("!document.querySelector('.count').textContent")
        assert _titles(page) == everything
        assert "?" not in page.url
    assert facets == {"scores.seeds", "scores.verdict"}
    visitor.check_quiet()


def _copied(page: Any, name: str, table: str = "scores") -> str:
    """The clipboard after a click on a button of `Copy as`."""
    bar = page.locator(f".tools[data-for={table}]")
    bar.get_by_role("button", name=name, exact=True).click()
    bar.get_by_role("status").filter(has_text=f"copied as {name}").wait_for()
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def _shown_cells(page: Any) -> list[list[str]]:
    """The visible cells of the first table, as a reader sees them, one text each."""
    rows = page.locator("table.scores >> nth=0 >> tr:visible:not(:has(.group))").all()
    return [
        [re.sub(r"[\s★▴▾]+", " ", text).strip() for text in row.locator("th:visible, td:visible").all_inner_texts()]
        for row in rows
    ]


@pytest.mark.parametrize("kind", ["images", "nasty dataset"])
def test_a_table_is_copied_as_it_is_shown(visit: Visits, paths: dict[str, str], kind: str) -> None:
    visitor = visit(permissions=["clipboard-read", "clipboard-write"])
    page = visitor.go(paths[kind], "#?scores.architecture=mlp&scores.worst=variant&scores.dots=on")
    page.locator("summary", has_text="Columns").click()
    page.locator(".tools >> nth=0 >> [name=metric]").nth(1).uncheck()
    page.keyboard.press("Escape")
    shown = _shown_cells(page)
    rows = list(csv.reader(io.StringIO(_copied(page, "CSV"))))
    assert len(rows) == len(shown)
    assert {len(row) for row in rows} == {len(rows[0])}
    heads = [head for head in rows[0] if not head.endswith("interval or seeds")]
    assert len(heads) == len(shown[0])
    for row, cells in zip(rows[1:], shown[1:], strict=True):
        assert re.sub(r"\s+", " ", " ".join(filter(None, row[:1]))).lstrip("'") == cells[0]
        assert row[heads.index("tier")] == cells[2]
        joined: list[str] = []
        for head, text in zip(rows[0], row, strict=True):
            if head.endswith("interval or seeds"):
                joined[-1] = f"{joined[-1]} {text}".strip()
            else:
                joined.append(text)
        assert joined[3:-1] == cells[3:-1]
    lines = _copied(page, "Markdown").splitlines()
    assert len({len(line) for line in lines}) == 1
    copied = [[cell.strip().strip("*") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    assert [row[0] for row in copied[2:]] == [escape_markdown(row[0]) for row in shown[1:]]
    assert [row[2:-1] for row in copied[2:]] == [[*map(escape_markdown, row[2:-1])] for row in shown[1:]]
    latex = _copied(page, "LaTeX")
    body = latex.partition("\\midrule\n")[2].replace("\\midrule\n", "").partition("\\bottomrule")[0]
    titles = [line.partition(" & ")[0] for line in body.splitlines()]
    assert titles == [escape_latex(row[0]).replace(" x mlp", r" $\times$ mlp") for row in shown[1:]]
    visitor.check_quiet()


def test_pairs_are_copied_too(visit: Visits, paths: dict[str, str]) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"]).go(paths["images"])
    rows = list(csv.reader(io.StringIO(_copied(page, "CSV", "pairs"))))
    assert rows[0][:2] == ["a", "b"]
    assert len(rows) - 1 == page.locator("#pairs tbody tr").count() > 10


TEXTS = (
    *NASTY[:3], "=1+1", " =1", "a;@b", ",+1", "\uff1d1", "a|b`c*d_e~$", "https://x.org www.y.org @me :tada: mailto:a",
    "\\{}#%^~<>\"--- ± \u00d7 † \u2013 —", "two  spaces\tand\nlines", "\u200bhidden\u202e", "-", "ünïcode →",
)  # fmt: skip


def test_escapes_are_those_of_the_text_formats(visit: Visits, paths: dict[str, str]) -> None:
    page = visit().go(paths["dataset"])
    for name, escape in (("formula", neutralize_formula), ("markdown", escape_markdown), ("latex", escape_latex)):
        found = page.evaluate("([name, texts]) => texts.map(ganbench.escapes[name])", [name, [*TEXTS]])
        assert found == [escape(text) for text in TEXTS], name


@needs_latex
def test_copied_latex_compiles(visit: Visits, paths: dict[str, str], tmp_path: Path) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"]).go(paths["images"])
    assert compiled(tmp_path, [_copied(page, "LaTeX")], "text").errors == []


def test_where_copying_is_refused_the_text_is_selected_in_a_dialog(visit: Visits, paths: dict[str, str]) -> None:
    visitor = visit()
    visitor.page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page = visitor.go(paths["dataset"])
    page.get_by_role("button", name="CSV", exact=True).first.click()
    dialog = page.get_by_role("dialog", name="Copy the table as CSV")
    area = dialog.get_by_role("textbox")
    assert area.input_value().startswith("variant,ok,tier,")
    assert page.evaluate("getSelection().toString() === document.activeElement.value")
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert page.evaluate("document.activeElement.textContent") == "CSV"
    visitor.check_quiet()
