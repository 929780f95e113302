"""What a person adds to a report: title, authors, date, notes; the badge; the ZIP file."""

from __future__ import annotations

import json
import shutil
import stat
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import Cli
from fabricate import NASTY, Made, fabricate
from hypothesis import given
from hypothesis import strategies as st

import ganbench as gb
from ganbench.api.actions import PublishedReport
from ganbench.errors import ResultsError, UsageError
from ganbench.report.html.notes import markdown_html
from ganbench.report.publication import Publication, authors_of, encoded, read

pytestmark = pytest.mark.usefixtures("unpainted")
MADE = Made(
    losses=("minimax",), architectures=("mlp",), images=(), seeds=2, snapshots=0, pictures=False, failures=False
)
NOTES = """# What was tried

A paragraph with *emphasis*, `code` and [the data](datasets/ring8.html).

| a | b |
|:--|--:|
| 1 | 2 |
"""
ADDED = {"title": "Rings, revisited", "authors": ["A. Author", "B. <b>Bold</b>"], "date": "2026-11-27", "notes": NOTES}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("added") / "results"
    fabricate(folder, MADE)
    return Path(folder)


def _published(results: Path, place: Path, **added: object) -> PublishedReport:
    return gb.publish(gb.open_results(results), place, **added)  # type: ignore[arg-type]


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_was_added_is_on_the_first_page_and_stays(results: Path, tmp_path: Path) -> None:
    site, again = tmp_path / "site", tmp_path / "again"
    _published(results, site, **ADDED)
    first = (site / "index.html").read_text()
    assert first.index("<h1>") < first.index("Rings, revisited") < first.index("A. Author, B. &lt;b&gt;Bold&lt;/b&gt;")
    link = first.index('<a href="notes.html">Notes</a>')
    assert first.index('<time datetime="2026-11-27">') < link < first.index("<h2")
    notes = (site / "notes.html").read_text()
    assert "<h2>What was tried</h2>" in notes
    assert "<td>2</td>" in notes
    assert gb.verify(site).holds
    before = _files(site)
    _published(results, site)
    assert _files(site) == before, "published again without the options"
    _published(site, again)
    assert _files(again) == before, "published from the report itself"
    _published(results, site, title="", notes="")
    assert read(site) == Publication("", ("A. Author", "B. <b>Bold</b>"), "2026-11-27")
    assert not (site / "notes.html").exists()
    _published(results, site, authors=[], date="")
    assert "publication.json" not in _files(site)


def test_without_a_date_it_is_that_of_the_last_run(results: Path, tmp_path: Path) -> None:
    _published(results, tmp_path / "site", title="T")
    last = max(record.provenance.time or "" for record in gb.open_results(results).records)
    assert f'<time datetime="{last[:10]}">' in (tmp_path / "site" / "index.html").read_text()


def test_a_report_to_which_nothing_is_added_has_only_the_badge_more(results: Path, tmp_path: Path) -> None:
    _published(results, tmp_path / "plain")
    _published(results, tmp_path / "site", **ADDED)
    plain, added = _files(tmp_path / "plain"), _files(tmp_path / "site")
    assert added.keys() - plain.keys() == {"publication.json", "notes.html"}
    assert {name for name in plain if plain[name] != added[name]} == {"index.html", "manifest.json"}


def test_the_command_takes_a_file_and_names_what_is_wrong(inside: Cli, results: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text(NOTES)
    (tmp_path / "latin.md").write_bytes(b"caf\xe9")
    command = ("publish", "--suite", MADE.suite, "--results", results, "--to", "site")
    done = inside(*command, "--title", "T", "--authors", "A. Author; B. Author, Jr.", "--notes", "notes.md")
    assert done.code == 0
    assert read(tmp_path / "site") == Publication("T", ("A. Author", "B. Author, Jr."), "", NOTES.strip())
    assert done.out.splitlines()[-1] == ("site/badge.svg: [![ganbench: fabricated \\| 2 runs](badge.svg)](index.html)")
    for options, said in (
        (("--notes", "none.md"), "--notes 'none.md' cannot be read: No such file"),
        (("--notes", "latin.md"), "--notes 'latin.md' is not UTF-8 text"),
        (("--notes", "/dev/zero"), "the notes are larger than 1 MiB"),
        (("--date", "27.11.2026"), "the date must be a day such as 2026-11-27"),
        (("--date", "2026-02-30"), "the date must be a day such as 2026-11-27"),
        (("--title", "two\nlines"), "the title must be one line"),
    ):
        done = inside(*command, *options)
        assert (done.code, done.out) == (2, "")
        assert said in done.err
    assert inside(*command, "--notes", "").code == 0
    assert read(tmp_path / "site").notes == ""


def test_an_edited_publication_is_damaged(inside: Cli, results: Path, tmp_path: Path) -> None:
    _published(results, tmp_path / "site", title="T")
    path = tmp_path / "site" / "publication.json"
    path.write_text(path.read_text().replace('"T"', '"U"'))
    assert not gb.verify(tmp_path / "site").holds
    with pytest.raises(ResultsError, match="was changed after ganbench wrote it"):
        read(tmp_path / "site")
    path.write_bytes(encoded(Publication("T")).replace(b'"schema": 1', b'"schema": 2'))
    with pytest.raises(ResultsError, match="written by a newer ganbench"):
        read(tmp_path / "site")
    assert inside("publish", "--suite", MADE.suite, "--results", results, "--to", "site").code == 4


def test_a_folder_with_too_long_a_name_is_refused(inside: Cli, results: Path) -> None:
    done = inside("publish", "--suite", MADE.suite, "--results", results, "--to", "x" * 300)
    assert (done.code, done.out) == (2, "")
    assert "is too long a name for a folder; choose a shorter one" in done.err


def test_authors_are_separated_by_semicolons_or_commas() -> None:
    assert authors_of("A, B,C") == ("A", "B", "C")
    assert authors_of("Doe, Jane; Roe, R.;") == ("Doe, Jane", "Roe, R.")
    assert authors_of(" ") == ()


@pytest.mark.parametrize(
    ("text", "there", "absent"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;", "<script"),
        ("a <b onclick=x>b</b>", "&lt;b onclick=x&gt;", "<b "),
        ("[x](javascript:alert(1))", "[x](javascript", "<a"),
        ("[x](JaVaScRiPt&colon;alert(1))", "x", 'href="j'),
        ("[x](data:text/html,a)", "[x](data", "<a"),
        ("![seen](https://a.b/c.png)", '<a href="https://a.b/c.png">seen</a>', "<img"),
        ('![a](x.png"onerror=alert(1))', "onerror", '"onerror'),
        ("```\n</code><script>\n```", '<pre tabindex="0"><code>&lt;/code&gt;', "<script"),
        ("    <i>", '<pre tabindex="0"><code>&lt;i&gt;', "<i>"),
        ("|a|\n|:-:|\n|1|", '<div class="scroll" tabindex="0"', "style="),
        ("safe\u202egnp.exe", "safe\\u202egnp.exe", "\u202e"),
        ("# one\n###### six", "<h2>one</h2>\n<h6>six</h6>", "<h1"),
    ],
)
def test_notes_are_text_whatever_they_hold(text: str, there: str, absent: str) -> None:
    found = markdown_html(text)
    assert there in found
    assert absent not in found


PIECES = [*"<>&\"'`*_[]()!|:#-\n \\ab/=", "script", "http://", "javascript:", "onx=", "[a](b)", "|-|\n"]
TAGS = {
    "main", "p", "a", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "br", "h2", "h3", "h4", "h5",
    "h6", "table", "thead", "tbody", "tr", "th", "td", "div",
}  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_no_notes_hold_a_tag_of_their_own(text: str) -> None:
    found = markdown_html(text)
    tree = ElementTree.fromstring(f"<main>{found}</main>")
    for element in tree.iter():
        assert element.tag in TAGS
        assert element.attrib.keys() <= {"href", "title", "tabindex", "class", "role", "aria-label", "start"}
        assert not element.attrib.get("href", "").lower().startswith(("javascript", "data", "vbscript", "file"))


def test_the_badge_says_suite_and_runs(tmp_path: Path) -> None:
    fabricate(
        tmp_path / "results", Made(suite="s", losses=("minimax", NASTY[0]), architectures=("mlp",), pictures=False)
    )
    results = gb.open_results(tmp_path / "results")
    report = gb.publish(results, tmp_path / "site")
    tree = ElementTree.parse(tmp_path / "site" / "badge.svg").getroot()
    good = sum(record.ok for record in results.records)
    assert good < len(results.records)
    title = f"ganbench: s | {len(results.records)} runs, {good} ok"
    assert tree.attrib["aria-label"] == title
    assert report.badge == f"[![{title.replace('|', chr(92) + '|')}](badge.svg)](index.html)"
    shapes = [one for one in tree if one.tag.endswith("rect")]
    assert sum(int(one.attrib["width"]) for one in shapes) == int(tree.attrib["width"])


def test_the_archive_is_the_same_for_the_same_folder_and_verify_reads_it(
    inside: Cli, results: Path, tmp_path: Path
) -> None:
    command = ("publish", "--suite", MADE.suite, "--results", results, "--to", "site", "--zip")
    assert "site.zip: the same in one file" in inside(*command).out
    archive = tmp_path / "site.zip"
    first = archive.read_bytes()
    (tmp_path / "site" / ".git").mkdir()
    (tmp_path / "site" / ".git" / "config").write_text("mine")
    assert inside(*command).code == 0
    assert archive.read_bytes() == first
    with zipfile.ZipFile(archive) as file:
        names = file.namelist()
        assert names == sorted(names)
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        file.extractall(tmp_path / "out")
    shutil.rmtree(tmp_path / "site" / ".git")
    assert _files(tmp_path / "out" / "site") == _files(tmp_path / "site")
    assert inside("verify", "site.zip").code == 0
    assert json.loads(inside("verify", "site.zip", "--json").out)["holds"] is True
    (tmp_path / "site" / "index.html").write_text("other")
    shutil.make_archive(str(tmp_path / "edited"), "zip", tmp_path, "site")
    edited = inside("verify", "edited.zip")
    assert edited.code == 1
    assert "changed  index.html" in edited.out


def test_no_other_file_is_replaced_by_an_archive(inside: Cli, results: Path, tmp_path: Path) -> None:
    (tmp_path / "site.zip").write_text("mine")
    done = inside("publish", "--suite", MADE.suite, "--results", results, "--to", "site", "--zip")
    assert (done.code, (tmp_path / "site.zip").read_text()) == (2, "mine")
    assert "site.zip is there and is not the archive of a report" in done.err
    assert not (tmp_path / "site").exists()


def _archive(path: Path, names: dict[str, bytes], link: str = "") -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in names.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK if name == link else stat.S_IFREG) << 16
            file.writestr(info, content)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"site/manifest.json": b"{}", "../outside.txt": b""}, "outside of its folder"),
        ({"site/manifest.json": b"{}", "/outside.txt": b""}, "outside of its folder"),
        ({"site/manifest.json": b"{}", "site/link": b"/etc/passwd"}, "holds a link"),
        ({"site/manifest.json": b"{}", "site/MANIFEST.json": b"{}"}, "a file twice"),
        ({"site/manifest.json": b"{}", "other/x": b""}, "not one folder"),
        ({"site/x": b""}, "not one folder"),
    ],
)
def test_an_archive_cannot_write_elsewhere(inside: Cli, tmp_path: Path, names: dict[str, bytes], said: str) -> None:
    _archive(tmp_path / "bad.zip", names, "site/link")
    done = inside("verify", "bad.zip")
    assert (done.code, done.out) == (4, "")
    assert said in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["bad.zip"]


def test_an_archive_that_is_none_or_cut_is_damaged(inside: Cli, results: Path, tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no archive")
    assert inside("verify", "text.zip").code == 4
    report = _published(results, tmp_path / "site", archive=True)
    assert report.archive == tmp_path / "site.zip"
    content = bytearray((tmp_path / "site.zip").read_bytes())
    content[len(content) // 3] ^= 255
    (tmp_path / "site.zip").write_bytes(content)
    assert inside("verify", "site.zip").code in (1, 4)


def test_limits_of_what_is_added() -> None:
    for wrong in ({"title": "x" * 301}, {"authors": ["a"] * 201}, {"notes": "x" * (2 << 20)}, {"notes": "\ud800"}):
        given = {"title": None, "authors": None, "date": None, "notes": None, **wrong}
        with pytest.raises(UsageError):
            Publication().changed(**given)  # type: ignore[arg-type]
