"""A run's verdict: the worst of the faults that its metrics found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ganbench.registry.contracts import Fault, FaultKind
from ganbench.results.records import Verdict

ORDER: tuple[FaultKind, ...] = ("collapsed", "memorising", "low quality", "partial")
"""Worst first. Mode counts mean little if quality is low, and quality means little if the samples are
copies of the training data, so only the worst is reported."""


def verdict(found: Mapping[str, Sequence[Fault]]) -> Verdict | None:
    """A record's verdict from the faults of each metric that looks for some; None if no metric does.

    `fault` is the worst kind or `ok`, `text` the same with its counts, `by` each metric's faults.
    """
    if not found:
        return None
    faults = sorted((fault for own in found.values() for fault in own), key=lambda fault: ORDER.index(fault.kind))
    by = {metric: tuple(own) for metric, own in found.items()}
    if not faults:
        return Verdict("ok", "ok", by)
    worst = faults[0]
    return Verdict(worst.kind, _text(worst.kind, [(worst.count, worst.of)]), by)


def summary(verdicts: Sequence[Verdict | None]) -> str:
    """Several seeds' verdicts: `ok`, `partial (12-21 of 25)`, or `5 ok, 3 partial (6-7 of 8)`.

    Seeds without a verdict are counted, unless none has one.
    """
    groups: dict[str, list[tuple[int | None, int | None]]] = {}
    for found in verdicts:
        if found:
            own = [fault for faults in found.by.values() for fault in faults if fault.kind == found.fault]
            extent = (own[0].count, own[0].of) if own else (None, None)
            groups.setdefault(found.fault, []).append(extent)
    order = [kind for kind in ("ok", *ORDER) if kind in groups]
    missing = sum(not found for found in verdicts)
    if len(order) == 1 and not missing:
        return _text(order[0], groups[order[0]])
    parts = [f"{len(groups[kind])} {_text(kind, groups[kind])}" for kind in order]
    return ", ".join([*parts, *([f"{missing} not evaluated"] if missing and order else [])])


def _text(kind: str, extents: Sequence[tuple[int | None, int | None]]) -> str:
    counts = sorted(count for count, _ in extents if count is not None)
    if not counts:
        return kind
    span = str(counts[0]) if counts[0] == counts[-1] else f"{counts[0]}-{counts[-1]}"
    return f"{kind} ({span} of {extents[0][1]})"
