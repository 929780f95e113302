"""The report in a real browser: quiet, within its folder, usable by hand, by keyboard, in the dark, on a phone."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fabricate import NASTY, Made, fabricate
from factories import reseal
from visits import Visit, Visits, unfold, violations

from ganbench.cli import serve_command
from ganbench.registry.registry import Registry
from ganbench.report.html.pages import SCRIPTS
from ganbench.report.server.http import Server
from ganbench.report.server.reports import Shelf

WIDTHS = (320, 390, 768, 1280)
KINDS = (
    "overview", "dataset", "images", "variant", "run", "image run", "failed run", "diverged run", "reference",
    "nasty dataset", "nasty variant", "nasty run", "notes",
)  # fmt: skip
LEADS = re.compile(r"^(runs|references)/[0-9a-f]{12}/index\.html$")


PICTURES = """() => Promise.all([...document.images].map(async (image) => {
  image.loading = "eager";
  try { await image.decode(); } catch { return image.src; }
  return image.naturalWidth > 0 ? "" : image.src;
})).then((found) => found.filter(Boolean))"""
WIDER = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const clipped = (e) => e && (getComputedStyle(e).overflowX !== "visible" || clipped(e.parentElement));
  return [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > width + 1
    && !clipped(e.parentElement)).slice(0, 5).map((e) => e.outerHTML.slice(0, 120));
}"""
FOREIGN = """() => [...document.querySelectorAll("*")].filter((e) => [...e.attributes].some((a) => /^on/i.test(a.name)
  || a.name === "style" && !e.closest(".film") || /^\\s*(javascript|data|https?):/i.test(a.value)
  && ["href", "src", "action", "srcset"].includes(a.name))).map((e) => e.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_quiet_whole_and_fits_every_width(visit: Visits, paths: dict[str, str], kind: str) -> None:
    """Zero console messages, zero requests outside the folder, all images, no sideways scroll, inert markup."""
    visitor = visit()
    page = visitor.go(paths[kind])
    assert page.evaluate(PICTURES) == []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(WIDER) == [], f"wider than {width} pixels"
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.set_viewport_size({"width": 320, "height": 900})
    assert page.evaluate(WIDER) == [], "wider than 320 pixels with everything open"
    assert page.evaluate(FOREIGN) == []
    assert [Path(one).name for one in page.evaluate("[...document.scripts].map((one) => one.src)")] == [*SCRIPTS]
    assert page.title().endswith("ganbench")
    assert page.locator("main").count() == page.locator("h1").count() == 1
    visitor.check_quiet()


def _plain(text: str) -> str:
    """As a reader should see it: what would turn the rest of a line around is spelled out."""
    return text.replace("\u202e", r"\u202e")


def test_nasty_names_are_shown_as_they_are(visit: Visits, paths: dict[str, str]) -> None:
    visitor = visit()
    page = visitor.go(paths["nasty dataset"])
    assert page.locator("h1").text_content() == _plain(NASTY[3])
    page = visitor.go(paths["nasty variant"])
    assert page.locator("h1").text_content() == f"{NASTY[0]} x {NASTY[1]}"
    page = visitor.go(paths["failed run"])
    assert all(_plain(text) in page.locator("main").text_content() for text in NASTY)
    page = visitor.go("index.html")
    assert all(_plain(text) in page.locator("main").text_content() for text in NASTY)
    assert "\u202e" not in page.content()
    assert page.locator("main script, main iframe, main object, main embed, main form, main style").count() == 0
    visitor.check_quiet()


@pytest.mark.parametrize("kind", KINDS)
def test_no_violation_of_wcag_aa(visit: Visits, paths: dict[str, str], kind: str) -> None:
    """axe-core finds nothing, with everything open and every seed shown, in the light; nor in the dark's colours."""
    page = visit(color_scheme="light").go(paths[kind])
    unfold(page)
    for box in page.locator("[name=dots]:enabled").all()[:1]:
        box.check()
    found = violations(page)
    assert not found, "\n".join(found)


def _brightness(page: Any, part: str) -> float:
    """How bright the paper or the ink of the body is, 0 to 1."""
    colour = page.evaluate("(part) => getComputedStyle(document.body)[part]", part)
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 765


def _is_dark(page: Any) -> bool:
    paper, ink = _brightness(page, "backgroundColor"), _brightness(page, "color")
    assert abs(paper - ink) > 0.5
    return paper < ink


@pytest.mark.parametrize("kind", ["overview", "run"])
def test_dark_by_the_system_and_by_the_button(visit: Visits, paths: dict[str, str], kind: str) -> None:
    page = visit(color_scheme="light").go(paths[kind])
    assert not _is_dark(page)
    page.emulate_media(color_scheme="dark")
    assert _is_dark(page)
    button = page.get_by_role("button", name=re.compile("theme", re.I))
    seen = {}
    for _ in range(3):
        button.click()
        seen[page.evaluate("document.documentElement.dataset.theme || 'auto'")] = _is_dark(page)
    assert seen == {"light": False, "dark": True, "auto": True}
    page.emulate_media(color_scheme="light")
    assert not _is_dark(page)  # auto follows the system
    page.emulate_media(color_scheme="dark", media="print")
    assert not _is_dark(page)


def _column(table: Any, column: int) -> list[float | None]:
    """The numbers of a column as a reader sees them, None where there is none; for a range the mean inside it."""
    found: list[float | None] = []
    for cell in table.locator(f"tbody >> nth=0 >> tr:visible > :nth-child({column + 1})").all():
        text = cell.inner_text()
        ends = re.match(r"\s*([\d.]+)-([\d.]+)\s", text)
        one = re.match(r"\s*(-?[\d.,]+(?:e[+-]?\d+)?)", text)
        if ends is not None:
            mean = float(cell.get_attribute("data-sort"))
            assert float(ends[1]) * 0.99 <= mean <= float(ends[2]) * 1.01
            found.append(mean)
        else:
            found.append(float(one[1].replace(",", "")) if one else None)
    return found


def _is_sorted(values: list[float | None], falls: bool) -> bool:
    """Whether numbers rise or fall, and what is missing comes last."""
    numbers = sorted((value for value in values if value is not None), reverse=falls)
    return values == [*numbers, *[None] * (len(values) - len(numbers))]


def _parts_are_sorted(values: list[float | None], falls: bool) -> bool:
    """Whether values are sorted, or those of variants with failed seeds are after those of the others."""
    return any(_is_sorted(values[:i], falls) and _is_sorted(values[i:], falls) for i in range(len(values)))


@pytest.mark.parametrize("kind", ["overview", "images", "variant"])
def test_every_column_sorts_as_numbers_both_ways_with_the_missing_last(
    visit: Visits, paths: dict[str, str], kind: str
) -> None:
    visitor = visit()
    table = unfold(visitor.go(paths[kind])).locator("table[data-sortable]").first
    heads = table.locator("thead th")
    gaps = 0
    for column in range(heads.count()):
        head = heads.nth(column)
        if not head.is_visible():
            continue
        button, found = head.get_by_role("button"), {}
        for _ in range(2):
            button.click()
            found[head.get_attribute("aria-sort")] = _column(table, column)
            assert table.locator("th[aria-sort]").count() == 1
        if head.evaluate("(head) => head.cellIndex === 0 || head.classList.contains('words')"):
            continue
        for direction, values in found.items():
            gaps += values.count(None)
            assert _parts_are_sorted(values, direction == "descending")
            assert head.get_attribute("data-score") is not None or _is_sorted(values, direction == "descending")
    assert gaps > 0
    visitor.check_quiet()


def test_the_filter_hides_rows_and_says_how_many(visit: Visits, paths: dict[str, str]) -> None:
    visitor = visit()
    page = visitor.go(paths["dataset"])
    table, box = page.locator("table.scores").first, page.get_by_role("searchbox", name="Filter").first
    rows = table.locator("tbody").first.locator("tr")
    everything, asked = rows.count(), "minimax x mlp"
    box.fill(asked.upper())
    shown = rows.locator("visible=true").locator("th").all_inner_texts()
    visible = len(shown)
    assert 0 < visible < everything
    assert all(all(word in text for word in asked.split()) for text in shown)
    status = page.locator(".tools").first.get_by_role("status").first
    assert re.fullmatch(rf"{visible} of {everything}\b.*", status.inner_text())
    box.fill("( [ \\ no such")
    assert rows.locator("visible=true").count() == 0
    box.fill("")
    assert rows.locator("visible=true").count() == everything
    visitor.check_quiet()


def test_columns_are_chosen(visit: Visits, paths: dict[str, str]) -> None:
    visitor = visit()
    page = visitor.go(paths["images"])
    table = page.locator("table.scores").first
    heads = table.locator("thead th")
    page.locator("details.choose > summary").first.click()
    boxes = page.locator(".tools").first.locator("[name=metric]")
    labels = [box.locator("xpath=..").inner_text().strip() for box in boxes.all()]
    assert len(labels) > 10
    for box in boxes.all():
        box.uncheck()
    fixed = heads.locator("visible=true").all_inner_texts()
    assert len(fixed) == heads.count() - len(labels)
    boxes.last.check()
    boxes.first.check()
    left = [text for text in heads.locator("visible=true").all_inner_texts() if text not in fixed]
    assert len(left) == 2
    assert left[0].startswith(labels[0].partition("[")[0])
    assert left[1].startswith(labels[-1])
    body = table.locator("tbody").first.locator("tr").first.locator("th, td")
    assert body.locator("visible=true").count() == len(fixed) + 2
    page.keyboard.press("Escape")
    assert not boxes.first.is_visible()
    visitor.check_quiet()


def test_dots_of_seeds_lead_to_runs(visit: Visits, report: Path, paths: dict[str, str]) -> None:
    visitor = visit()
    page = visitor.go(paths["overview"])
    assert page.locator("svg.dots").count() == 0
    unfold(page)
    page.get_by_role("checkbox", name=re.compile("seed")).first.check()
    links = page.locator("svg.dots a").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    assert len(links) > 20
    drawn = page.locator("figure.chart svg a").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    dots = {href for href in [*links, *drawn] if LEADS.match(href)}
    assert {*links} <= dots
    assert all((report / href).is_file() for href in dots)
    page.locator("svg.dots a circle").first.click(force=True)
    page.wait_for_load_state()
    assert LEADS.match(Path(page.url.removeprefix(report.as_uri() + "/")).as_posix())
    visitor.check_quiet()


FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 || style.boxShadow !== "none";
  const there = box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight;
  const sorts = one.closest("thead") !== null;
  return [one.tagName, one.type || "", one.name || "", one.id, sorts, one === document.body || seen && there];
}"""


def test_the_keyboard_reaches_everything_and_sorts(visit: Visits, paths: dict[str, str]) -> None:
    visitor = visit()
    page = visitor.go(paths["dataset"])
    stops = []
    for _ in range(60):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUSED))
        if stops[-1][4] and any(stop[4] for stop in stops[:-1]):
            break
    assert [stop for stop in stops if not stop[5]] == [], "focus that cannot be seen"
    kinds = [(tag, name or type_) for tag, type_, name, *_ in stops]
    assert kinds[0][0] == "A"  # to the content
    assert {("INPUT", "filter"), ("INPUT", "dots"), ("SUMMARY", "")} <= set(kinds)
    assert any(stop[3] == "theme" for stop in stops)
    head = page.locator("th", has=page.locator("button:focus"))
    seen = []
    for key in ("Enter", "Space"):
        page.keyboard.press(key)
        seen.append(head.get_attribute("aria-sort"))
    assert sorted(seen) == ["ascending", "descending"]


@pytest.mark.parametrize("kind", ["overview", "run", "failed run"])
def test_without_scripts_and_in_print_nothing_essential_is_missing(
    visit: Visits, paths: dict[str, str], kind: str
) -> None:
    bare, full = visit(java_script_enabled=False), visit()
    page, other = bare.go(paths[kind]), full.go(paths[kind])
    assert page.locator("h1").inner_text() == other.locator("h1").inner_text()
    assert page.locator("input:visible, button:visible, output:visible").count() == 0  # what would do nothing
    for summary in page.locator("main > section > details.dataset > summary").all():
        summary.click()
    rows, cells = page.locator("table.scores tbody tr"), page.locator("table.scores td")
    assert rows.locator("visible=true").count() == rows.count() == other.locator("table.scores tbody tr").count()
    assert cells.locator("visible=true").count() == cells.count()
    unfold(other)
    assert page.locator("figure.chart svg:visible").count() == other.locator("figure.chart svg:visible").count()
    bare.check_quiet()
    other.emulate_media(media="print")
    assert other.locator("h1").is_visible()
    assert other.locator("table.scores tbody tr:visible").count() == rows.count()
    assert other.locator("main img:visible").count() == page.locator("main img:visible").count()
    assert other.locator("input:visible, button#theme:visible").count() == 0
    assert len(other.pdf()) > 10_000


def test_a_film_is_played_step_by_step(visit: Visits, paths: dict[str, str]) -> None:
    visitor = visit()
    page = visitor.go(paths["run"])
    film = page.locator(".film")
    film.scroll_into_view_if_needed()
    film.locator("img").evaluate("(image) => image.decode()")
    frame, strip = film.locator(".frame").bounding_box(), film.locator("img").bounding_box()
    assert abs(frame["width"] - strip["width"] / 8) < 2  # one of eight frames is seen
    slider = film.get_by_role("slider")
    assert film.locator("output").inner_text() == "step 3000"
    slider.focus()
    page.keyboard.press("Home")
    assert film.locator("output").inner_text() == "step 375"
    assert film.locator("img").bounding_box()["x"] == pytest.approx(frame["x"], abs=2)
    film.get_by_role("button", name="Play").click()
    film.locator("output", has_text="step 1125").wait_for()
    film.get_by_role("button", name="Pause").click()
    visitor.check_quiet()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Server]:
    """Made-up results behind `ganbench serve`'s server."""
    results = tmp_path / "results"
    fabricate(results, Made(losses=("minimax", "nonsaturating"), architectures=("mlp",), images=(), seeds=5))
    shelf = Shelf(results, lambda suite: serve_command._pages(results, suite, Registry.load()))
    with Server("127.0.0.1", 0, shelf, results) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_served_page_follows_the_results_also_after_a_click(chromium: Any, served: Server) -> None:
    """What was sorted stays sorted; while it is paused, nothing moves; the server alone is asked."""
    plan = served.results / "fabricated" / "plan.json"

    def say(text: str) -> None:
        reseal(plan, lambda content: content.update(about=text))

    context = chromium.new_context()
    visitor = Visit(served.results, context.new_page())
    page = visitor.page
    page.goto(served.url)
    page.locator("#t-ring8 thead button").nth(3).click()
    page.locator("h1").click()
    say("one seed more")
    page.locator(".about", has_text="one seed more").wait_for(timeout=60_000)
    assert page.locator("#t-ring8 th[aria-sort]").count() == 1
    page.get_by_role("button", name="Pause updates").click()
    say("and another")
    page.wait_for_timeout(4000)
    assert page.locator(".about").inner_text() == "one seed more"
    page.get_by_role("button", name="Resume updates").click()
    page.locator(".about", has_text="and another").wait_for(timeout=60_000)
    assert page.evaluate(PICTURES) == []
    assert visitor.noise == []
    assert [url for url in visitor.requests if not url.startswith(served.url)] == []
    context.close()
