"""Two variants compared on every dataset that both are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ganbench.analysis.score_table import Table, TableRow
from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.results import protocol
from ganbench.statistics import ranking, significance


class Named(NamedTuple):
    """A name on the command line: a loss, an architecture, or a variant `loss x architecture`, in a suite's tables."""

    name: str
    kind: str
    rows: list[TableRow]
    suite: str = ""


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
    difference: ranking.Difference | None
    adjusted: float = 1.0
    comparisons: int = 1

    @property
    def verdict(self) -> str:
        """`a better`, `b better`, `no difference seen`, or `too few seeds`."""
        if self.difference is None:
            return "too few seeds"
        if self.adjusted >= significance.ALPHA:
            return "no difference seen"
        return "a better" if self.difference.a_better else "b better"

    @property
    def where(self) -> str:
        return f"on {self.dataset}" + (f" with {self.setting}" if self.setting else "")


def compare(left: Named, right: Named, scores: Sequence[str] = ()) -> list[Comparison]:
    """Every comparison of one with the other, Holm-corrected together.

    `scores` names the scores, `all` means all; by default each dataset's first. Raises `UsageError`
    if a name is compared with itself, a score is unknown, nothing is in common or finished, or
    protocol cards differ.
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
    found = [one for x, y in pairs for one in _pair(left, right, x, y, scores)]
    tested = [one.difference.p for one in found if one.difference]
    adjusted = iter(significance.holm(tested))
    return [
        replace(one, adjusted=next(adjusted) if one.difference else 1.0, comparisons=max(1, len(tested)))
        for one in found
    ]


def named(name: str, tables: list[Table], suite: str) -> Named:
    """The rows of a name. Raises `UsageError` with the nearest name if there are none."""
    rows = [row for table in tables for row in table.variants]
    for kind in ("variant", "loss", "architecture"):
        own = [row for row in rows if (row.title if kind == "variant" else getattr(row, kind)) == name]
        if own:
            return Named(name, kind, own, suite)
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


def _pair(left: Named, right: Named, x: TableRow, y: TableRow, asked: Sequence[str]) -> list[Comparison]:
    common = [score for score in x.scores if score in y.scores]
    found = []
    for score in common if "all" in asked else [score for score in asked or common[:1] if score in common]:
        cell, other = x.scores[score], y.scores[score]
        if cell.values and other.values:
            protocol.check(
                score, {f"{_called(left, right)} on {x.dataset}": cell.protocol, _called(right, left): other.protocol}
            )
        difference = ranking.compare(x.sample(score), y.sample(score), cell.better, cell.scale)
        names = _called(left, right), _called(right, left)
        found.append(Comparison(*names, *_rest(left, x), score, cell.better, (x, y), difference))
    return found


def _called(side: Named, other: Named) -> str:
    """The name, with its suite if the other side has the same name."""
    return f"{side.name} (suite {side.suite})" if side.name == other.name else side.name
