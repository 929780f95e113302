"""Notes below a table: failures, minimum detectable differences, protocols."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ganbench.analysis.score_table import TableRow
from ganbench.formatting import number
from ganbench.results import protocol
from ganbench.results.records import ProtocolCard, Record
from ganbench.statistics import ranking


def failures(records: dict[int, Record | None]) -> tuple[str, ...]:
    """One note per kind of failure: `2 of 8 seeds diverged: a loss was not finite at step 100`."""
    groups: dict[tuple[str, str], list[int | None]] = {}
    for record in records.values():
        if record is None:
            groups.setdefault(("not run yet", ""), []).append(None)
        elif record.failure is not None:
            groups.setdefault((record.failure.kind, record.failure.message), []).append(record.failure.step)
    return tuple(
        f"{len(steps)} of {len(records)} seeds {status}" + (f": {reason}" if reason else "") + _at_steps(steps)
        for (status, reason), steps in groups.items()
    )


def _at_steps(steps: list[int | None]) -> str:
    """` at step 100`, ` at steps 1 to 14`; the same failure of several seeds is one note."""
    known = sorted({step for step in steps if step is not None})
    if not known:
        return ""
    return f" at step {known[0]}" if len(known) == 1 else f" at steps {known[0]} to {known[-1]}"


def missing(reasons: Mapping[int, Mapping[str, str]], cards: Mapping[str, ProtocolCard]) -> tuple[str, ...]:
    """One note per reason for which metrics gave no score: `KID: no score in 2 of 8 seeds: ValueError: no root`.

    `reasons` holds by seed the metrics that failed and why; `cards` are the table's, which name a metric's scores.
    """
    groups: dict[str, dict[str, list[int]]] = {}
    for seed, own in reasons.items():
        for metric, reason in own.items():
            groups.setdefault(reason, {}).setdefault(metric, []).append(seed)
    return tuple(
        f"{_scores_of(metrics, cards)}: no score in {len(set().union(*metrics.values()))} of {len(reasons)} "
        f"seeds: {reason}"
        for reason, metrics in groups.items()
    )


def missing_in_reference(reasons: Mapping[str, str], cards: Mapping[str, ProtocolCard]) -> tuple[str, ...]:
    """The same for a reference, which has no seeds."""
    groups: dict[str, list[str]] = {}
    for metric, reason in reasons.items():
        groups.setdefault(reason, []).append(metric)
    return tuple(f"{_scores_of(metrics, cards)}: no score: {reason}" for reason, metrics in groups.items())


def _scores_of(metrics: Iterable[str], cards: Mapping[str, ProtocolCard]) -> str:
    """The table's names of the scores of metrics; a metric that gave none anywhere goes by its own name."""
    names = {metric: [label for label, card in cards.items() if card.metric.name == metric] for metric in metrics}
    return ", ".join(label for metric, labels in names.items() for label in labels or [f"metric {metric}"])


def snapshots(records: list[Record]) -> tuple[str, ...]:
    """The snapshots at which a variant's seeds were read, if not at the end of training."""
    read = [record.read_at for record in records if record.read_at is not None]
    if not read:
        return ()
    steps, seconds = (_span([at[i] for at in read]) for i in (0, 1))
    together = _span([record.provenance.stack or 1 for record in records if record.read_at is not None])
    return (f"read at step {steps}, after {seconds} s of training per seed, {together} trained together",)


def _span(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def paths(records: list[Record]) -> tuple[str, ...]:
    """A note if a variant's seeds were trained by several execution strategies, which differ in rounding."""
    paths = sorted({record.provenance.path or "" for record in records} - {""})
    if len(paths) < 2:
        return ()
    return (f"its seeds were trained by several execution strategies ({', '.join(paths)}), which differ in rounding",)


def table_notes(rows: list[TableRow], columns: Mapping[str, str], comparisons: int) -> list[str]:
    """The notes on a whole table with `comparisons` tested pairs: too few seeds, failures, power, protocol."""
    variants = [row for row in rows if row.kind == "variant" and row.n]
    notes = _few(variants, columns)
    if any(row.failed for row in variants):
        notes.append(
            "Means and intervals are over the seeds that finished; in ranks every failed seed counts as the worst "
            "(permutation test on ranks)."
        )
    if any(row.missing for row in variants):
        notes.append(
            "A seed whose metric failed has no part in that score's mean, and counts as the worst in its rank."
        )
    return [*notes, *_power(variants, columns, comparisons), *_protocols(variants, columns)]


def _few(variants: list[TableRow], columns: Mapping[str, str]) -> list[str]:
    """The variants with too few seeds to be compared, in all scores or in some."""
    few: dict[str, list[str]] = {}
    for row in variants:
        short = [name for name in columns if row.sample(name).size < ranking.MIN_SEEDS]
        if short:
            few.setdefault("" if len(short) == len(columns) else f" in {', '.join(short)}", []).append(row.title)
    return [
        f"{', '.join(titles)}: too few seeds for a comparison{where}; at least {ranking.MIN_SEEDS} are required."
        for where, titles in few.items()
    ]


def _power(variants: list[TableRow], columns: Mapping[str, str], comparisons: int) -> list[str]:
    """The minimum detectable difference in each score."""
    parts: dict[int, list[str]] = {}
    for name in columns:
        scale = variants[0].scores[name].scale if variants else "linear"
        found = ranking.detectable([row.sample(name) for row in variants], comparisons, scale)
        if found is not None:
            text = f"{name} {'a factor of ' if scale == 'log' else ''}{number(found.gap)}"
            parts.setdefault(found.seeds, []).append(text)
    return [
        f"Minimum detectable difference ({seeds} seeds, {100 * ranking.POWER:.0f} % power): {', '.join(texts)}."
        for seeds, texts in parts.items()
    ]


def _protocols(variants: list[TableRow], columns: Mapping[str, str]) -> list[str]:
    """The protocol cards in words, one note for the scores that share one."""
    groups: dict[str, list[str]] = {}
    for name in columns:
        card = next((row.scores[name].protocol for row in variants if row.scores[name].values), None)
        if card is not None:
            seeds = sorted({seed for row in variants for seed in row.scores[name].seeds})
            groups.setdefault(protocol.sentence(replace(card, seeds=tuple(seeds))), []).append(name)
    if len(groups) == 1:
        return [f"Protocol: {next(iter(groups))}."]
    return [f"Protocol of {', '.join(names)}: {text}." for text, names in groups.items()]
