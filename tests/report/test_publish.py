"""`ganbench publish`: what a report says is what the records say; nothing is lost; markup stays text."""

from __future__ import annotations

import html
import inspect
import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import Cli
from fabricate import Made, fabricate
from factories import reseal
from plans import plan_row

import ganbench as gb
from ganbench.registry.registry import Registry
from ganbench.report.html import Content, Site
from ganbench.report.html.content import slug
from ganbench.report.html.pages import SCRIPTS
from ganbench.report.text.escape import escape_controls
from ganbench.report.text.sentences import conclusions
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan, load_plan

MADE = Made(losses=("minimax", "nonsaturating"), architectures=("mlp",), seeds=5, snapshots=2)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    fabricate(folder, MADE)
    return Path(folder)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, results: Path) -> Path:
    """The report of these results, which no test changes."""
    folder = tmp_path_factory.mktemp("published") / "site"
    gb.publish(gb.open_results(results, MADE.suite), folder)
    return folder


@pytest.fixture
def content(results: Path) -> Content:
    layout = load_plan(results, MADE.suite)
    assert layout is not None
    return Content(layout, Store(results))


def _page(site: Site, path: str) -> str:
    found = site.render(path)
    assert found is not None
    return found[0].decode()


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Cells(HTMLParser):
    """The cells of a page's table, by their row's first cell, in the order of the columns."""

    def __init__(self, text: str, table: str) -> None:
        super().__init__()
        self.rows: dict[str, list[tuple[dict[str, str | None], str, list[str]]]] = {}
        self.inside, self.table = False, table
        self.row: list[tuple[dict[str, str | None], str, list[str]]] | None = None
        self.cell: tuple[dict[str, str | None], list[str], list[str]] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "table":
            self.inside = found.get("id") == self.table
        if self.inside and tag in ("th", "td"):
            self.cell = (found, [], [])
        if self.inside and tag == "a" and self.cell:
            self.cell[2].append(found["href"] or "")

    def handle_data(self, data: str) -> None:
        if self.inside and self.cell:
            self.cell[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.cell and tag in ("th", "td"):
            attrs, texts, links = self.cell
            text = " ".join("".join(texts).split())
            if attrs.get("scope") == "row":
                self.row = self.rows.setdefault(text, [])
            elif tag == "td" and self.row is not None:
                self.row.append((attrs, text, links))


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_every_number_is_the_records_and_leads_to_its_runs(results: Path, content: Content) -> None:
    site = Site(content, Registry.load())
    page = site.render("index.html")
    assert page is not None
    (table, *_) = [table for table in content.tables if table.dataset == "ring8"]
    shown = Cells(page[0].decode(), "t-ring8").rows
    for row in table.variants:
        cells = [cell for cell in shown[row.title] if "data-column" in cell[0]]
        for cell, name in zip(cells, table.columns, strict=False):
            mean = row.scores[name].mean
            if mean is None:
                continue
            assert float(cell[0]["data-sort"] or "nan") == mean
            (link,) = cell[2]
            path, _, place = link.partition("#")
            variant = site.render(path)
            assert variant is not None
            assert f'<section id="{place}"' in variant[0].decode()
            seeds = Cells(variant[0].decode(), f"s-{place}").rows
            column = list(table.columns).index(name)
            found = {
                seed: record.evaluation.metrics[name]
                for seed, id_ in next(r.runs for r in content.plan.rows if r.dataset.text == "ring8"
                                      and r.variant.title == row.title).items()
                if (record := content.store.run(id_)) and name in record.evaluation.metrics
            }  # fmt: skip
            for seed, value in found.items():
                attrs, _, _ = seeds[f"seed {seed}"][2 + column]
                assert float(attrs["data-sort"] or "nan") == value


def test_the_same_records_give_the_same_bytes(inside: Cli, results: Path, site: Path, tmp_path: Path) -> None:
    done = inside("publish", "--suite", MADE.suite, "--results", results, "--to", "two")
    assert done.code == 0, done.err
    assert f"{Path('two') / 'index.html'}" in done.out
    one, two = _files(site), _files(tmp_path / "two")
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


def test_a_published_folder_reads_as_results(inside: Cli, results: Path, site: Path, tmp_path: Path) -> None:
    shutil.copytree(site, tmp_path / "site")
    ours = inside("table", "--suite", MADE.suite, "--results", results, "--format", "json")
    theirs = inside("table", "--suite", MADE.suite, "--results", "site", "--format", "json")
    assert json.loads(ours.out) == json.loads(theirs.out)
    again = inside("publish", "--suite", MADE.suite, "--results", "site", "--to", "again")
    assert again.code == 0
    assert _files(tmp_path / "again") == {
        name: data for name, data in _files(tmp_path / "site").items() if not name.startswith(f"{MADE.suite}/.")
    }


@pytest.mark.usefixtures("unpainted")
def test_an_earlier_report_stays_until_the_new_one_is_complete(inside: Cli, results: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(results, mine)
    assert inside("publish", "--suite", MADE.suite, "--results", mine, "--to", "site").code == 0
    before = _files(tmp_path / "site")
    record = next((mine / "runs").glob("*/record.json"))
    record.write_text("{")
    done = inside("publish", "--suite", MADE.suite, "--results", mine, "--to", "site")
    assert done.code == 4
    assert str(record) in done.err
    assert _files(tmp_path / "site") == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".site")] == []


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--suite", "fabricate"], 2, "Did you mean 'fabricated'"),
        (["--suite", "fabricated", "--results", "nowhere"], 2, "no results folder"),
        (["--suite", "fabricated", "--to", "full"], 2, "contains files that are not part of a report"),
        (["--suite", "fabricated", "--to", "full/note.txt"], 2, "is not a folder"),
        (["--suite", "fabricated", "--to", "full/note.txt/site"], 2, "is inside 'full/note.txt', which is a file"),
        (["--suite", "fabricated", "--to", "full/report.html"], 2, "has the name of a file, but a report is a folder"),
        (["--suite", "fabricated", "--to", "."], 2, "contains files that are not part of a report"),
    ],
)
def test_a_wrong_command_line_is_refused_in_one_sentence(
    inside: Cli, results: Path, tmp_path: Path, options: list[str], code: int, message: str
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").write_text("mine")
    given = dict(zip(options[::2], options[1::2], strict=True))
    all_options = {"--results": results, "--to": "site", **given}
    done = inside("publish", *[part for pair in all_options.items() for part in pair])
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert (tmp_path / "full" / "note.txt").read_text() == "mine"


def test_a_suite_of_which_nothing_has_ended_is_not_published(inside: Cli, tmp_path: Path) -> None:
    empty = SavedPlan("none", "", "", (plan_row("minimax", "mlp", "ring8", {0: "0" * 12}),), (), ())
    from ganbench.suite.plan_file import save_plan

    save_plan(tmp_path / "results", empty)
    done = inside("publish", "--suite", "none", "--to", "site")
    assert done.code == 2
    assert "no run of suite 'none' has ended" in done.err


def test_labels_that_differ_have_files_that_differ() -> None:
    labels = [
        "ring8",
        "Ring8",
        "ring8 ",
        "a x b",
        "a-x-b",
        "con",
        "../etc/passwd",
        "a/b",
        "é" * 80,
        "",
        "<b>",
        "A" * 300,
    ]
    made = [slug(label) for label in labels]
    assert len({name.lower() for name in made}) == len(labels)
    assert all(re.fullmatch(r"[a-z0-9._-]{1,70}", name) and not name.startswith(".") for name in made)
    assert (slug("ring8"), slug("a x b")) == ("ring8", "a-x-b")
    assert slug("con") != "con"


def test_hidden_characters_are_shown_and_markup_is_text() -> None:
    assert escape_controls("safe\u202egnp.exe\x07") == "safe\\u202egnp.exe\\u0007"
    assert escape_controls("plain ünïcode →") == "plain ünïcode →"


def test_names_with_markup_are_inert_on_every_page(report: Path) -> None:
    for path in report.rglob("*.html"):
        text = path.read_text()
        assert "\u202e" not in text
        tags = Tags(text).found
        assert [found for tag, found in tags if tag == "script"] == [
            {"src": "../" * (len(path.relative_to(report).parts) - 1) + f"assets/{name}", "defer": None}
            for name in SCRIPTS
        ]
        for tag, found in tags:
            assert tag not in ("iframe", "object", "embed", "form", "base", "style"), path
            assert not [name for name in found if name.startswith("on") or name == "style"], path
            targets = [found.get("href") or "", found.get("src") or ""]
            assert not [target for target in targets if re.match(r"\s*\w+:|//", target)], path


def test_links_lead_to_files_that_are_there(report: Path) -> None:
    wanted = re.compile(r'(?:href|src)="([^"#]*)(?:#([^"]*))?"')
    for path in report.rglob("*.html"):
        for target, place in wanted.findall(path.read_text()):
            found = path.parent / html.unescape(target).replace("%20", " ") if target else path
            assert found.is_file(), f"{path}: {target}"
            if place:
                place = place.partition("?")[0]  # what follows is a choice of rows
                assert f'id="{place}"' in found.read_text(), f"{path}: {target}#{place}"


def test_the_verdict_sentences_agree_with_the_ranks(content: Content) -> None:
    for table in content.tables:
        said = " ".join(conclusions(table))
        ranks = [row.rank or (1, 1) for row in table.variants if table.primary]
        better = re.findall(r"(\S+ x \S+) is better than (\S+ x \S+) in", said)
        assert bool(better) == any(low > 1 for low, _ in ranks)
        for winner, loser in better:
            found = {row.title: row for row in table.variants}
            assert found[winner].rank is not None
            assert found[loser].rank is not None
            assert not set(str(found[winner].tier)) & set(str(found[loser].tier))


def test_a_record_of_an_older_version_has_its_page(results: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(results, mine)
    scores = next(path for path in (mine / "runs").glob("*/scores/*") if json.loads(path.read_text())["metrics"])
    folder = scores.parent.parent
    reseal(folder / "record.json", lambda record: [record.pop(key) for key in ("film", "neighbours", "diagnosis")])
    reseal(scores, lambda content: [content.pop(key) for key in ("histogram", "verdict")])
    (folder / "history.csv").write_text("step,d_loss\n1,not a number\n")
    layout = load_plan(mine, MADE.suite)
    assert layout is not None
    page = Site(Content(layout, Store(mine)), Registry.load()).render(f"runs/{folder.name}/index.html")
    assert page is not None
    assert b"Scores" in page[0]


def test_unequal_budgets_are_reported_and_equal_ones_are_not(content: Content) -> None:
    table = content.table("ring8")
    assert not any("Budgets differ" in one for one in conclusions(table))
    row = table.variants[0]
    dearer = replace(row, cost={**row.cost, "images": 2 * (row.cost["images"] or 0)})
    (sentence,) = [
        one for one in conclusions(replace(table, rows=(dearer, *table.rows[1:]))) if one.startswith("Budgets differ")
    ]
    assert f"{row.title} {dearer.cost['images']:,.0f}" in sentence
    assert f"{table.variants[1].title} {row.cost['images']:,.0f}" in sentence


def test_scores_are_explained_by_the_plugins_that_made_them(content: Content) -> None:
    registry = Registry.load()
    site = Site(content, registry)
    page = html.unescape(_page(site, "datasets/digits.html"))
    for name in ("fid", "memorisation", "modes"):
        doc = inspect.getdoc(registry.find("metric", name).thing)
        assert doc
        assert doc.splitlines()[0] in page
    assert "modes[digits16], class KL[digits16], confidence[digits16]" in page


def test_the_overview_shows_each_variants_first_samples(content: Content) -> None:
    page = _page(Site(content, Registry.load()), "index.html")
    first_screen, _, below = page.partition('class="matrix')
    shown = re.findall(r'<img src="runs/([0-9a-f]{12})/samples\.png"', below)
    wanted = []
    for table in content.tables:
        for row in table.variants:
            ids = [run.id for run in content.runs_of(row) if run.record and run.record.ok]
            wanted += ids[:1]
    assert shown == wanted
    assert {*re.findall(r'<img src="runs/([0-9a-f]{12})/samples\.png"', first_screen)} <= {*wanted}


def test_a_page_of_many_variants_is_there_before_anything_has_finished(tmp_path: Path) -> None:
    widths = tuple(f"mlp(width={width})" for width in range(8, 52))
    layout = fabricate(tmp_path, Made(losses=("minimax",), architectures=widths, images=(), seeds=1, pictures=False))
    for name in ("runs", "references"):
        shutil.rmtree(tmp_path / name)
    page = Site(Content(layout, Store(tmp_path)), Registry.load(), served=True).render("datasets/ring8.html")
    assert page is not None
    assert "No run has finished yet." in page[0].decode()
