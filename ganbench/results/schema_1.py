"""Records of schema 1, which hold training and scores in one file, as files of the current schema."""

from __future__ import annotations

import re
from typing import Any

EVALUATION_ID = "1"
"""Stands for the evaluation of a record of schema 1, which has no identity of its own."""
SCORES = ("metrics", "cards", "verdict", "histogram", "snapshots")


def split(raw: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """A run's record as the record of its training and the file of its scores; no scores if the training failed.

    The failure comes from its reason, the scores' names from their labels. Raises `ValueError` if the spec is not
    an object.
    """
    found = named(raw)
    spec = found.get("spec")
    if not isinstance(spec, dict):
        raise ValueError("$.spec: is not an object")
    status = found.get("status", "ok")
    if status != "ok" and isinstance(found.get("reason", ""), str):
        found["failure"] = _failure_from_reason(status, found.get("reason", ""))
    evaluation = spec.get("evaluation")
    scores = {key: found.pop(key) for key in SCORES if key in found}
    found["spec"] = {key: value for key, value in spec.items() if key != "evaluation"}
    if evaluation is None:
        return found, None
    facts = {"schema": raw.get("schema"), "id": EVALUATION_ID, "run": found.get("id"), "evaluation": evaluation}
    return found, {**facts, "provenance": found.get("provenance", {}), **scores}


def named(raw: dict[str, Any]) -> dict[str, Any]:
    """A record whose cards have the names and kinds of their scores, without the keys that are null."""
    found = {key: value for key, value in raw.items() if value is not None}
    cards = found.get("cards")
    if isinstance(cards, dict):
        found["cards"] = {label: _upgraded(label, card) for label, card in cards.items()}
    return found


def _failure_from_reason(status: object, reason: str) -> dict[str, object]:
    """The parts of a failure's text: schema 1 held nothing else."""
    match = re.match(r"(.*?)(?: (at|after) step (\d+))?$", reason, re.DOTALL)
    limit = re.search(r"it ran longer than ([\d.]+) s", reason) if status == "timeout" else None
    assert match is not None
    message, when, step = match.groups()
    return {
        "kind": status,
        "message": message,
        "step": int(step) if step else None,
        "after": when == "after",
        "limit_seconds": float(limit[1]) if limit else None,
    }


def _upgraded(label: str, card: object) -> object:
    """A card with its score's own name, which is its label without the extractor, and its kind.

    Cards of schema 1 tell `log` from `linear` alone.
    """
    if not isinstance(card, dict):
        return card
    extractor = card.get("extractor")
    suffix = f"[{extractor.get('name')}]" if isinstance(extractor, dict) else ""
    score = label.removesuffix(suffix) if suffix else label
    return {"score": score, "kind": card.get("scale", "linear"), **card}
