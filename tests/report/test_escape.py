"""Untrusted text is shown verbatim, in GitHub's Markdown, HTML, LaTeX, on a terminal and in a spreadsheet."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable
from pathlib import Path

from factories import make_card
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from ganbench.analysis.score_table import PublishedCard, Score, Table, TableRow
from ganbench.registry.choice import Choice
from ganbench.report.html.pages import templates
from ganbench.report.text.csv import csv_text
from ganbench.report.text.escape import (
    escape_controls,
    escape_latex,
    escape_markdown,
    escape_markdown_block,
    neutralize_formula,
    replace_controls,
)
from ganbench.report.text.markdown import markdown
from ganbench.report.text.terminal import show
from ganbench.suite.plan_file import SavedPlan

PARTS = [
    "<script>alert(1)</script>", "<img src=x onerror=y>", "![](http://evil.example/x.png)", "[a](javascript:b)",
    "[a]: http://evil.example", "http://evil.example", "HTTPS://evil.example/a_b", "ftp://evil.example",
    "www.evil.example", "_www.evil.example", "*www.evil.example*", "mailto:a@evil.example", "xmpp:a@evil.example/b",
    "a.b+c@evil.example", "@somebody", "<http://evil.example>", "<a@evil.example>", "|", "||", "a\nb", "\r\n\r\n# h",
    "\n---\n", "\n===", "> q", "# h", "h #", "- i", "+ i", "1. i", "2) i", "***", "~~s~~", "~~~", "```", "`c`",
    "**b**", "__b__", "_e_", "[^1]", "[x] t", "$x^2$", "$$y$$", ":smile:", "&amp;", "&#64;", "&lt;b&gt;", "\\", "\\\\",
    "\\[", "\\|", r"\input{/etc/passwd}", r"\write18{ls}", r"\end{document}", "%", "%\n", "{", "}", "^^M", "#", "_",
    "--", "---", "?`", '"a', "[5cm]", "*", "=cmd()", " =cmd()", "\t=cmd()", "\r=1", "+1+cmd|' /C calc'!A0", "-2+3",
    "@SUM(1)", ";=cmd()", ", =1", "\uff1dcmd()", "\u202eevil", "\u2066a\u2069", "\x1b[31m", "\x00", "\x07", "\u200b",
    "\u2028=1", "\ufeff=1", "\ud800", "é", "中", "±", "modes>=1", "a & b", "100 %", "C:\\temp", "12:30", "loss x net",
]  # fmt: skip


TEXTS = st.lists(st.sampled_from(PARTS) | st.text(max_size=8), min_size=1, max_size=5).flatmap(
    lambda parts: st.sampled_from(["", " ", "\n"]).map(lambda joint: joint.join(parts))
)
Check = Callable[[str], None]


def any_text(test: Check) -> Check:
    """Run a test with every part alone, and with parts and arbitrary text joined."""
    test = settings(max_examples=300, deadline=None, derandomize=True)(given(text=TEXTS)(test))
    for part in PARTS:
        test = example(text=part)(test)
    return test


GITHUB = MarkdownIt("commonmark").enable(["table", "strikethrough"])
LINKS = re.compile(
    r"(?:https?|ftp)://|www\.|[\w.+-]+@[\w-]|(?:mailto|xmpp):[\w.+-]+@[\w-]|(?:^|\W)@\w"
    r"|:[a-z0-9_+-]*[a-z+][a-z0-9_+-]*:",
    re.IGNORECASE,
)
"""What GitHub's extended autolinks, mentions and emoji begin with, in rendered text."""


STRUCTURE = {"inline", "text"} | {
    f"{part}_{end}" for part in ("paragraph", "heading", "bullet_list", "list_item") for end in ("open", "close")
}


def _shown(text: str) -> str:
    """What a reader must see of a text, without the joiner that keeps it from being a link."""
    return replace_controls(text)


def _inline(markdown: str) -> tuple[str, set[str]]:
    """The text that is rendered, and the kinds of tokens that are not text or structure."""
    text, kinds = [], set()
    for token in GITHUB.parse(markdown):
        kinds.add(token.type)
        for child in token.children or ():
            kinds.add(child.type)
            text.append(child.content)
    return "".join(text), kinds


@any_text
def test_markdown_renders_every_text_as_it_is(text: str) -> None:
    for frame in ("{}", "- {}", "# {}", "## {}"):
        rendered, kinds = _inline("before\n\n" + frame.format(escape_markdown_block(text)) + "\n\nafter")
        assert kinds <= STRUCTURE, kinds - STRUCTURE
        inside = rendered.removeprefix("before").removesuffix("after")
        assert inside.replace("\u2060", "") == _shown(text)
        assert not LINKS.search(inside)


@any_text
def test_a_cell_keeps_every_text_in_its_column(text: str) -> None:
    cell = escape_markdown(text)
    tokens = GITHUB.parse(f"| a | b |\n|---|---|\n| {cell} | **{cell or 'x'}** |\n")
    cells = [token for token in tokens if token.type == "inline"]
    assert len(cells) == 4, text
    children = cells[2].children or []
    content = "".join(child.content for child in children)
    assert content.replace("\u2060", "") == _shown(text)
    assert {child.type for child in children} <= {"text"}, text
    assert not LINKS.search(content), text


@any_text
def test_the_html_of_every_text_is_its_own_text(text: str) -> None:
    rendered = GITHUB.render(escape_markdown_block(text))
    assert re.findall(r"<(/?\w+)", rendered) in (["p", "/p"], []), text
    assert html.unescape(re.sub(r"</?p>", "", rendered)).strip().replace("\u2060", "") == _shown(text)


@any_text
def test_no_control_or_direction_is_left(text: str) -> None:
    for made in (escape_markdown_block(text), escape_latex(text), neutralize_formula(text)):
        assert "\n" not in made
        made.encode()  # raises for half a surrogate pair
        assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", made)


@any_text
def test_latex_keeps_no_command_of_the_text(text: str) -> None:
    names = "backslash asciicircum asciitilde less greater bar asciigrave".split()  # noqa: SIM905
    made = re.compile(
        rf"\\(?:text(?:{'|'.join(names)})|ldots)\{{\}}"
        r"|\\[{}$&#%_]|\\textbf\{\?\}|\$\\(?:pm|times|geq)\$|-\{\}"
    )
    left = made.sub("", escape_latex(text))
    assert not set(left) & set("\\{}$&#%_^~"), (text, left)
    assert "--" not in escape_latex(re.sub("[\u2013\u2014]", "", text))  # dashes of the text itself are dashes


@any_text
def test_a_spreadsheet_sees_no_formula(text: str) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow([neutralize_formula(text), 1])
    for line in (written.getvalue(), neutralize_formula(text)):
        for field in re.split(r"[,;\t]", line):
            assert field.strip(' "\n')[:1] not in ("=", "+", "-", "@", "\uff1d"), text
    assert next(csv.reader(io.StringIO(written.getvalue())))[0].replace("'", "") == _shown(text).replace("'", "")


def test_plain_text_is_left_alone() -> None:
    for text in (
        "FID",
        "modes>=1",
        "5,000 fake against 1,347 real samples (split train)",
        "seeds 0-7",
        "100 %",
        "12:30",
    ):
        assert escape_markdown(text) == neutralize_formula(text) == text


def _table(text: str) -> tuple[SavedPlan, list[Table]]:
    """A table in which every free text is the given one."""
    card = make_card(
        metric=Choice(text, {text: text}), better="lower", seeds=(0, 1), fake_samples=5, real_samples=5, split=text
    )
    score = Score(1.5, 1.0, 2.0, (1.0, 2.0), "lower", card)
    theirs = Score(1.0, None, None, (1.0,), "lower", PublishedCard(text, text, "lower"), text)
    rows = (
        TableRow(text, text, text, "variant", 1, 2, {text: score}, text, (1, 2), (text, "more"), frozenset({text}),
                 1, True, text, {"train_seconds": 1.0}),
        TableRow(text, text, "", "published", 1, 1, {text: theirs}, notes=(text,)),
    )  # fmt: skip
    return SavedPlan(text, text, "", (), (), ()), [Table(text, {text: "lower"}, rows, (text,), text)]


def test_whole_tables_are_inert_in_every_format(tmp_path: Path) -> None:
    for text in PARTS:
        layout, tables = _table(text)
        page = markdown(layout, tables)
        _, kinds = _inline(page)
        assert not kinds & {
            "link_open",
            "image",
            "html_inline",
            "html_block",
            "code_inline",
            "em_open",
            "hr",
            "fence",
            "s_open",
        }
        lines = [line.replace("\\\\", "").replace("\\|", "") for line in page.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines[:4]}) == 1
        parsed = list(csv.reader(io.StringIO(csv_text(layout, tables))))
        assert len({len(line) for line in parsed}) == 1
        assert not any(re.match(r"\s*[=+@]|\s*-\D", cell) for line in parsed for cell in line)


@any_text
def test_a_page_shows_every_text_without_hidden_characters(text: str) -> None:
    rendered = templates().from_string("<p title='{{ text }}'>{{ text }}</p>").render(text=text)
    title, shown = re.fullmatch(r"<p title='([^'<>]*)'>([^<>]*)</p>", rendered, re.DOTALL).groups()  # type: ignore[union-attr]
    assert html.unescape(title) == html.unescape(shown) == escape_controls(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", shown)


def test_no_text_steers_the_terminal() -> None:
    for text in PARTS:
        written = io.StringIO()
        show(Console(file=written, force_terminal=False, width=200), *_table(text))
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", written.getvalue()), text
