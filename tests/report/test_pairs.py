"""All pairs of a dataset's variants: the map, and the sentences that a page holds for its script."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from fabricate import NASTY, Made, fabricate

from ganbench.analysis.comparison import Comparison, compare, every_pair, named
from ganbench.registry.registry import Registry
from ganbench.report.html import Content, Site
from ganbench.report.html.content import slug
from ganbench.report.html.pairs import MARKS, attribute, coded_sentence, pairs
from ganbench.report.text.escape import escape_controls
from ganbench.report.text.sentences import sentence
from ganbench.results.store import Store
from ganbench.suite.family import FamilySettings

MADE = Made(losses=("minimax", "nonsaturating", "rpgan", "hinge"), architectures=("mlp", "dcgan"), seeds=6)


@pytest.fixture(scope="module", params=["all pairs", "reference"])
def content(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Content:
    root = tmp_path_factory.mktemp("results")
    plan = fabricate(root, replace(MADE, nasty=request.param == "all pairs"))
    if request.param == "reference":
        plan = replace(plan, family=FamilySettings(reference={"loss": "minimax"}, paired=True))
    return Content(plan, Store(root))


def _filled(template: str, a: str, b: str, numbers: Sequence[str]) -> str:
    """A template with its names and numbers, as the script fills it."""
    rest, names = iter(numbers), {"\ue000": a, "\ue001": b}
    text = re.sub("[\ue000-\ue002]", lambda mark: names.get(mark[0]) or next(rest), template)
    assert not list(rest)
    return text


def _read(data: Mapping[str, object]) -> dict[frozenset[str], str]:
    """The sentence of every pair, put together as the script does."""
    variants, templates = data["variants"], data["templates"]
    assert isinstance(variants, list)
    assert isinstance(templates, list)
    found = {}
    for a, b, template, coded in data["pairs"]:  # type: ignore[attr-defined]
        names = variants[a][0], variants[b][0]
        found[frozenset(names)] = _filled(templates[template], *names, coded.split(" "))
    return found


def test_a_page_says_of_every_pair_what_compare_says(content: Content) -> None:
    """Each pair has the sentence of `ganbench compare A B`, in one of both orders."""
    for table in content.tables:
        found = pairs(content, table, "../")
        assert found is not None
        texts = _read(json.loads(found.data))
        titles = [row.title for row in table.variants if table.primary in row.scores]
        assert len(texts) == len(titles) * (len(titles) - 1) // 2
        for a, b in combinations(titles, 2):
            said = set()
            for one, other in ((a, b), (b, a)):
                left, right = (named(name, content.tables, "s") for name in (one, other))
                said |= {sentence(two) for two in compare(left, right) if two.dataset == table.dataset}
            assert texts[frozenset(map(escape_controls, (a, b)))] in {escape_controls(text) for text in said}


def test_the_map_says_of_two_variants_the_same_from_both_sides(content: Content) -> None:
    turned = {"better": "worse", "ahead": "behind"}
    turned |= {one: other for other, one in turned.items()}
    name = {mark: key for key, mark in MARKS.items()}
    seen = set()
    for table in content.tables:
        found = pairs(content, table, "")
        assert found is not None
        assert table.family is not None
        rows = found.rows
        for i, row in enumerate(rows):
            assert row.cells[i] is None
            for j, cell in enumerate(row.cells):
                if cell is None:
                    continue
                back = rows[j].cells[i]
                assert back is not None
                mark = name[cell.mark]
                assert name[back.mark] == turned.get(mark, mark)
                judgment = table.family.between(table.dataset, row.row.key, rows[j].row.key)
                claimed = judgment.claim if judgment else ""
                assert (mark == claimed) == (claimed in ("better", "worse", "equal"))
                assert cell.title == back.title
                assert row.row.title in cell.title
                seen.add(mark)
        assert [mark for mark in MARKS.values() if mark in found.legend] == found.legend
    assert {"better", "worse", "ahead", "behind"} <= seen


def test_a_pair_that_the_family_does_not_compare_is_exploratory(content: Content) -> None:
    for table in content.tables:
        for one in every_pair(table, table.variants):
            assert table.family is not None
            inside = table.family.between(table.dataset, one.rows[0].key, one.rows[1].key) is not None
            assert one.part == ("suite" if inside else "pair")
            assert inside or one.verdict in ("exploratory", "too few seeds")


def test_a_template_gives_back_its_sentence(content: Content) -> None:
    def told(one: Comparison) -> str:
        template, numbers = coded_sentence(one)
        return _filled(template, one.a, one.b, numbers)

    counts = []
    for table in content.tables:
        found = every_pair(table, table.variants)
        assert [told(one) for one in found] == [
            sentence(replace(one, dataset=str(escape_controls(one.dataset)))) for one in found
        ]
        counts.append((len(found), len({coded_sentence(one)[0] for one in found})))
    assert all(templates < pairs_ / 1.2 for pairs_, templates in counts if pairs_ > 20), counts


def test_the_data_of_a_page_is_one_attribute(content: Content) -> None:
    """Nothing in a name ends the attribute early, and the script reads the JSON that was written."""
    site = Site(content, Registry.load())
    for table in content.tables:
        page = site.render(f"datasets/{slug(table.dataset)}.html")
        assert page is not None
        (written,) = re.findall(r"data-pairs='([^']*)'", page[0].decode())
        assert "<" not in written
        found = pairs(content, table, "../")
        assert found is not None
        assert json.loads(html.unescape(written)) == json.loads(found.data)
    assert attribute("""<'&">""") == '&lt;&#39;&amp;">'


def test_many_variants_have_a_map_of_the_best_and_a_page_under_a_megabyte(tmp_path: Path) -> None:
    made = Made(
        losses=tuple(f"loss{i}" for i in range(21)), architectures=("mlp", "mlp(width=32)"), points=(),
        seeds=12, pictures=False, snapshots=0,
    )  # fmt: skip
    content = Content(fabricate(tmp_path, made), Store(tmp_path))
    assert sum(run.record is not None for run in content.runs.values()) > 450
    (table,) = content.tables
    found = pairs(content, table, "../")
    assert found is not None
    assert len(found.rows) == 40
    assert found.more == len(table.variants) - 40 > 0
    assert len(found.data) < 100_000
    page = Site(content, Registry.load()).render("datasets/digits.html")
    assert page is not None
    assert len(page[0]) < 1_000_000
    assert f"{found.more} more are not shown" in page[0].decode()


def test_without_two_variants_there_is_nothing_to_compare(tmp_path: Path) -> None:
    plan = fabricate(tmp_path, Made(losses=("minimax",), architectures=("mlp",), images=()))
    content = Content(plan, Store(tmp_path))
    assert pairs(content, content.tables[0], "") is None
    page = Site(content, Registry.load()).render("datasets/ring8.html")
    assert page is not None
    assert b"Pairwise" not in page[0]
    assert NASTY[0].encode() not in page[0]
