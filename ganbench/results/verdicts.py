"""A run's verdict: the worst of the faults that its metrics found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ganbench.registry.contracts import Fault, FaultKind
from ganbench.results.records import Verdict

GROUPS: tuple[tuple[FaultKind, ...], ...] = (
    ("collapsed", "memorising"), ("partial", "imbalanced"), ("low quality",),
    ("too narrow", "too wide"), ("distorted",),
)  # fmt: skip
"""Worst first. Mode counts mean little if the samples are copies of the training data, and the shape of a mode means
little if modes are missing, so only the worst is reported. A severe fault comes before the group above its own."""
ORDER: tuple[FaultKind, ...] = tuple(kind for group in GROUPS for kind in group)
NOT_COMPARED = "not compared"
"""The verdict if limits need honest samples and there are too few, and no other fault was found."""


def verdict(found: Mapping[str, Sequence[Fault]], not_compared: str = "") -> Verdict | None:
    """A record's verdict from the faults of each metric that looks for some; None if no metric does.

    `fault` is the worst kind or `ok`, `text` the same with its counts, `by` each metric's faults. `not_compared` says
    why nothing could be compared with honest samples: then faultless samples are not called ok.
    """
    if not found:
        return None
    faults = sorted((fault for own in found.values() for fault in own), key=_rank)
    by = {metric: tuple(own) for metric, own in found.items()}
    if not faults:
        return Verdict(NOT_COMPARED, f"{NOT_COMPARED}: {not_compared}", by) if not_compared else Verdict("ok", "ok", by)
    worst = faults[0]
    return Verdict(worst.kind, _text(worst.kind, [_extent(found.values(), worst.kind)]), by)


def _rank(fault: Fault) -> tuple[int, bool, int]:
    group = next(i for i, kinds in enumerate(GROUPS) if fault.kind in kinds)
    return max(group - fault.severe, 0), not fault.severe and group > 0, ORDER.index(fault.kind)


Extent = tuple[int | None, int | None]


def _extent(found: Iterable[Sequence[Fault]], kind: str) -> Extent:
    """The count of a kind of fault, from a metric that counted it."""
    own = [(fault.count, fault.of) for faults in found for fault in faults if fault.kind == kind]
    return next((extent for extent in own if extent[0] is not None), (None, None))


def faulty(verdicts: Sequence[Verdict | None]) -> bool:
    """Whether at least half of the seeds that were compared with honest samples, or have a fault, have a fault."""
    known = [found.fault != "ok" for found in verdicts if found and found.fault != NOT_COMPARED]
    return bool(known) and 2 * sum(known) >= len(known)


def summary(verdicts: Sequence[Verdict | None]) -> str:
    """Several seeds' verdicts: `ok`, `partial (12-21 of 25)`, or `5 ok, 3 partial (6-7 of 8)`.

    Seeds without a verdict are counted, unless none has one.
    """
    groups: dict[str, list[Extent]] = {}
    for found in verdicts:
        if found:
            groups.setdefault(found.fault, []).append(_extent(found.by.values(), found.fault))
    order = [kind for kind in ("ok", NOT_COMPARED, *ORDER) if kind in groups]
    missing = sum(not found for found in verdicts)
    if len(order) == 1 and not missing:
        return _text(order[0], groups[order[0]])
    parts = [f"{len(groups[kind])} {_text(kind, groups[kind])}" for kind in order]
    return ", ".join([*parts, *([f"{missing} not evaluated"] if missing and order else [])])


def _text(kind: str, extents: Sequence[Extent]) -> str:
    counts = sorted(count for count, _ in extents if count is not None)
    if not counts:
        return kind
    span = str(counts[0]) if counts[0] == counts[-1] else f"{counts[0]}-{counts[-1]}"
    of = next((of for _, of in extents if of is not None), None)
    return f"{kind} ({span} of {of})" if of is not None else f"{kind} ({span})"
