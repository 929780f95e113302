"""The seed lottery: what comparisons by a few seeds would have said, drawn from runs with many seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, fsum, sqrt

import numpy as np

from ganbench.analysis.family import measure
from ganbench.analysis.score_table import Score, Table, TableRow, VariantKey
from ganbench.errors import UsageError
from ganbench.registry.contracts import Direction
from ganbench.statistics import claims, seed_draws
from ganbench.statistics.differences import MIN_SEEDS, Measure, Sample
from ganbench.suite.family import FamilySettings

COUNTS = (1, 2, 3, 5, 8, 16)
"""The numbers of seeds that are tried."""
SHARE = 4
"""At most every fourth seed is drawn: larger draws are too much like the whole."""
FEWEST = 2 * SHARE
"""Seeds of every variant below which there is no lottery."""
RIGHT = 0.95
"""Enough seeds name the right winner in at least this share of draws; where both means are equal, none is named."""


@dataclass(frozen=True)
class Draw:
    """What comparisons by `seeds` seeds of each variant say, over draws of so many seeds.

    `wrong`: the share of draws in which the worse variant has the better mean, averaged over the pairs that all seeds
    tell apart; None if there is no such pair. A draw with more failed seeds is worse than one with fewer. `right`: the
    share in which the better one has the better mean; in the rest both are equal. `worst` is the largest `wrong` of a
    pair, `worst_pair` its better and its worse variant. `unfounded`: the share of draws in which one mean is better,
    over the pairs that all seeds do not tell apart; None if there is no such pair. `contradicted`: over these pairs,
    the share in which two independent comparisons name opposite winners. `first`: the share of draws in which
    a variant has the best mean that all seeds show to be worse than another. `half` and `rare`: two disjoint draws of
    one variant differ by more than this in half of all cases, and in one of twenty, over all variants and their seeds
    that finished: a factor if the score varies by factors, else a difference.
    """

    seeds: int
    wrong: float | None
    right: float | None
    worst: float | None
    worst_pair: tuple[str, str] | None
    unfounded: float | None
    contradicted: float | None
    first: float
    half: float | None
    rare: float | None


@dataclass(frozen=True)
class ScoreLottery:
    """The lottery of one score on one dataset.

    `told_apart` of its `pairs` are claimed to differ by all seeds. `enough` is the smallest number of seeds that names
    the right winner of them in 95 % of draws; None if none that was tried does. `failed` is the number of seeds without
    a value. `deviation` is the standard deviation over seeds, pooled over variants, relative to the mean if `ratio`.
    `against_latents` is how many times that over sets of latents of one generator it is; None if that is unknown or 0.
    """

    dataset: str
    score: str
    better: Direction
    primary: bool
    ratio: bool
    pairs: int
    told_apart: int
    failed: int
    draws: tuple[Draw, ...]
    enough: int | None
    deviation: float | None
    against_latents: float | None

    def by(self, seeds: int) -> Draw | None:
        """The draws of so many seeds."""
        return next((one for one in self.draws if one.seeds == seeds), None)


@dataclass(frozen=True)
class Lottery:
    """The lottery of every score, and how many seeds of how many variants it is of.

    A pair is told apart if the test of its score, corrected for all `m` pairs of all datasets of the suite
    (Bonferroni), says so; also where only one dataset is shown.
    """

    suite: str
    seeds: tuple[int, int]
    variants: int
    m: int
    scores: tuple[ScoreLottery, ...]

    @property
    def seeds_text(self) -> str:
        """The number of seeds of each variant: `32`, or `8 to 32`."""
        low, high = self.seeds
        return str(low) if low == high else f"{low} to {high}"

    @property
    def primary(self) -> list[ScoreLottery]:
        """The lottery of each dataset's primary score."""
        return [one for one in self.scores if one.primary]


def lottery(
    suite: str, tables: Sequence[Table], settings: FamilySettings, seed: int = 0, dataset: str | None = None
) -> Lottery:
    """The lottery of the tables of a suite, or of one dataset of it by its label, with the claims of the whole.

    `seed` is that of the random draws, where not all are taken. Raises `UsageError` if no dataset has two variants with
    enough seeds, or the one named has not.
    """
    able = _able_on(tables)
    m = _pairs(able)
    if not able or dataset not in (None, *able):
        which = "one dataset" if dataset is None else dataset
        raise UsageError(
            f"a lottery needs two variants with at least {FEWEST} seeds each on {which}; suite {suite!r} has none. "
            "Train more seeds with `ganbench run --seeds 0-31`"
        )
    able = {name: keys for name, keys in able.items() if dataset in (None, name)}
    found, sizes = [], []
    for table in tables:
        rows = {row.key: row for row in table.variants if row.key in able.get(table.dataset, ())}
        for score in table.columns if rows else ():
            own = {key: row.sample(score) for key, row in rows.items() if row.scores.get(score) is not None}
            own = {key: sample for key, sample in own.items() if sample.size >= FEWEST and len(sample.values) > 1}
            if len(own) > 1:
                found.append(_score(table, score, own, settings, m, seed))
        sizes += [_ended(row) for row in rows.values()]
    titles = {key for keys in able.values() for key in keys}
    return Lottery(suite, (min(sizes), max(sizes)), len(titles), m, tuple(found))


def drawn_pairs(tables: Sequence[Table]) -> int:
    """The pairs of variants, on all datasets, of which enough seeds have run for a lottery."""
    return _pairs(_able_on(tables))


def _able_on(tables: Sequence[Table]) -> dict[str, list[VariantKey]]:
    """By dataset the variants of which enough seeds have run, where there are two."""
    able = {table.dataset: _able(table) for table in tables}
    return {dataset: keys for dataset, keys in able.items() if len(keys) > 1}


def _pairs(able: Mapping[str, Sequence[VariantKey]]) -> int:
    return sum(len(keys) * (len(keys) - 1) // 2 for keys in able.values())


def _able(table: Table) -> list[VariantKey]:
    """The variants of which enough seeds have run."""
    return [row.key for row in table.variants if _ended(row) >= FEWEST and row.n_ok > 1]


def _ended(row: TableRow) -> int:
    """The seeds that have run; those that are planned and have not are not counted."""
    return row.n_ok + row.failed


def _score(
    table: Table, score: str, samples: Mapping[VariantKey, Sample], settings: FamilySettings, m: int, seed: int
) -> ScoreLottery:
    rows = {row.key: row for row in table.variants}
    cells = {key: rows[key].scores[score] for key in samples}
    how = measure(next(iter(cells.values())), FamilySettings(margins=settings.margins))
    told = _told_apart(samples, how, m)
    values = {key: seed_draws.oriented(sample, how) for key, sample in samples.items()}
    names = {key: rows[key].title for key in samples}
    fewest = min(map(len, values.values()))
    draws = tuple(_draw(k, values, told, names, how, seed) for k in COUNTS if k * SHARE <= fewest)
    enough = next((one.seeds for one in draws if one.right is not None and one.right >= RIGHT), None)
    deviation, latents = _deviations(cells, {key: rows[key].noise.get(score) for key in samples})
    return ScoreLottery(
        table.dataset, score, table.columns[score], score == table.primary, how.logs,
        len(samples) * (len(samples) - 1) // 2, len(told), sum(one.failed for one in samples.values()), draws, enough,
        deviation, latents,
    )  # fmt: skip


def _told_apart(samples: Mapping[VariantKey, Sample], how: Measure, m: int) -> list[tuple[VariantKey, VariantKey]]:
    """The pairs that all seeds tell apart, the better one first."""
    found = []
    for a, b in combinations(samples, 2):
        claim = claims.decide(samples[a], samples[b], how, m).claim
        if claim in ("better", "worse"):
            found.append((a, b) if claim == "better" else (b, a))
    return found


def _draw(
    k: int,
    values: Mapping[VariantKey, seed_draws.Values],
    told: Sequence[tuple[VariantKey, VariantKey]],
    names: Mapping[VariantKey, str],
    how: Measure,
    seed: int,
) -> Draw:
    shown = [seed_draws.winners(values[a], values[b], k, seed) for a, b in told]
    worst = max(((one.second, (names[a], names[b])) for one, (a, b) in zip(shown, told, strict=True)), default=None)
    losers = {b for _, b in told}
    keys = list(values)
    others = [one for one in combinations(keys, 2) if one not in told and one[::-1] not in told]
    named = [seed_draws.winners(values[a], values[b], k, seed) for a, b in others]
    first = seed_draws.first_share([values[key] for key in keys], [key in losers for key in keys], k, seed)
    gaps = np.concatenate([_weighted(seed_draws.apart(own, k, seed)) for own in values.values()])
    half, rare = (float(np.quantile(gaps, at)) for at in (0.5, 0.95)) if len(gaps) else (None, None)
    return Draw(
        seeds=k,
        wrong=_mean([one.second for one in shown]),
        right=_mean([one.first for one in shown]),
        worst=worst and worst[0],
        worst_pair=worst and worst[1],
        unfounded=_mean([one.first + one.second for one in named]),
        contradicted=_mean([2 * one.first * one.second for one in named]),
        first=first,
        half=_undone(half, how),
        rare=_undone(rare, how),
    )


def _mean(shares: Sequence[float]) -> float | None:
    return fsum(shares) / len(shares) if shares else None


def _weighted(gaps: seed_draws.Values) -> seed_draws.Values:
    """As many differences of every variant: quantiles of as many ranks, so that each variant counts the same."""
    return np.quantile(gaps, (np.arange(400) + 0.5) / 400) if len(gaps) else gaps


def _undone(gap: float | None, how: Measure) -> float | None:
    return None if gap is None else exp(gap) if how.logs else gap


def _deviations(
    cells: Mapping[VariantKey, Score], latents: Mapping[VariantKey, float | None]
) -> tuple[float | None, float | None]:
    """The pooled deviation over seeds, and how many times that over sets of latents it is."""
    between = {key: cell.variance for key, cell in cells.items() if len(cell.values) >= MIN_SEEDS}
    if not between:
        return None, None
    pooled = fsum(between.values()) / len(between)
    logs = next(iter(cells.values())).logs
    both = [key for key in between if latents[key] is not None]
    noise = fsum(latents[key] or 0.0 for key in both)
    ratio = sqrt(fsum(between[key] for key in both) / noise) if noise > 0 else None
    return sqrt(exp(pooled) - 1 if logs else pooled), ratio
