"""What to cite: ganbench, and the papers that the plugins of some runs refer to."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable

from ganbench._version import __version__
from ganbench.registry.choice import Kind
from ganbench.registry.registry import Registry
from ganbench.report.text.escape import escape_latex, replace_controls
from ganbench.results.records import Record
from ganbench.suite.specs import codes_of

HEAD = "% ganbench, and the papers that the plugins of these runs refer to.\n"
KEY = re.compile(r"@\w+\s*\{\s*([^,\s]+)\s*,")
ARXIV = re.compile(r"arxiv:\s*(\S+)", re.IGNORECASE)
DOI = re.compile(r"(?:doi:\s*|https?://doi\.org/)?(10\.\d{4,}/\S+)", re.IGNORECASE)


def citation(records: Iterable[Record], registry: Registry | None = None) -> str:
    """BibTeX: an entry for ganbench, and one for every paper in the `reference` of a run's plugin.

    Without a registry, or for plugins that it does not have, there is the entry for ganbench alone.
    """
    records = list(records)
    revisions = sorted({str(found) for one in records if (found := one.provenance.revision)})
    cited_by: dict[str, list[str]] = {}
    for key in dict.fromkeys(key for record in records for key in codes_of(record.spec.choices())):
        for reference in _references(registry, key):
            cited_by.setdefault(_entry(reference), []).append(key.replace(":", " "))
    papers = [
        f"% cited by {replace_controls(', '.join(plugins))}\n{entry}\n" for entry, plugins in sorted(cited_by.items())
    ]
    return "\n".join([HEAD, _ganbench(revisions), *_with_distinct_keys(papers)])


def _ganbench(revisions: list[str]) -> str:
    """The entry for ganbench, from the metadata of its package."""
    facts = importlib.metadata.metadata("ganbench")
    about = facts["Summary"].rstrip(".")
    note = f"  note    = {{revision {escape_latex(', '.join(revisions))}}},\n" if revisions else ""
    return (
        f"@software{{ganbench,\n  title   = {{ganbench: {escape_latex(about)}}},\n"
        f"  author  = {{{{{escape_latex(facts['Author'])}}}}},\n"
        f"  version = {{{escape_latex(__version__)}}},\n{note}}}\n"
    )


def _references(registry: Registry | None, key: str) -> tuple[str, ...]:
    """The papers of a plugin, `kind:name`; none if it is not installed or names none."""
    kind, _, name = key.partition(":")
    plugin: Kind = kind  # type: ignore[assignment]
    if registry is None or registry.problem_with(plugin, name):
        return ()
    return registry.find(plugin, name).references


def _entry(reference: str) -> str:
    """A reference as BibTeX: an entry as it is, an arXiv number or a DOI as a field, any other text as a note."""
    lines = (line.rstrip() for line in reference.strip().splitlines())
    text = "\n".join("  " * line.startswith((" ", "\t")) + replace_controls(line) for line in lines if line)
    if KEY.match(text):
        return text
    arxiv, doi = ARXIV.fullmatch(text), DOI.fullmatch(text)
    if arxiv:
        field = f"  archivePrefix = {{arXiv}},\n  eprint = {{{escape_latex(arxiv[1])}}},\n"
    else:
        field = f"  doi = {{{escape_latex(doi[1])}}},\n" if doi else f"  note = {{{escape_latex(text)}}},\n"
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40]
    return f"@misc{{{name or 'paper'},\n{field}}}"


def _with_distinct_keys(entries: list[str]) -> list[str]:
    """The same entries; a key that an earlier one has gets a letter."""
    used = {"ganbench"}
    found = []
    for entry in entries:
        match = KEY.search(entry)
        if match is not None:
            letters = (chr(letter) for letter in range(ord("b"), ord("z") + 1))
            key = match[1]
            while key in used:
                key = match[1] + next(letters)
            used.add(key)
            entry = entry[: match.start(1)] + key + entry[match.end(1) :]
        found.append(entry)
    return found
