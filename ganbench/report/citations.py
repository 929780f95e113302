"""What to cite: ganbench, and the papers that the plugins of some runs refer to."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable, Sequence

from ganbench._version import __version__
from ganbench.registry.choice import Kind
from ganbench.registry.registry import Registry
from ganbench.report.bibtex import entry, made, value, with_distinct_keys
from ganbench.report.text.escape import replace_controls
from ganbench.results.records import Record
from ganbench.suite.specs import codes_of

HEAD = "% ganbench, and the papers that the plugins of these runs refer to.\n"
AGARWAL = r"""
@inproceedings{agarwal2021deep,
  author    = {Agarwal, Rishabh and Schwarzer, Max and Castro, Pablo Samuel and Courville, Aaron and
    Bellemare, Marc G.},
  title     = {Deep Reinforcement Learning at the Edge of the Statistical Precipice},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {34},
  eprint    = {2108.13264},
  archivePrefix = {arXiv},
  year      = {2021},
}
"""
"""The interquartile means over datasets with their intervals."""


def citation(records: Iterable[Record], registry: Registry | None = None, aggregated: bool = False) -> str:
    """BibTeX: an entry for ganbench, and one for every paper in the `reference` of a run's plugin.

    `aggregated`: the variants are compared over all datasets too, which is cited. Without a registry, or for plugins
    that it does not have, there is the entry for ganbench alone.
    """
    records = list(records)
    cited_by: dict[str, list[str]] = {entry(AGARWAL): ["the comparison over all datasets"]} if aggregated else {}
    for key in dict.fromkeys(key for record in records for key in codes_of(record.spec.choices())):
        for reference in _references(registry, key):
            cited_by.setdefault(entry(reference), []).append(key.replace(":", " "))
    papers = [
        f"% cited by {replace_controls(', '.join(plugins))}\n{text}\n" for text, plugins in sorted(cited_by.items())
    ]
    return "\n".join([HEAD, _ganbench(records), *with_distinct_keys(papers, ["ganbench"])])


def _ganbench(records: Sequence[Record]) -> str:
    """The entry for ganbench, from the metadata of its package; its year is that of the newest run."""
    facts = importlib.metadata.metadata("ganbench")
    about = facts["Summary"].rstrip(".").replace("GAN", "{GAN}")
    revisions = sorted({str(found) for one in records if (found := one.provenance.revision)})
    years = [time[:4] for one in records if (time := one.provenance.time)]
    fields = {
        "author": f"{{{value(facts['Author'])}}}",
        "title": f"ganbench: {about}",
        "howpublished": f"Software, version {value(__version__)}",
        **({"note": f"Revision {value(', '.join(revisions))}"} if revisions else {}),
        **({"year": value(max(years))} if years else {}),
    }
    return made("misc", "ganbench", fields) + "\n"


def _references(registry: Registry | None, key: str) -> tuple[str, ...]:
    """The papers of a plugin, `kind:name`; none if it is not installed or names none."""
    kind, _, name = key.partition(":")
    plugin: Kind = kind  # type: ignore[assignment]
    if registry is None or registry.problem_with(plugin, name):
        return ()
    return registry.find(plugin, name).references
