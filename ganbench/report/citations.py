"""What to cite: ganbench, and the papers that the plugins of some runs name in their descriptions."""

from __future__ import annotations

import importlib.metadata
import inspect
import re
from collections import Counter
from collections.abc import Iterable

from ganbench._version import __version__
from ganbench.registry.choice import Kind
from ganbench.registry.registry import Registry
from ganbench.report.text.escape import escape_latex
from ganbench.results.records import Record

PAPER = re.compile(r"([A-Z][\w'-]+)( et al\.| and [A-Z][\w'-]+)?,? \(?((?:19|20)\d\d)\b\)?(?: \(([\w .-]+)\))?")
"""`Huang et al. 2024 (R3GAN)`, `Rabin and Peyre (2011)`, `Jolicoeur-Martineau 2018`."""
NO_AUTHOR = (
    "After", "Before", "By", "During", "From", "In", "Of", "On", "Since", "Until", "January", "February", "March",
    "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
"""What stands before a year and is nobody."""
HEAD = """\
% ganbench, and the papers that the descriptions of the plugins name: author and year as they stand there.
% Titles and venues are not stated there; complete an entry before you use it.
"""


def citation(records: Iterable[Record], registry: Registry | None = None) -> str:
    """BibTeX: an entry for ganbench, and one for every paper that a plugin's docstring names.

    Without a registry, or for plugins that it does not have, there is the entry for ganbench alone.
    """
    records = list(records)
    revisions = sorted({str(found) for one in records if (found := one.provenance.revision)})
    named: dict[str, list[str]] = {}
    for record in records:
        for key in record.spec.code():
            named.setdefault(key, [])
    papers: dict[tuple[str, str, str], list[str]] = {}
    for key in named if registry else ():
        for paper in _papers(registry, key):
            papers.setdefault(paper, []).append(key.replace(":", " "))
    keys: Counter[str] = Counter()
    entries = [_own(revisions), *(_entry(paper, whose, keys) for paper, whose in sorted(papers.items()))]
    return "\n".join([HEAD, *entries])


def _own(revisions: list[str]) -> str:
    """ganbench itself, as its package describes it."""
    facts = importlib.metadata.metadata("ganbench")
    about = facts["Summary"].rstrip(".")
    note = f"  note    = {{revision {escape_latex(', '.join(revisions))}}},\n" if revisions else ""
    return (
        f"@software{{ganbench,\n  title   = {{ganbench: {escape_latex(about)}}},\n"
        f"  author  = {{{{{escape_latex(facts['Author'])}}}}},\n"
        f"  version = {{{escape_latex(__version__)}}},\n{note}}}\n"
    )


def _papers(registry: Registry | None, key: str) -> list[tuple[str, str, str]]:
    """(first author, others, year) of every paper that a plugin's docstring names."""
    kind, _, name = key.partition(":")
    plugin: Kind = kind  # type: ignore[assignment]
    if registry is None or registry.trouble(plugin, name):
        return []
    doc = " ".join((inspect.getdoc(registry.find(plugin, name).thing) or "").split())
    found = [(match[1], (match[2] or "").strip(), match[3]) for match in PAPER.finditer(doc)]
    return [paper for paper in dict.fromkeys(found) if paper[0] not in NO_AUTHOR]


def _entry(paper: tuple[str, str, str], whose: list[str], keys: Counter[str]) -> str:
    """A paper as BibTeX; `keys` counts those given, for two papers of one author and year."""
    author, others, year = paper
    more = {"": "", "et al.": " and others"}.get(others, f" {others}")
    key = re.sub(r"[^a-z]", "", author.lower()) + year
    keys[key] += 1
    key += "abcdefghijklmnopqrstuvwxyz"[keys[key] - 1] if keys[key] > 1 else ""
    return (
        f"@misc{{{key},\n  author = {{{escape_latex(author + more)}}},\n  year   = {{{year}}},\n"
        f"  note   = {{named by {escape_latex(', '.join(whose))}}},\n}}\n"
    )
