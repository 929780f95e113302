"""Notes below a table: what is tested, failures, detectable differences, protocols."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import fsum

from ganbench.analysis import equal_counts
from ganbench.analysis.score_table import Table, TableRow
from ganbench.formatting import number
from ganbench.results import protocol
from ganbench.results.protocol_card import ProtocolCard
from ganbench.results.records import Evaluation, Record
from ganbench.results.verdicts import NOT_COMPARED
from ganbench.statistics import differences
from ganbench.statistics.rank_distribution import MAX_COUNTED

WELCH_T, PAIRED_T = "Welch's t", "Student's t paired by seed"
"""The tests of scores that are no counts, in words."""
SADDLEPOINT = f"a saddlepoint approximation where more than {MAX_COUNTED} values lie outside the largest tie"
"""How the ranks of many seeds are tested."""


def failures(records: dict[int, Record | None]) -> tuple[str, ...]:
    """One note per kind of failure: `2 of 8 seeds diverged: a loss was not finite at step 100`."""
    groups: dict[tuple[str, str], list[int | None]] = {}
    for record in records.values():
        if record is None:
            groups.setdefault(("not run yet", ""), []).append(None)
        elif record.ok and not record.evaluated:
            groups.setdefault(("not evaluated yet in this way", ""), []).append(None)
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


def not_compared(evaluations: Iterable[Evaluation]) -> tuple[str, ...]:
    """Why samples have no verdict: `not compared: 40 held-out samples, 200 are needed`, once for each reason."""
    found = [one.verdict for one in evaluations if one.verdict is not None]
    return tuple(dict.fromkeys(one.text for one in found if one.fault == NOT_COMPARED))


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


def not_applicable(evaluations: Iterable[Evaluation], cards: Mapping[str, ProtocolCard]) -> tuple[str, ...]:
    """One note per reason for which metrics do not suit a row's samples."""
    groups: dict[str, dict[str, None]] = {}
    for evaluation in evaluations:
        for metric, reason in evaluation.not_applicable.items():
            groups.setdefault(reason, {})[metric] = None
    return tuple(f"{_scores_of(metrics, cards)}: not applicable: {reason}" for reason, metrics in groups.items())


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


def reruns(records: list[Record]) -> tuple[str, ...]:
    """A note if seeds were trained on a GPU without deterministic algorithms, so that no rerun gives their scores."""
    free = [
        record
        for record in records
        if not record.spec.train.deterministic and (record.provenance.device or "").startswith("cuda")
    ]
    if not free:
        return ()
    return (
        f"{len(free)} of {len(records)} seeds were trained with `deterministic: false`: a rerun differs in rounding",
    )


def table_notes(table: Table) -> list[str]:
    """The notes on a whole table: what is tested and how, too few seeds, failures, power, protocol."""
    variants = table.variants
    notes = [*_tested(table), *_approximated(table), *_few(table)]
    if any(row.failed for row in variants):
        notes.append(
            "Means and intervals are over the seeds that finished; in comparisons every failed seed counts as the "
            "worst (permutation test on ranks)."
        )
    if any(row.missing for row in variants):
        notes.append(
            "A seed whose metric failed has no part in that score's mean, and counts as the worst in its comparisons."
        )
    return [
        *notes,
        *equal_counts.note(table),
        *_not_on_logs(variants),
        *_power(table),
        *_protocols(variants, table.columns),
        *_evaluation_noise(variants, table.columns),
    ]


def _tested(table: Table) -> list[str]:
    """Which score is tested, by which test, as how many of the suite's comparisons; that the others are not."""
    here, family = table.comparisons, table.family
    if not here or family is None or not table.columns:
        return []
    if not table.primary:
        return [f"No run on {table.dataset} has the suite's primary score {family.settings.primary[table.dataset]}."]
    if all(one.claim == "no variation" for one in here):
        return [f"{table.primary} is the same in all seeds of all variants, so there is nothing to test."]
    reference = " x ".join(family.reference.values())
    whom = f"each variant with {reference}" if reference else "all pairs"
    count = "one comparison" if len(here) == 1 else f"{len(here)} comparisons"
    family_text = "" if family.m == len(here) else f" of the suite's {family.m}"
    correction = ""
    if family.m > 1:
        correction = f", claimed if p x {family.m} < .05 (Bonferroni)"
        if any(one.difference and one.difference.low is not None for one in here):
            correction += f", intervals of differences at {100 * family.level:.2f} %"
    others = "; all other scores are exploratory" if len(table.columns) > 1 else ""
    return [f"Tested: {table.primary} {_test(table)}, {whom}, {count}{family_text}{correction}{others}."]


def _test(table: Table) -> str:
    """The test of the primary score in words."""
    score = next(row.scores[table.primary] for row in table.variants)
    if score.kind == "count":
        return "by exact permutation of ranks"
    paired = table.family is not None and table.family.settings.paired
    return f"by {PAIRED_T if paired else WELCH_T}{' on logarithms' if score.logs else ''}"


def by_saddlepoint(table: Table) -> int:
    """The comparisons whose ranks are too many to be counted."""
    found = (one.difference for one in table.comparisons)
    return sum(one is not None and one.test == differences.RANKS_BY_SADDLEPOINT for one in found)


def _approximated(table: Table) -> list[str]:
    """How many tests of ranks are not exact, and what is used for them."""
    count = by_saddlepoint(table)
    of = f"{count} of the {len(table.comparisons)} comparisons" if len(table.comparisons) > 1 else "the comparison"
    return [f"Ranks of {of} are not counted but tested by {SADDLEPOINT}."] if count else []


def _few(table: Table) -> list[str]:
    """The variants with too few seeds for a claim, and seeds too few for any claim on counts."""
    short = [
        row.title
        for row in table.started
        if table.primary in row.scores and row.sample(table.primary).size < differences.MIN_SEEDS
    ]
    found = []
    if short:
        found.append(f"{', '.join(short)}: too few seeds for a claim; at least {differences.MIN_SEEDS} are required.")
    if any(one.judgment.hopeless for one in table.comparisons) and table.family:
        found.append(
            f"So few seeds can show no difference in {table.primary} by ranks, whatever their values, as one of "
            f"{table.family.m} comparisons; more seeds, or a reference in the suite, can."
        )
    return found


def _not_on_logs(variants: list[TableRow]) -> list[str]:
    """The scores that vary by factors but have values without a logarithm."""
    names = dict.fromkeys(
        name
        for row in variants
        for name, one in row.scores.items()
        if one.kind == "log" and one.values and not one.logs
    )
    if not names:
        return []
    return [f"Not computed on logarithms, because some values are not above 0: {', '.join(names)}."]


def _power(table: Table) -> list[str]:
    """The smallest differences that the inconclusive comparisons would have found."""
    open_ = [one.judgment for one in table.comparisons if one.claim == "inconclusive"]
    gaps = [one.detectable for one in open_ if one.detectable is not None]
    if not gaps:
        return []
    ratio = any(one.difference is not None and one.difference.ratio for one in open_)
    what = "a factor of " if ratio else ""
    low, high = number(min(gaps)), number(max(gaps))
    size = f"{what}{low}" if low == high else f"{what}{low} to {high}, depending on the pair"
    power = f"{100 * differences.POWER:.0f} % power"
    return [f"Found with {power} where inconclusive: a difference in {table.primary} of {size}."]


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


def _evaluation_noise(variants: list[TableRow], columns: Mapping[str, str]) -> list[str]:
    """How much of the variance between seeds other latents of the same generators make."""
    parts = []
    for name in columns:
        rows = [row for row in variants if name in row.noise and len(row.scores[name].values) >= differences.MIN_SEEDS]
        between = fsum(row.scores[name].variance for row in rows)
        if between > 0:
            share = 100 * fsum(row.noise[name] for row in rows) / between
            parts.append(f"{name} {share:.0f} %" if share >= 1 else f"{name} below 1 %")
    if not parts:
        return []
    return [f"Evaluation noise (other latents for one generator of each variant) as a share of the variance between "
            f"seeds: {', '.join(parts)}."]  # fmt: skip
