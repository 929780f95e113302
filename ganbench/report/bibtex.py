"""BibTeX entries: what a plugin gives, checked, or what a number or a text of it can be made into."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ganbench.report.text.escape import escape_latex, replace_controls

HEAD = re.compile(r"@(\w+)\s*\{\s*([^,\s{}\"#%'()=~\\]+)\s*,")
"""The type of an entry and its key."""
ARXIV = re.compile(r"arxiv:\s*(\S+)", re.IGNORECASE)
DOI = re.compile(r"(?:doi:\s*|https?://doi\.org/)?(10\.\d{4,}/\S+)", re.IGNORECASE)
NO_ENTRIES = ("comment", "preamble", "string")


def entry(reference: str) -> str:
    """What a plugin refers to as one entry: its own, an arXiv number or a DOI as fields, any other text as a note.

    Of a number or a text nothing more is known, so nothing more is written. A damaged entry is a note.
    """
    lines = (line.rstrip() for line in reference.strip().splitlines())
    text = "\n".join("  " * line.startswith((" ", "\t")) + replace_controls(line) for line in lines if line)
    if is_entry(text):
        return text
    text = replace_controls(text)
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40]
    return made("misc", name or "paper", _fields(text))


def _fields(text: str) -> dict[str, str]:
    arxiv, doi = ARXIV.fullmatch(text), DOI.fullmatch(text)
    if arxiv:
        number = value(arxiv[1])
        return {"howpublished": f"arXiv:{number}", "eprint": number, "archivePrefix": "arXiv"}
    if doi:
        return {"howpublished": f"DOI {value(doi[1])}", "doi": value(doi[1])}
    return {"note": value(text)}


def value(text: str) -> str:
    """A text within a field: printed verbatim, and with braces only in pairs."""
    return escape_latex(text).replace(r"\{", r"\textbraceleft{}").replace(r"\}", r"\textbraceright{}")


def made(kind: str, key: str, fields: dict[str, str]) -> str:
    """An entry from its fields, whose values are LaTeX."""
    wide = max(map(len, fields))
    return f"@{kind}{{{key},\n" + "".join(f"  {name:{wide}} = {{{value}}},\n" for name, value in fields.items()) + "}"


def is_entry(text: str) -> bool:
    """Whether a text is one whole entry, whose braces end with it, so that it cannot damage what stands below."""
    head = HEAD.match(text)
    if head is None or head[1].lower() in NO_ENTRIES:
        return False
    depth = 0
    for i, char in enumerate(text):
        depth += {"{": 1, "}": -1}.get(char, 0)  # for BibTeX, also after a backslash
        if depth == 0 and i >= head.end():
            return i == len(text) - 1
    return False


def with_distinct_keys(entries: Iterable[str], used: Iterable[str]) -> list[str]:
    """The same entries, each maybe below a comment; a key that an earlier one has gets a number."""
    taken = {key.lower() for key in used}  # for BibTeX, A and a are the same key
    found = []
    for text in entries:
        head = HEAD.search(text)
        assert head is not None, "every entry has a key"
        key, count = head[2], 1
        while key.lower() in taken:
            count += 1
            key = f"{head[2]}-{count}"
        taken.add(key.lower())
        found.append(text[: head.start(2)] + key + text[head.end(2) :])
    return found
