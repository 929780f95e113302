"""Whether two scores are comparable by their protocol cards, and a card in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from ganbench.errors import UsageError
from ganbench.formatting import ranges
from ganbench.registry.choice import Choice
from ganbench.results.protocol_card import ProtocolCard

VARIANT_FIELDS = ("seeds", "score", "kind")
"""Fields of a card that belong to a variant or to the score itself, not to the protocol."""
GENERATOR_FIELDS = ("generator", "checkpoint", "snapshot_within", "truncation", "standing_statistics")
REFERENCE_FIELDS = (*VARIANT_FIELDS, *GENERATOR_FIELDS, "fake_samples")
"""Fields in which a reference may differ from a generator: the source of its samples and their number."""
FIELDS = tuple(one.name for one in fields(ProtocolCard))


def differences(
    card: ProtocolCard, other: ProtocolCard, ignored: tuple[str, ...] = VARIANT_FIELDS
) -> dict[str, tuple[object, object]]:
    """The fields in which two cards differ, with both values."""
    pairs = {name: (getattr(card, name), getattr(other, name)) for name in FIELDS if name not in ignored}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def check(score: str, cards: Mapping[str, ProtocolCard], ignored: tuple[str, ...] = VARIANT_FIELDS) -> None:
    """Raise `UsageError`, naming the fields, if two of the cards {whose: card} of a score differ."""
    named = iter(cards.items())
    whose, first = next(named, ("", None))
    for other, card in named:
        found = differences(first, card, ignored) if first is not None and card is not first else {}
        if found:
            what = "; ".join(f"{name} {shown(a)} against {shown(b)}" for name, (a, b) in found.items())
            raise UsageError(
                f"{score} of {whose} and of {other} were measured under different protocols and cannot be compared: "
                f"{what}. Run both again in one suite."
            )


def shown(value: object) -> str:
    """A field's value in a sentence."""
    if isinstance(value, Choice):
        return value.text
    return "none" if value is None else str(value)


def sentence(card: ProtocolCard) -> str:
    """The protocol in words: counts, split, extractor, which generator at which checkpoint."""
    parts = []
    if card.fake_samples:
        parts.append(f"{card.fake_samples:,} fake against {card.real_samples:,} real samples (split {card.split})")
    if card.extractor:
        parts.append(f"features of {shown(card.extractor)}, weights {card.weights}")
    if card.resize:
        parts.append(f"resize {card.resize}")
    if card.generator:
        words = {"raw": "raw generator", "ema": "averaged generator (EMA)"}
        parts.append(words.get(card.generator, card.generator) + _checkpoint(card))
    if card.truncation is not None:
        parts.append(f"latents truncated at {card.truncation:g}")
    if card.standing_statistics:
        parts.append("standing statistics of batch normalization")
    if card.seeds:
        parts.append(f"seeds {ranges(list(card.seeds))}")
    return "; ".join(parts)


def _checkpoint(card: ProtocolCard) -> str:
    if card.snapshot_within is not None:
        return f", last snapshot within {card.snapshot_within}"
    if card.checkpoint is None or not card.checkpoint.startswith("best"):
        return f", {card.checkpoint} checkpoint" if card.checkpoint else ""
    return f", {card.checkpoint}"
