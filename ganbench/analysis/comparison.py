"""Two variants compared on every dataset that both are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal, NamedTuple, TypeAlias

from ganbench.analysis.family import Family, measure
from ganbench.analysis.score_table import Table, TableRow
from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.results import protocol
from ganbench.statistics import claims, differences
from ganbench.statistics.claims import Judgment
from ganbench.suite.labels import in_full, picked

Verdict: TypeAlias = Literal[
    "a better", "b better", "equal", "inconclusive", "too few seeds", "no variation", "exploratory"
]
Part: TypeAlias = Literal["suite", "question", "none", "pair"]
"""Which family a comparison belongs to: that of the suite; one of its own, of all comparisons of one call about two
suites; none, because the score is not primary, or because the suite does not compare this pair, so that nothing is
claimed."""


class Named(NamedTuple):
    """A name on the command line: a loss, an architecture, or a variant `loss x architecture`, in a suite's tables."""

    name: str
    kind: str
    rows: list[TableRow]
    suite: str = ""
    tables: Sequence[Table] = ()

    @property
    def family(self) -> Family:
        """The suite's family."""
        return next((table.family for table in self.tables if table.family), Family())

    def primary(self, dataset: str) -> str:
        """The dataset's primary score."""
        return next((table.primary for table in self.tables if table.dataset == dataset), "")


@dataclass(frozen=True)
class Comparison:
    """a against b in one score on one dataset; `setting` is what both have in common there."""

    a: str
    b: str
    dataset: str
    setting: str
    score: str
    better: str
    rows: tuple[TableRow, TableRow]
    judgment: Judgment
    part: Part = "suite"

    @property
    def difference(self) -> differences.Difference | None:
        return self.judgment.difference

    @property
    def adjusted(self) -> float:
        """p times the number of comparisons, at most 1; 1 if nothing was tested."""
        found = self.judgment.p_adjusted
        return 1.0 if found is None else found

    @property
    def comparisons(self) -> int:
        """The number of comparisons of the family."""
        return self.judgment.m

    @property
    def verdict(self) -> Verdict:
        """`a better`, `b better`, or what else is said of both."""
        claim = self.judgment.claim
        if claim == "better":
            return "a better"
        return "b better" if claim == "worse" else claim

    @property
    def where(self) -> str:
        return f"on {self.dataset}" + (f" with {self.setting}" if self.setting else "")


def compare(left: Named, right: Named, scores: Sequence[str] = ()) -> list[Comparison]:
    """Every comparison of one with the other.

    In one suite the answers are those of its family; a score or a pair that is not in it is exploratory. Two suites
    are a family of their own: all comparisons of this call. `scores` names the scores, `all` means all; by default
    each dataset's primary one. Raises `UsageError` if a name is compared with itself, a score is unknown, nothing is
    in common or finished, or protocol cards differ.
    """
    if left.kind != right.kind:
        raise UsageError(
            f"{left.name!r} is one {left.kind}, {right.name!r} one {right.kind}: name two losses, two architectures, "
            "or two variants as 'loss x architecture'"
        )
    if left[:2] == right[:2] and left.suite == right.suite:
        raise UsageError(f"{left.name!r} is compared with itself; name two variants, or two suites")
    pairs = [(x, y) for x in left.rows for y in right.rows if _rest(left, x) == _rest(right, y)]
    if not pairs:
        raise UsageError(f"{left.name!r} and {right.name!r} have no dataset in common in the same setting")
    _check(scores, pairs)
    asked = [(x, y, score) for x, y in pairs for score in _asked(left, x, y, scores)]
    one_suite = left.suite == right.suite
    decide = _within if one_suite else _across
    return [_pair(left, right, x, y, score, *decide(left, right, x, y, score, len(asked))) for x, y, score in asked]


def every_pair(table: Table, rows: Sequence[TableRow]) -> list[Comparison]:
    """Every two of these variants by the primary score.

    What the suite's family says of them, with its a and b; of two that it does not compare, the exploratory difference,
    as `compare` gives it.
    """
    score, family = table.primary, table.family or Family()
    known = {(one.a, one.b): one.judgment for one in family.on(table.dataset)}
    found = []
    for x, y in combinations([row for row in rows if score in row.scores], 2):
        a, b = (y, x) if (y.key, x.key) in known else (x, y)
        judgment = known.get((a.key, b.key))
        part: Part = "pair" if judgment is None else "suite"
        if judgment is None:
            how = measure(a.scores[score], family.settings)
            judgment = claims.explore(a.sample(score), b.sample(score), how)
        better = a.scores[score].better
        found.append(Comparison(a.title, b.title, table.dataset, "", score, better, (a, b), judgment, part))
    return found


def named(name: str, tables: list[Table], suite: str) -> Named:
    """The rows of a name. Raises `UsageError` with the nearest name if there are none, or if it means several."""
    rows = [row for table in tables for row in table.variants]
    variants = [row.variant for row in rows if row.variant]
    meant = {
        "variant": [one.title for one in in_full(variants, name)],
        "loss": [one.text for one in picked((one.loss for one in variants), name)],
        "architecture": [one.text for one in picked((one.architecture for one in variants), name)],
    }
    for kind, texts in meant.items():
        if len(texts) > 1:
            raise UsageError(f"{name!r} names {len(texts)} entries: write one of {', '.join(texts)}")
        if texts:
            own = [row for row in rows if (row.title if kind == "variant" else getattr(row, kind)) == texts[0]]
            return Named(texts[0], kind, own, suite, tables)
    known = sorted({text for row in rows for text in (row.loss, row.architecture, row.title)})
    raise UsageError(f"no variant {name!r} in these results{suggestion(name, known)}")


def _rest(side: Named, row: TableRow) -> tuple[str, str]:
    """What must be equal on both sides: the dataset, and the part that the name leaves open."""
    return row.dataset, {"loss": row.architecture, "architecture": row.loss, "variant": ""}[side.kind]


def _check(scores: Sequence[str], pairs: list[tuple[TableRow, TableRow]]) -> None:
    """Check that every requested score exists and that some seed has finished."""
    known = sorted({score for x, y in pairs for score in x.scores if score in y.scores})
    if not known:
        (x, y), *_ = pairs
        raise UsageError(
            f"no seed of {x.title} or {y.title} has finished; run the suite, or see its table for what failed"
        )
    for score in scores:
        if score not in (*known, "all"):
            raise UsageError(f"no score {score!r} here{suggestion(score, known)}")


def _asked(left: Named, x: TableRow, y: TableRow, scores: Sequence[str]) -> list[str]:
    """The scores of a pair of rows that are compared."""
    common = [score for score in x.scores if score in y.scores]
    if "all" in scores:
        return common
    primary = left.primary(x.dataset)
    default = [primary] if primary in common else common[:1]
    return [score for score in scores or default if score in common]


def _within(left: Named, right: Named, x: TableRow, y: TableRow, score: str, count: int) -> tuple[Judgment, Part]:
    """What the suite's family says, or the exploratory difference."""
    if score == left.primary(x.dataset):
        found = left.family.between(x.dataset, x.key, y.key)
        if found is not None:
            return found, "suite"
        return claims.explore(x.sample(score), y.sample(score), measure(x.scores[score], left.family.settings)), "pair"
    how = measure(x.scores[score], left.family.settings)
    return claims.explore(x.sample(score), y.sample(score), how), "none"


def _across(left: Named, right: Named, x: TableRow, y: TableRow, score: str, count: int) -> tuple[Judgment, Part]:
    """What is said of variants of two suites, as one of the comparisons that were asked for together.

    Logarithms are compared where both suites' columns are on them; seeds are paired where both suites say so.
    """
    cell, other = x.scores[score], y.scores[score]
    how = measure(replace(cell, logs=cell.logs and other.logs), left.family.settings)
    how = replace(how, paired=how.paired and right.family.settings.paired)
    samples = x.sample(score), y.sample(score)
    found = claims.decide(*samples, how, count)
    if found.difference is not None and found.claim != "equal" and not differences.varies(samples):
        found = Judgment("no variation", m=count)
    return found, "question"


def _pair(left: Named, right: Named, x: TableRow, y: TableRow, score: str, found: Judgment, part: Part) -> Comparison:
    cell, other = x.scores[score], y.scores[score]
    names = _called(left, right), _called(right, left)
    if cell.values and other.values:
        protocol.check(score, {f"{names[0]} on {x.dataset}": cell.protocol, names[1]: other.protocol})
    return Comparison(*names, *_rest(left, x), score, cell.better, (x, y), found, part)


def _called(side: Named, other: Named) -> str:
    """The name, with its suite if the other side has the same name."""
    return f"{side.name} (suite {side.suite})" if side.name == other.name else side.name
