"""Two variants compared in a browser, and the map of all pairs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fabricate import Made, fabricate
from visits import Visit, Visits, violations

import ganbench as gb
from ganbench.report.html.content import slug
from ganbench.suite.family import FamilySettings
from ganbench.suite.plan_file import save_plan

PAIR = ("minimax x dcgan", "nonsaturating x mlp")


@pytest.fixture(scope="module")
def paired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small report of a suite that compares seed by seed with a reference."""
    root = tmp_path_factory.mktemp("paired")
    made = Made(
        losses=("minimax", "nonsaturating", "rpgan"), architectures=("mlp",), images=(), seeds=6, failures=False
    )
    plan = fabricate(root / "results", made)
    family = FamilySettings(reference={"loss": "minimax"}, primary={"ring8": "SW1"}, paired=True)
    save_plan(root / "results", replace(plan, family=family))
    gb.publish(gb.open_results(root / "results", plan.suite), root / "report")
    return root / "report"


def _tick(page: Any, title: str) -> None:
    page.get_by_role("checkbox", name=f"Compare {title}", exact=True).check()


def test_two_ticked_variants_are_compared(visit: Visits, paths: dict[str, str], report: Path) -> None:
    """By the sentence of `ganbench compare`, samples beside real data, every seed, and all scores that are shown."""
    visitor = visit()
    page = visitor.go(paths["images"])
    panel = page.get_by_role("region", name="Two variants side by side")
    assert panel.locator("img, svg, table").count() == 0
    _tick(page, PAIR[0])
    assert panel.get_by_role("status").inner_text() == f"{PAIR[0]}: choose a second variant."
    _tick(page, PAIR[1])
    results = gb.open_results(report, "fabricated")
    (said, turned) = [one for pair in (PAIR, PAIR[::-1]) for one in results.compare(*pair) if one.dataset == "digits"]
    assert panel.get_by_role("status").inner_text() in (str(said), str(turned))
    images = panel.locator("img")
    assert [re.sub(r", seed \d", "", text) for text in images.evaluate_all("all => all.map((one) => one.alt)")] == [
        *(f"Samples of {title}" for title in PAIR), "Real data",
    ]  # fmt: skip
    assert images.evaluate_all("all => Promise.all(all.map((one) => one.decode().then(() => one.naturalWidth > 0)))")
    assert panel.locator("svg circle.seed").count() == sum(len(row.scores[said.score].values) for row in said.rows)
    assert panel.locator("svg circle.mean").count() == 2
    assert panel.locator("svg path.failed").count() == sum(row.failed for row in said.rows) > 0
    assert panel.locator("svg line.pair").count() == 0
    assert "unpaired" in panel.locator("figcaption", has_text="Every seed").inner_text()
    hrefs = panel.locator("svg a").evaluate_all("all => all.map((one) => one.getAttribute('href'))")
    assert all((report / "datasets" / href).is_file() for href in hrefs)
    heads = page.locator("#scores thead th:visible").count()
    assert panel.locator("table.both tbody tr").count() == heads - 1
    for index, title in enumerate(PAIR):
        row = page.locator("#scores tbody tr", has=page.get_by_role("checkbox", name=f"Compare {title}", exact=True))
        shown = [re.sub(r"[\s★]+", " ", text).strip() for text in row.locator("td:visible").all_inner_texts()]
        assert panel.locator("table.both tbody tr").locator(f"td:nth-of-type({index + 1})").all_inner_texts() == shown
    visitor.check_quiet()


def test_a_pair_is_in_the_address_and_chosen_by_keyboard_and_list(visit: Visits, paths: dict[str, str]) -> None:
    visitor = visit()
    page = visitor.go(paths["images"])
    panel = page.get_by_role("region", name="Two variants side by side")
    page.get_by_role("checkbox", name=f"Compare {PAIR[0]}", exact=True).focus()
    page.keyboard.press("Space")
    panel.get_by_label("with").select_option(PAIR[1])
    sentence = panel.get_by_role("status").inner_text()
    assert all(title in sentence for title in PAIR)
    other = visit()
    other.page.goto(page.url)
    opened = other.page.get_by_role("region", name="Two variants side by side")
    assert opened.get_by_role("status").inner_text() == sentence
    ticked = other.page.locator("input[name=pair]:checked")
    assert {box.get_attribute("aria-label") for box in ticked.all()} == {f"Compare {title}" for title in PAIR}
    assert opened.get_by_label("Compare").locator("option:disabled").all_inner_texts() == [PAIR[1]]
    _tick(other.page, "minimax x mlp")  # a third one takes the place of the first
    assert ticked.count() == 2
    assert not other.page.get_by_role("checkbox", name=f"Compare {PAIR[0]}", exact=True).is_checked()
    opened.get_by_role("button", name="Clear").click()
    assert ticked.count() == 0
    assert "?" not in other.page.url
    assert opened.locator("img, svg, table").count() == 0
    other.check_quiet()
    visitor.check_quiet()


def test_seeds_of_a_paired_suite_are_joined(chromium: Any, paired: Path) -> None:
    context = chromium.new_context(offline=True)
    visitor = Visit(paired, context.new_page())
    page = visitor.go(f"datasets/{slug('ring8')}.html", "#?scores.pair=nonsaturating+x+mlp&scores.pair=rpgan+x+mlp")
    panel = page.get_by_role("region", name="Two variants side by side")
    assert panel.locator("svg line.pair").count() == 6
    text = panel.get_by_role("status").inner_text()
    assert text.startswith("Exploratory, nothing is claimed in SW1 between")  # the reference is neither of them
    page.get_by_role("checkbox", name="Compare minimax x mlp").check()
    assert "minimax x mlp" in panel.get_by_role("status").inner_text()
    assert not panel.get_by_role("status").inner_text().startswith("Exploratory")
    visitor.check_quiet()
    context.close()


def _words(page: Any) -> list[list[str]]:
    return [
        [text.strip() for text in row.locator("td").all_text_contents()] for row in page.locator("#map tbody tr").all()
    ]


@pytest.mark.parametrize("kind", ["images", "nasty dataset"])
def test_the_map_is_a_table_of_words_also_without_scripts(visit: Visits, paths: dict[str, str], kind: str) -> None:
    visitor = visit(java_script_enabled=False)
    page = visitor.go(paths[kind])
    words = _words(page)
    count = len(words)
    assert count > 5
    assert all(len(row) == count for row in words)
    turned = {"better": "worse", "ahead, undecided": "behind, undecided"}
    turned |= {one: other for other, one in turned.items()}
    for i in range(count):
        assert words[i][i] == ""
        for j in range(i):
            assert words[j][i] == turned.get(words[i][j], words[i][j])
    assert page.locator("#map thead th[scope=col]").count() == count
    assert page.locator("#map tbody th[scope=row]").count() == count
    titles = page.locator("#map td[class]").evaluate_all("all => all.map((one) => one.title)")
    assert all(len(title) > 60 for title in titles)
    visitor.check_quiet()


def test_a_sign_and_a_color_of_the_map_say_the_same(visit: Visits, paths: dict[str, str]) -> None:
    page = visit().go(paths["images"])
    looks = page.locator("#map td[class]").evaluate_all(
        "all => all.map((one) => [one.textContent, getComputedStyle(one, '::before').content,"
        " getComputedStyle(one).backgroundColor, getComputedStyle(one).color])"
    )
    by_word: dict[str, set[tuple[str, ...]]] = {}
    for word, *look in looks:
        by_word.setdefault(word, set()).add(tuple(look))
    assert len(by_word) >= 3
    assert all(len(found) == 1 for found in by_word.values())
    signs = [next(iter(found))[0] for found in by_word.values()]
    assert len(set(signs)) == len(signs)
    legend = page.locator(".marks .mark").evaluate_all(
        "all => all.map((one) => getComputedStyle(one, '::before').content)"
    )
    assert set(signs) == set(legend)


def test_a_click_on_the_map_compares(visit: Visits, paths: dict[str, str]) -> None:
    visitor = visit()
    page = visitor.go(paths["images"])
    cell = page.locator("#map tbody tr").nth(1).locator("td").nth(3)
    names = page.locator("#map tbody th a").all_inner_texts()
    cell.hover()
    title = cell.get_attribute("title")
    cell.click()
    text = page.get_by_role("region", name="Two variants side by side").get_by_role("status").inner_text()
    assert text == title
    assert all(names[i] in text for i in (1, 3))
    visitor.check_quiet()


def test_no_violation_of_wcag_aa_while_comparing(visit: Visits, paths: dict[str, str]) -> None:
    visitor = visit(color_scheme="light")
    address = f"#?scores.pair={PAIR[0].replace(' ', '+')}&scores.pair={PAIR[1].replace(' ', '+')}&scores.loss=minimax"
    page = visitor.go(paths["images"], address)
    assert page.locator(".compare svg").count() == 1
    visitor.check_quiet()
    found = violations(page)
    assert not found, "\n".join(found)
