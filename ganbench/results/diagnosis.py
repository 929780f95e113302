"""Diagnosis of a run from its training signals: collapse, explosion, imbalance of the players, and their onset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from math import isfinite
from statistics import median
from typing import NamedTuple

from ganbench.results.records import Finding, Record
from ganbench.signals import SIGNALS

COLLAPSE, EXPLOSION = 0.5, 2.0
"""Limits of diversity, the mean distance between fakes over that between reals."""
BEHIND, OFTEN = 0.4, 0.1
"""A D that follows G ranks P(D(x) > D(G(z))) >= 1/2; weak is one below `BEHIND` in a share
`OFTEN` of the rows. The Jensen-Shannon estimate cannot show this: it stays near 0 for a D that is too
small, and for a perfect G."""
AHEAD, SURE = 0.5, 0.65
"""Jensen-Shannon estimates (nats, log 2 at most) of a D that wins, and of one that is sure of either side."""
VANISHED, NOTHING = 0.01, 1e-6
"""G's gradient norm over its largest before; and the norm below which Adam's epsilon keeps G still."""
ARMED = (500, 0.1, 0.5)
"""A run is diagnosed from step 500 or a tenth of its length, whichever is later; its middle at the latest."""
LEAST = 5
"""Minimum number of rows of a finding."""


class Row(NamedTuple):
    """One recorded row: the signals by name, and the largest gradient norm of G so far."""

    at: dict[str, float]
    largest: float

    @property
    def collapsed(self) -> bool:
        return self.at["diversity"] < COLLAPSE

    @property
    def vanished(self) -> bool:
        """A collapse makes D sure, so that for collapsed fakes only a gradient of zero counts."""
        gradient = self.at["g_gradient"]
        small = gradient < VANISHED * self.largest and self.at["js"] > SURE and not self.collapsed
        return small or gradient < NOTHING


class Rule(NamedTuple):
    """A flag, raised if at least a `share` of the rows in a `window` (part of all rows) show it."""

    flag: str
    fault: bool
    window: float
    share: float
    shown: Callable[[Row], bool]
    evidence: Callable[[list[Row]], str]


def _median(rows: list[Row], name: str) -> float:
    return median([row.at[name] for row in rows if isfinite(row.at[name])] or [float("nan")])


def _diversity(limit: float) -> Callable[[list[Row]], str]:
    return lambda rows: f"median diversity {_median(rows, 'diversity'):.3g} (limit {limit:g})"


def _behind(rows: list[Row]) -> str:
    share = sum(row.at["p_real_above_fake"] < BEHIND for row in rows) / len(rows)
    return f"P(D(x) > D(G(z))) below {BEHIND:g} in {share:.0%} of the rows (limit {OFTEN:.0%})"


def _vanished(rows: list[Row]) -> str:
    gradient = _median(rows, "g_gradient")
    part = gradient / rows[-1].largest if rows[-1].largest else 0.0
    sure = _median(rows, "js")
    js = f", median JS estimate {sure:.3g} (limit {SURE:g})" if sure > SURE else ""
    return f"median gradient norm of G {gradient:.2g}, {part:.2%} of its largest (limit {VANISHED:.0%}){js}"


RULES = (
    Rule("collapse", True, 0.1, 0.5, lambda row: row.collapsed, _diversity(COLLAPSE)),
    Rule("explosion", True, 0.1, 0.5, lambda row: row.at["diversity"] > EXPLOSION, _diversity(EXPLOSION)),
    Rule("weak discriminator", True, 0.5, OFTEN, lambda row: row.at["p_real_above_fake"] < BEHIND, _behind),
    Rule("vanishing gradient", True, 0.1, 0.5, lambda row: row.vanished, _vanished),
    Rule("discriminator ahead", False, 0.1, 0.5,
         lambda row: row.at["js"] > AHEAD and not row.collapsed and not row.vanished,
         lambda rows: f"median JS estimate {_median(rows, 'js'):.3g} (limit {AHEAD:g})"),
)  # fmt: skip


def diagnose(steps: Sequence[int], history: Sequence[Sequence[float]], total: int) -> list[Finding]:
    """The faults at the end of a run, each with the step since which it holds; `[]` if there are none.

    `history` holds the signals `SIGNALS` (rows, signals) recorded at `steps`, of a run of `total`
    steps. A rule must hold in every window up to the end, so a fault that was overcome is not
    reported. The rules with a Jensen-Shannon estimate need logits that are log-odds and do not apply
    if it is NaN (hinge, least squares, Wasserstein, relativistic losses); the others use diversity,
    the order of D's logits and G's gradient, which mean the same for every loss. The limits are the
    same for points and images (`benchmarks.diagnosis` counts hits and false alarms). No rule finds
    fakes that cover some modes and miss others: that takes mode counts or coverage at evaluation.
    """
    armed = min(max(ARMED[0], ARMED[1] * total), ARMED[2] * total)
    if len(steps) < LEAST or steps[-1] < armed:
        return []
    rows = _rows(history)
    found = []
    for rule in RULES:
        first = _onset(rule, rows)
        if first is not None:
            evidence = rule.evidence(rows[first:])
            found.append(Finding(rule.flag, steps[first], rule.fault, evidence))
    return found


def _rows(history: Sequence[Sequence[float]]) -> list[Row]:
    """The rows by name; the largest gradient is taken of medians of five, so that one spike does not count."""
    named = [dict(zip(SIGNALS, row, strict=True)) for row in history]
    norms = [row["g_gradient"] if isfinite(row["g_gradient"]) else 0.0 for row in named]
    smooth = [median(norms[max(0, i - 2) : i + 3]) for i in range(len(norms))]
    return [Row(at, largest) for at, largest in zip(named, accumulate([norms[0], *smooth[1:]], max), strict=True)]


def _onset(rule: Rule, rows: list[Row]) -> int | None:
    """The first row of the unbroken run of windows, up to the end, in which the rule holds."""
    shown = [rule.shown(row) for row in rows]
    size = max(LEAST, round(rule.window * len(rows)))
    start = len(rows) - size
    if start < 0 or not _holds(rule, shown, start, size):
        return None
    while start > 0 and _holds(rule, shown, start - 1, size):
        start -= 1
    return next(i for i in range(start, len(rows)) if shown[i])


def _holds(rule: Rule, shown: list[bool], start: int, size: int) -> bool:
    return sum(shown[start : start + size]) >= rule.share * size


def diagnoses(records: Iterable[Record | None]) -> tuple[str, ...]:
    """One note per fault over a variant's seeds: `3 of 8 seeds: collapse (since step 1200 at the earliest)`.

    Records that are missing, or were written before there was a diagnosis, count as seeds without a finding.
    """
    seeds = list(records)
    since: dict[str, list[int]] = {}
    for record in seeds:
        for finding in (record.diagnosis if record else None) or ():
            if finding.fault:
                since.setdefault(finding.flag, []).append(finding.since)
    return tuple(
        f"{len(found)} of {len(seeds)} seeds: {flag} (since step {min(found)} at the earliest)"
        for flag, found in since.items()
    )
