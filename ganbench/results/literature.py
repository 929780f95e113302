"""Values from the literature, each with its source and its protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganbench.registry.registry import Registry
from ganbench.suite.fields import known_keys
from ganbench.suite.labels import Label
from ganbench.suite.yaml import Node, Problems, read_mapping

TEXTS = ("source", "short", "dataset", "protocol")


@dataclass(frozen=True)
class PublishedRow:
    """One row of a publication. `scores` holds, by score, the value and the text printed beside it."""

    variant: str
    dataset: str
    scores: dict[str, tuple[float, str]]
    source: str
    short: str
    protocol: str

    @property
    def name(self) -> str:
        """What the variant is called everywhere: `WGAN-GP` of `WGAN-GP (ResNet)`."""
        return self.variant.partition(" (")[0]


Published = Mapping[str, Sequence[PublishedRow]]
"""Rows of publications by the labels of datasets."""


def load(path: Path) -> tuple[str, list[PublishedRow]]:
    """The description of a file, and its rows.

    Raises `UsageError` with every problem and its line and column.
    """
    form = "published values are a mapping with the keys about and entries"
    _, root, problems = read_mapping(path, "published values", form)
    known_keys(root, ["about", "entries"], problems)
    entries = root.value.get("entries", Node([]))
    if not isinstance(entries.value, list):
        problems.add(entries, "'entries' must be a list")
        problems.check()
    found = [row for entry in entries.value for row in _rows(entry, problems)]
    problems.check()
    return str(root.value.get("about", Node("")).value), found


def _rows(entry: Node, problems: Problems) -> list[PublishedRow]:
    if not isinstance(entry.value, dict):
        problems.add(entry, f"an entry is a mapping with the keys {', '.join(TEXTS)}, rows")
        return []
    known_keys(entry, [*TEXTS, "rows"], problems)
    texts = {key: entry.value.get(key, Node("")).value for key in TEXTS}
    for key, value in texts.items():
        if not isinstance(value, str) or not value:
            problems.add(entry, f"an entry needs {key!r}, a text: a value cannot be shown without it")
    rows = entry.value.get("rows", Node({}))
    if not isinstance(rows.value, dict) or not rows.value:
        problems.add(rows if rows.line else entry, "an entry needs 'rows', as in GAN: {FID: [9.8, ± 0.9]}")
        return []
    return [PublishedRow(name, scores=_scores(node, problems), **texts) for name, node in rows.value.items()]


def _scores(node: Node, problems: Problems) -> dict[str, tuple[float, str]]:
    values: object = node.plain()
    if not isinstance(values, dict):
        problems.add(node, "scores are a mapping, as in {FID: [9.8, ± 0.9]}")
        return {}
    found = {}
    for score, value in values.items():
        pair = value if isinstance(value, list) else [value, ""]
        good = len(pair) == 2 and isinstance(pair[0], int | float) and not isinstance(pair[0], bool)
        if good and isinstance(pair[1], str):
            found[score] = (float(pair[0]), pair[1])
        else:
            problems.add(node, f"{score} must be a number, or [number, text beside it], not {value!r}")
    return found


def published_rows(registry: Registry, datasets: Iterable[Label]) -> Published:
    """The rows that the registry's files hold for some datasets, by the datasets' labels.

    The hyperparameters of a dataset do not matter. Raises `UsageError` if a file is wrong.
    """
    found = all_rows(registry)
    return {label.text: found[label.name] for label in datasets if label.name in found}


def all_rows(registry: Registry) -> Published:
    """All rows that the registry's files hold, by the names of datasets. Raises `UsageError` if a file is wrong."""
    found: dict[str, list[PublishedRow]] = {}
    for offers in registry.offers("published").values():
        for offer in offers:
            for row in load(offer.thing)[1]:
                found.setdefault(row.dataset, []).append(row)
    return found
