"""A plugin's docstring and source, and whether that is the code that was trained."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ganbench.registry.choice import plugin_key
from ganbench.results.records import PluginOrigin, Record

if TYPE_CHECKING:
    from ganbench.registry.choice import Choice, Kind
    from ganbench.registry.discovery import Offer
    from ganbench.registry.registry import Registry


_KINDS = {"dataset": "the dataset", "extractor": "the extractor"}


class PluginText(NamedTuple):
    """One plugin of a variant; if it is not installed here, `doc` and `source` are empty and `note` says so."""

    kind: str
    name: str
    params: Mapping[str, object]
    doc: str
    source: str
    origin: str
    note: str


def described(registry: Registry, records: Iterable[Record], kinds: Iterable[Kind]) -> list[PluginText]:
    """The plugins of these kinds that the records name, each set of hyperparameters once."""
    found: dict[tuple[str, str], PluginText] = {}
    for record in records:
        for kind in kinds:
            for choice in (choice for own, choice in record.spec.choices() if own == kind):
                key = (kind, str(choice.identity()))
                if key not in found:
                    found[key] = _text(registry, kind, choice, record.plugins.get(plugin_key(kind, choice.name)))
    return list(found.values())


def meanings(registry: Registry, records: Sequence[Record]) -> list[tuple[str, str]]:
    """The descriptions of the dataset, of each group of scores and of the extractors: (names, text)."""
    named: dict[tuple[Kind, str], dict[str, None]] = {}
    for record in records:
        named.setdefault(("dataset", record.spec.dataset.name), {})
        for score, card in record.evaluation.cards.items():
            named.setdefault(("metric", card.metric.name), {}).setdefault(score)
    for record in records:
        extractors = (card.extractor for card in record.evaluation.cards.values())
        named.update({("extractor", one.name): {} for one in extractors if one})
    found = {key: inspect.getdoc(registry.find(*key).thing) for key in named if not registry.problem_with(*key)}
    return [
        (", ".join(named[kind, name]) or f"{_KINDS[kind]} {name}", doc) for (kind, name), doc in found.items() if doc
    ]


def _text(registry: Registry, kind: Kind, choice: Choice, trained: PluginOrigin | None) -> PluginText:
    name, params = choice.name, choice.params
    origin = f"{trained.distribution} {trained.version}" if trained else ""
    if registry.problem_with(kind, name):
        note = "Its source is not available here; pass its file with --plugin to show it."
        return PluginText(kind, name, params, "", "", origin, note)
    offer = registry.find(kind, name)
    same = not trained or offer.source_hash() == trained.source
    note = "" if same else "The source below is not the code that was trained: its hash is not the record's."
    return PluginText(kind, name, params, inspect.getdoc(offer.thing) or "", _source(offer), origin, note)


def _source(offer: Offer) -> str:
    """The file that defines the plugin, and the other files of a plugin of several files, each under its name."""
    try:
        defined = Path(inspect.getfile(offer.thing)).resolve()
        texts = [defined.read_text(encoding="utf-8")]
        own = dict.fromkeys(file for file in (offer.source.file, *offer.source.modules.values()) if file)
        others = [file for file in own if file != defined and file.suffix == ".py"] if defined in own else []
        texts += [f"# {file.name}\n{file.read_text(encoding='utf-8')}" for file in others]
    except (OSError, TypeError, UnicodeDecodeError):
        return ""
    return "\n\n".join(texts)
