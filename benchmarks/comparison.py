"""False claims and power of the family as tables print it, by simulation: `python -m benchmarks.comparison`.

A/A: tables whose variants do not differ, from distributions like those of trained runs and from the records of the
published baseline. A family errs if it claims any difference. Power: one of three comparisons has a true difference.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.random import Generator

from benchmarks import report
from ganbench.analysis import family, tables
from ganbench.analysis.family import Family
from ganbench.analysis.score_table import Score, Table, TableRow
from ganbench.registry.choice import Choice
from ganbench.registry.contracts import ScoreKind
from ganbench.results.protocol_card import ProtocolCard
from ganbench.results.store import Store
from ganbench.statistics.significance import ALPHA
from ganbench.suite.family import FamilySettings
from ganbench.suite.labels import Label, Variant
from ganbench.suite.plan_file import PlanRow, SavedPlan, load_plan

TRIALS = 4000
POWER_TRIALS = 2000
SEEDS = (5, 8, 16)
VARIANTS, DATASETS = 3, 2
"""Of an A/A suite, which compares all pairs: six comparisons."""
LIMIT = ALPHA + 2.326 * math.sqrt(ALPHA * (1 - ALPHA) / TRIALS)
"""The share of false claims that a true level of 5 % exceeds once in a hundred measurements."""
PUBLISHED = Path(__file__).parent.parent / "results" / "published" / "baseline"
Values = np.ndarray
Draw = Callable[[Generator, tuple[int, int]], Values]
"""Values of variants by seeds."""


@dataclass(frozen=True)
class Case:
    """Scores of one kind from several sources, by name; `failing` is the share of seeds that fail."""

    kind: ScoreKind
    sources: dict[str, Draw]
    paired: bool = False
    failing: float = 0.0


def resampled(samples: Sequence[Sequence[float]]) -> Draw:
    """Seeds of one variant of the published baseline, chosen anew for each table, drawn with replacement."""

    def draw(stream: Generator, shape: tuple[int, int]) -> Values:
        return stream.choice(np.array(samples[int(stream.integers(len(samples)))]), shape)

    return draw


def published(score: str) -> list[tuple[float, ...]]:
    """The seeds of every variant on every dataset of the published baseline by a score."""
    plan = load_plan(PUBLISHED, "baseline")
    assert plan is not None
    rows = [row for table in tables.build(plan, Store(PUBLISHED)) for row in table.variants]
    cells = [cell for row in rows for name, cell in row.scores.items() if cell.name == score]
    return [cell.values for cell in cells if cell.values]


def _correlated(stream: Generator, shape: tuple[int, int], correlation: float = 0.5) -> Values:
    common = stream.normal(size=(1, shape[1])) * math.sqrt(correlation)
    found: Values = common + stream.normal(size=shape) * math.sqrt(1 - correlation)
    return found


def cases() -> dict[str, Case]:
    """What is compared, by name."""
    factors: dict[str, Draw] = {
        "log-normal, s = 1": lambda stream, shape: stream.lognormal(3, 1, shape),
        "one seed in ten collapsed": lambda stream, shape: (
            stream.lognormal(3.7, 0.2, shape) * np.where(stream.random(shape) < 0.1, 70, 1)
        ),
        "published FID": resampled(published("FID")),
    }
    return {
        "count": Case("count", {
            "8, or 7 in one seed of ten": lambda stream, shape: 8.0 - (stream.random(shape) < 0.1),
            "4 to 8": lambda stream, shape: stream.integers(4, 9, shape).astype(float),
            "published modes": resampled(published("modes")),
        }),
        "share": Case("share", {
            "beta(20, 1.5)": lambda stream, shape: stream.beta(20, 1.5, shape),
            "published HQ": resampled(published("HQ")),
            "published recall": resampled(published("recall")),
        }),
        "log": Case("log", factors),
        "linear": Case("linear", {
            "normal": lambda stream, shape: stream.normal(size=shape),
            "Student's t, 3 degrees of freedom": lambda stream, shape: stream.standard_t(3, shape),
            "published IS": resampled(published("IS")),
        }),
        "linear, paired, correlation .5": Case("linear", {"normal": _correlated}, paired=True),
        "log, one seed in ten fails": Case("log", factors, failing=0.1),
    }  # fmt: skip


def suite(datasets: int, variants: int, settings: FamilySettings) -> SavedPlan:
    """The plan of a suite of made-up losses with one architecture."""
    rows = (
        PlanRow(Variant(Label(f"loss{one}", ""), Label("net", "")), Label(f"data{dataset}", ""), {})
        for dataset in range(datasets)
        for one in range(variants)
    )
    return SavedPlan("s", "", "", tuple(rows), family=settings)


def table(dataset: str, values: Values, kind: ScoreKind, failed: Values | None = None) -> Table:
    """The table of a dataset whose variants have these values by seed."""
    card = ProtocolCard(Choice("metric"), "higher", 1, 1, "train", "raw", "last", "score", kind=kind)
    rows = []
    for one, found in enumerate(values):
        good = range(len(found)) if failed is None else np.flatnonzero(~failed[one])
        kept = {int(seed): float(found[seed]) for seed in good}
        own = ProtocolCard(**{**vars(card), "seeds": tuple(kept)})
        score = Score(None, None, None, tuple(kept.values()), "higher", own, logs=kind == "log")
        rows.append(TableRow(dataset, f"loss{one}", "net", "variant", len(kept), len(found), {"score": score},
                             failed=len(found) - len(kept)))  # fmt: skip
    return Table(dataset, {"score": "higher"}, tuple(rows), (), "score")


def compared(plan: SavedPlan, found: Sequence[Table]) -> Family:
    """The family of a suite's tables, as everything that prints them reads it."""
    made = family.compared(plan, found)[0].family
    assert made is not None
    return made


def false_claims(name: str, case: Case, seeds: int, trials: int, stream: Generator) -> dict[str, Any]:
    """How often a family without any difference claims one, over all sources in turn."""
    plan = suite(DATASETS, VARIANTS, FamilySettings(paired=case.paired))
    sources = list(case.sources.items())
    wrong = np.zeros(len(sources), dtype=int)
    for trial in range(trials):
        at = trial % len(sources)
        found = []
        for dataset in range(DATASETS):
            values = sources[at][1](stream, (VARIANTS, seeds))
            failed = stream.random(values.shape) < case.failing if case.failing else None
            found.append(table(f"data{dataset}", values, case.kind, failed))
        wrong[at] += any(one.winner is not None for one in compared(plan, found).comparisons)
    each = [count / len(range(at, trials, len(sources))) for at, count in enumerate(wrong)]
    worst = int(np.argmax(each))
    return {
        "case": name, "seeds": seeds, "trials": trials, "claimed": float(wrong.sum() / trials),
        "worst": {"source": sources[worst][0], "claimed": float(each[worst])},
    }  # fmt: skip


def found_share(values: Callable[[Generator], Values], case: Case, trials: int, stream: Generator) -> float:
    """How often variant 1 is claimed to be better than the reference, in a family of three comparisons."""
    plan = suite(1, 4, FamilySettings(reference={"loss": "loss0"}, paired=case.paired))
    hits = 0
    for _ in range(trials):
        made = compared(plan, [table("data0", values(stream), case.kind)])
        assert made.m == 3
        hits += made.comparisons[0].claim == "better"
    return hits / trials


def power(trials: int, stream: Generator) -> list[dict[str, Any]]:
    """The share of families in which a true difference of 2 sd in one of three comparisons is found, 8 seeds."""

    def normal(stream: Generator) -> Values:
        values: Values = stream.normal(size=(4, 8))
        values[1] += 2
        return values

    def counts(stream: Generator) -> Values:
        found: Values = np.rint(12 + 3 * normal(stream))
        return found

    shown: dict[str, tuple[Callable[[Generator], Values], ScoreKind]] = {
        "linear (Welch)": (normal, "linear"),
        "counts, sd 3 (ranks)": (counts, "count"),
        "log (Welch)": (lambda stream: np.exp(normal(stream)), "log"),
    }
    return [
        {"case": name, "seeds": 8, "difference": 2.0, "found": found_share(values, Case(kind, {}), trials, stream)}
        for name, (values, kind) in shown.items()
    ]


def paired_power(trials: int, stream: Generator) -> list[dict[str, Any]]:
    """The same paired and by Welch, where seeds correlate, for differences of 1.5 and 2 sd."""
    rows = []
    for correlation in (0.0, 0.2, 0.6):
        found = {}
        for difference in (1.5, 2.0):

            def values(stream: Generator, by: float = difference, correlation: float = correlation) -> Values:
                made = _correlated(stream, (4, 8), correlation)
                made[1] += by
                return made

            for name, paired in (("Welch", False), ("paired", True)):
                share = found_share(values, Case("linear", {}, paired=paired), trials, stream)
                found[f"{difference:g} sd found, {name}"] = share
        rows.append({"correlation": correlation, "found": found})
    return rows


@click.command()
@click.option("--trials", default=TRIALS, help="Families per line; the table is kept only with the default.")
def main(trials: int) -> None:
    """Draw the families, print the tables; exit with 1 if a bound is missed."""
    stream = np.random.default_rng(0)
    aa = [false_claims(name, case, seeds, trials, stream) for name, case in cases().items() for seeds in SEEDS]
    found = power(min(trials, POWER_TRIALS), stream)
    paired = paired_power(min(trials, POWER_TRIALS), stream)
    rows = {"limit": LIMIT, "aa": aa, "power": found, "paired": paired}
    report.write("comparison", report.machine(), rows, whole=trials == TRIALS)
    missed = [row for row in aa if row["claimed"] > LIMIT] + [row for row in found if row["found"] < 0.8]
    if missed and trials == TRIALS:
        raise SystemExit(f"a bound is missed: {missed}")


if __name__ == "__main__":
    main()
