"""Where a variant stands by the primary score, as far as the suite's family of comparisons says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ganbench.analysis.family import Family, FamilyComparison
from ganbench.analysis.score_table import Table, TableRow, VariantKey
from ganbench.statistics.claims import enough
from ganbench.statistics.letters import letters

TOO_FEW = "too few seeds"
WAITING = "not run"


def placed(table: Table) -> Table:
    """The table with the tier and the rank of every variant, and with what is bold.

    With a reference the tier is what is said of a variant against it: `better`, `inconclusive`, `equal`, `worse`,
    `no variation`, or `reference` for itself, and rows keep the suite's order. For all pairs it is compact letters,
    and rows begin with those that the fewest are better than. `too few seeds` is the tier of variants with fewer than
    five, `not run` of those of which no seed has ended. A rank is an interval: 1 + the number of variants that are
    better, to the number of variants less those that are worse. Rows that the family does not compare have neither.
    """
    family, here = table.family, table.comparisons
    known = [row for row in table.variants if table.primary in row.scores]
    if family is None or not family.on(table.dataset) or not known:
        return table
    lost, won = Counter(one.loser for one in here), Counter(one.winner for one in here)
    tiers = _against(family, family.on(table.dataset)) if family.reference else _letters(table, known, here, lost)
    count = len(table.variants)
    found = {}
    for row in known:
        ranked = enough(row.sample(table.primary))
        tier = tiers.get(row.key) if ranked else TOO_FEW if row.started else WAITING
        rank = None if tier is None or not ranked else (1 + lost[row.key], count - won[row.key])
        leads = won[row.key] and not lost[row.key] and not row.faulty
        led = frozenset({table.primary} if leads else ())
        found[row.key] = replace(row, tier=tier, rank=rank, led=led)
    rows = [found.get(row.key, row) if row.kind == "variant" and row.n else row for row in table.rows]
    if not family.reference:
        rows.sort(key=lambda row: _order(row, lost))
    return replace(table, rows=tuple(rows))


def _order(row: TableRow, lost: Mapping[VariantKey | None, int]) -> tuple[int, int]:
    """Variants with letters, with too few seeds, that have not run, that cannot be built, and everything else."""
    if row.kind != "variant":
        return 4, 0
    if row.rank is None:
        return (1 if row.started else 2) if row.n else 3, 0
    return 0, lost[row.key]


def _against(family: Family, here: Sequence[FamilyComparison]) -> dict[VariantKey, str]:
    """What is said of each variant against its reference."""
    found = {one.a: str(one.claim) for one in here}
    return {**found, **{one.b: "reference" for one in here if family.is_reference(one.b)}}


def _letters(
    table: Table, known: Sequence[TableRow], here: Sequence[FamilyComparison], lost: Mapping[VariantKey | None, int]
) -> dict[VariantKey, str]:
    """Compact letters of the variants with enough seeds, from the best."""
    able = [row for row in known if enough(row.sample(table.primary))]
    order = sorted(able, key=lambda row: (lost[row.key], row.place(table.primary)))
    different = [(one.a, one.b) for one in here if one.winner is not None]
    return letters([row.key for row in order], different)


def rules(table: Table) -> frozenset[int]:
    """The rows above which a rule separates groups: all ranked variants above are better than all from there on.

    Only where all pairs are compared.
    """
    places = [i for i, row in enumerate(table.rows) if row.kind == "variant" and row.rank is not None]
    rows = [table.rows[i] for i in places]
    if table.family is None or table.family.reference:
        return frozenset()
    beaten = {(one.winner, one.loser) for one in table.comparisons}
    return frozenset(
        places[i]
        for i in range(1, len(rows))
        if all((above.key, below.key) in beaten for above in rows[:i] for below in rows[i:])
    )
