"""Protocol cards: how a score was measured, and whether two scores may stand side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganbench.errors import UsageError
from ganbench.formatting import ranges

Card = Mapping[str, Any]
OWN = ("seeds",)
"""What belongs to a variant, not to the protocol."""
YARDSTICK = (*OWN, "generator", "checkpoint", "fake_samples")
"""What a yardstick cannot have in common with a generator: where its samples came from, and how many there are."""


def differences(card: Card, other: Card, ignored: tuple[str, ...] = OWN) -> dict[str, tuple[Any, Any]]:
    """The fields in which two cards differ, with both values."""
    fields = dict.fromkeys([*card, *other])
    return {
        field: (card.get(field), other.get(field))
        for field in fields
        if field not in ignored and card.get(field) != other.get(field)
    }


def check(score: str, cards: Mapping[str, Card], ignored: tuple[str, ...] = OWN) -> None:
    """Raise `UsageError` where two of the cards {whose: card} of a score differ, naming the fields."""
    named = iter(cards.items())
    whose, first = next(named, ("", {}))
    for other, card in named:
        found = differences(first, card, ignored)
        if found:
            what = "; ".join(f"{field} {shown(a)} against {shown(b)}" for field, (a, b) in found.items())
            raise UsageError(
                f"{score} of {whose} and of {other} were measured under different protocols and cannot stand "
                f"side by side: {what}. Measure both one way: run them again in one suite."
            )


def shown(value: Any) -> str:
    """A field's value in a sentence."""
    if isinstance(value, Mapping) and set(value) == {"name", "params"}:
        params = ", ".join(f"{key}={item}" for key, item in value["params"].items())
        return f"{value['name']}({params})" if params else str(value["name"])
    return "none" if value is None else str(value)


def sentence(card: Card) -> str:
    """The protocol in words: counts, split, judge, which generator at which checkpoint."""
    parts = []
    if card.get("fake_samples"):
        parts.append(f"{card['fake_samples']:,} fake against {card['real_samples']:,} real samples")
        parts[-1] += f" (split {card['split']})"
    if card.get("extractor"):
        parts.append(f"features of {shown(card['extractor'])}, weights {card['weights']}")
    if card.get("resize"):
        parts.append(f"resize {card['resize']}")
    if card.get("generator"):
        words = {"raw": "raw generator", "ema": "averaged generator (EMA)"}
        generator = words.get(card["generator"], str(card["generator"]))
        parts.append(generator + (f", {_checkpoint(card['checkpoint'])}" if card.get("checkpoint") else ""))
    if card.get("seeds"):
        parts.append(f"seeds {ranges(card['seeds'])}")
    return "; ".join(parts)


def _checkpoint(text: str) -> str:
    return text if "snapshot" in text else f"{text} checkpoint"
