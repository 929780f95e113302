"""Escapes for untrusted text: what every format does to it before it is shown."""

from __future__ import annotations

import re
import unicodedata
from typing import TypeVar

from markupsafe import Markup

Value = TypeVar("Value")

HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn")
"""Unicode categories of invisible characters: controls, formats (bidirectional marks, zero widths), surrogates,
private and unassigned characters."""
MARK = "\ufffd"


def replace_controls(text: str) -> str:
    """Text on one line that cannot steer a terminal: white space is a single space, invisible characters are a mark."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    return "".join(MARK if unicodedata.category(char) in HIDDEN else char for char in " ".join(text.split()))


def escape_controls(value: Value) -> Value | str:
    """Text with every invisible character as `\\u202e`, so that no name can look like another.

    Anything else, finished markup included, is returned unchanged. Line ends and tabs stay: a traceback has them.
    """
    if not isinstance(value, str) or isinstance(value, Markup) or (value.isascii() and value.isprintable()):
        return value
    return "".join(
        f"\\u{ord(char):04x}" if unicodedata.category(char) in HIDDEN and char not in "\n\t" else char for char in value
    )


FORMULA = re.compile(r"(^|[;,])(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a spreadsheet would see a formula: at the start of a cell, or after a ; or , that it reads as a separator.
In ASCII and in the full-width forms."""


def neutralize_formula(text: str) -> str:
    """Text on one line that a spreadsheet reads as text, never as a formula."""
    return FORMULA.sub(r"\1\2'", replace_controls(text))


JOINER = "\u2060"
"""A zero-width character that breaks what GitHub links without markup (URLs, @names, :emoji:): nothing else can."""
LINKED = re.compile(
    r"@(?=\S)|(?<=[a-z]):(?=//)|(?<=mailto):|(?<=xmpp):|:(?=[\w+\\-]*[a-z+][\w+\\-]*:)|(?<=ww)w(?=\.)", re.IGNORECASE
)
BLOCK = re.compile(r"[#+=>-]|\d+(?=[.)])")
"""What starts a heading, a list, a quotation or a rule at the beginning of a line; other marks are always escaped."""


def escape_markdown(text: str) -> str:
    """Text within a line that GitHub's Markdown and the HTML rendered from it show verbatim."""
    text = replace_controls(text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") if "<" in text or "&" in text else text
    for mark in "\\|`*_[]~$":
        text = text.replace(mark, f"\\{mark}")
    return LINKED.sub(lambda found: found[0] + JOINER, text)


def escape_markdown_block(text: str) -> str:
    """`escape_markdown` for text that is a whole heading, paragraph or list item."""
    text = escape_markdown(text)
    text = f"{text[:-1]}\\#" if text.endswith("#") else text
    found = BLOCK.match(text)
    if found is None:
        return text
    end = found.end() if found[0].isdigit() else 0
    return f"{text[:end]}\\{text[end:]}"


HYPHEN = re.compile(r"-(?=-)")
_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "`": r"\textasciigrave{}", '"': "''", "±": r"$\pm$", "\xd7": r"$\times$", "↑": r"$\uparrow$",
    "↓": r"$\downarrow$", "→": r"$\rightarrow$", "≥": r"$\geq$", "≤": r"$\leq$", "≈": r"$\approx$", "\u2013": "--",
    "\u2014": "---", "…": r"\ldots{}", "•": r"\textbullet{}", "†": r"\dag{}", "\ufffd": r"\textbf{?}", "\0": "{}",
}  # fmt: skip


def escape_latex(text: str) -> str:
    """Text on one line that LaTeX prints verbatim; consecutive hyphens stay hyphens."""
    return "".join(_TEX.get(char, char) for char in HYPHEN.sub("-\0", replace_controls(text)))
