"""Reads the keys of a suite that say how its variants are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.registry.contracts import ScoreKind
from ganbench.suite.family import FamilySettings
from ganbench.suite.fields import known_keys
from ganbench.suite.labels import Label, only
from ganbench.suite.yaml import Node, Problems

KEYS = ("reference", "primary", "paired", "margins")
"""The keys of a suite that this module reads."""
Scores = Mapping[str, Mapping[str, ScoreKind]]
"""dataset -> score -> kind, for the datasets whose metrics are known."""


def read(
    nodes: Mapping[str, Node], labels: Mapping[str, Sequence[Label]], scores: Scores, problems: Problems
) -> FamilySettings:
    """The settings in a suite's keys; what is wrong becomes a problem at its line.

    `labels` are those of each axis of the suite, by kind.
    """
    paired = nodes.get("paired", Node(False))
    if not isinstance(paired.value, bool):
        problems.add(paired, f"paired must be true or false, got {paired.plain()!r}")
    return FamilySettings(
        reference=_reference(nodes.get("reference", Node({})), labels, problems),
        primary=_primary(nodes.get("primary", Node({})), labels["dataset"], scores, problems),
        paired=paired.value is True,
        margins=_margins(nodes.get("margins", Node({})), scores, problems),
    )


def _mapping(node: Node, key: str, example: str, problems: Problems) -> dict[str, Node]:
    if isinstance(node.value, dict):
        return node.value
    problems.add(node, f"'{key}' must be a mapping, such as {key}: {example}")
    return {}


def _label(node: Node, name: str, kind: str, labels: Sequence[Label], problems: Problems) -> str | None:
    """The one label that a name means."""
    try:
        return only(labels, name, f"the suite has no {kind}").text
    except UsageError as error:
        problems.add(node, str(error))
        return None


def _reference(node: Node, labels: Mapping[str, Sequence[Label]], problems: Problems) -> dict[str, str]:
    """The loss and the architecture of the reference, by their labels."""
    own = _mapping(node, "reference", "{loss: nonsaturating}", problems)
    if own:
        known_keys(node, ["loss", "architecture"], problems)
    found: dict[str, str] = {}
    for kind in ("loss", "architecture"):
        if kind not in own:
            continue
        name = own[kind]
        if not isinstance(name.value, str):
            problems.add(name, f"reference: {kind} must be a name, got {name.plain()!r}")
        elif (label := _label(name, name.value, kind, labels[kind], problems)) is not None:
            found[kind] = label
    return found


def _primary(node: Node, datasets: Sequence[Label], scores: Scores, problems: Problems) -> dict[str, str]:
    """The primary score of each dataset that names one, by the dataset's label."""
    found = {}
    own = _mapping(node, "primary", "{digits: FID}", problems)
    for name, score in own.items():
        dataset = _label(node.key(name), name, "dataset", datasets, problems)
        if not isinstance(score.value, str):
            problems.add(score, f"primary: {name} must be the name of a score, got {score.plain()!r}")
        elif dataset is not None:
            known = list(scores.get(dataset, ()))
            if known and score.value not in known:
                text = f"no metric of {name} gives a score {score.value!r}{suggestion(score.value, known)}"
                problems.add(score, f"{text} (scores are named without their extractor: {', '.join(known)})")
            found[dataset] = score.value
    return found


def _margins(node: Node, scores: Scores, problems: Problems) -> dict[str, float]:
    """The margin of each score within which variants are called equal."""
    kinds = {score: kind for own in scores.values() for score, kind in own.items()}
    found = {}
    for name, margin in _mapping(node, "margins", "{FID: 1.1, modes: 0.5}", problems).items():
        value = margin.value
        factor = kinds.get(name) == "log"
        least = 1 if factor else 0
        if kinds and name not in kinds:
            problems.add(
                node.key(name), f"no metric of this suite gives a score {name!r}{suggestion(name, list(kinds))}"
            )
        if isinstance(value, bool) or not isinstance(value, int | float) or not least < value < float("inf"):
            what = "a factor > 1, because it varies by factors," if factor else "a difference > 0,"
            problems.add(margin, f"the margin of {name} must be {what} got {margin.plain()!r}")
        else:
            found[name] = float(value)
    return found
