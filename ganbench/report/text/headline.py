"""The answer of a suite over all its datasets: which variant leads, by how much, and how certain that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ganbench.analysis.aggregate import Overall, OverallRow
from ganbench.analysis.figure_data.selection import Pair, short_names
from ganbench.analysis.score_table import Table
from ganbench.analysis.standing import Place, Standing, decided, standings
from ganbench.formatting import counted, enumerated, number
from ganbench.report.text.spread import shown
from ganbench.statistics.differences import MIN_SEEDS

MAX_NAMED = 4
"""The most variants that the first sentence names; the others are counted."""
MAX_SHARED = 2
"""The most variants that are named where each dataset has its own leaders."""
MAX_DATASETS = 4
"""The most datasets whose values are given."""


@dataclass(frozen=True)
class Headline:
    """`lead` is the answer in one sentence; `facts` say by how much, `certainty` how many comparisons are decided.

    `common` is what the names of all variants leave out. Each but the first is empty if there is nothing to say.
    """

    lead: str
    facts: tuple[str, ...] = ()
    certainty: str = ""
    common: str = ""

    @property
    def all_facts(self) -> tuple[str, ...]:
        return (*self.facts, self.certainty) if self.certainty else self.facts


def headline(tables: Sequence[Table], overall: Overall | None) -> Headline:
    """The answer, from the suite's family of comparisons alone; what is descriptive says so."""
    found = [one for one in standings(tables, overall) if one.places]
    if not found or not any(table.primary for table in tables):
        return Headline("No run has finished yet.")
    names, common = short_names([one.key for one in found])
    story = _Story(list(tables), overall, found, names)
    return Headline(story.lead(), tuple(story.facts()), story.certainty(), common)


@dataclass(frozen=True)
class _Story:
    """What the sentences are made of: variants best first, and their names here."""

    tables: list[Table]
    overall: Overall | None
    variants: list[Standing]
    names: dict[Pair, str]

    @property
    def referred(self) -> bool:
        """Whether variants are compared with references alone."""
        return any(one.reference for one in self.variants)

    @property
    def compared(self) -> list[Standing]:
        """The variants that are compared with something: with references, those that are none themselves."""
        return [one for one in self.variants if not one.reference and any(place.compared for place in one.places)]

    def name(self, one: Standing) -> str:
        return self.names[one.key]

    def lead(self) -> str:
        if len(self.variants) == 1:
            return f"There is only one variant, {self.name(self.variants[0])}, so there is nothing to compare."
        claims = decided(self.tables)
        if not claims.all:
            return "The suite compares no two variants."
        if claims.untested == claims.all:
            return self._untested()
        winners = self.winners()
        everywhere = bool(winners) and len(winners[0].leading) == len(self.tables)
        if winners and (self.referred or len(winners) == 1 or everywhere):
            return self._winning(winners)
        if any(one.leading for one in self.compared):
            return self._divided()
        return self._nothing()

    def winners(self) -> list[Standing]:
        """The variants that are better on most datasets, of those that are worse on none; best first."""
        able = [one for one in self.compared if one.leading and not one.trailing]
        most = max((len(one.leading) for one in able), default=0)
        return [one for one in able if len(one.leading) == most]

    def _untested(self) -> str:
        few = any(one.claim == "too few seeds" for table in self.tables for one in table.comparisons)
        if few:
            return f"Nothing can be claimed: too few seeds. At least {MIN_SEEDS} seeds per variant are needed."
        return "The variants do not differ: their primary scores do not vary."

    def _winning(self, winners: list[Standing]) -> str:
        where = self._where([one.leading for one in winners])
        if self.referred:
            whom = self._reference(winners)
            none = ", and worse on none" if len(winners[0].leading) < len(self.tables) else ""
            if len(winners) == 1:
                return f"{self.name(winners[0])} is better than {whom} {where}{none}."
            return f"{self._how_many(winners)} are better than {whom} {where}{none}: {self._listed(winners)}."
        if len(winners) == 1:
            one = winners[0]
            if all(place.alone for place in one.leading):
                others = [self.name(other) for other in self.variants if other is not one]
                whom = others[0] if len(others) == 1 else "every other variant"
                return f"{self.name(one)} is better than {whom} {where}{self._unbeaten(one, len(others))}."
            return f"{self.name(one)} leads {where}: none is better there, and it is better than {_won(one)}."
        return f"{self._how_many(winners)} lead {where}, with none better there: {self._listed(winners)}."

    def _how_many(self, some: Sequence[Standing]) -> str:
        """`2 of 3 variants`, `both other variants`, `all 3 variants`; the reference is the one that is left out."""
        of = len(self.compared)
        if len(some) < of:
            return f"{len(some)} of {of} variants"
        other = "other " if len(self.variants) == of + 1 else ""
        return f"{'Both' if of == 2 else f'All {of}'} {other}variants"

    def _unbeaten(self, one: Standing, others: int) -> str:
        if len(one.leading) == len(self.tables):
            return ""
        return ", and not worse elsewhere" if others == 1 else ", and worse than none elsewhere"

    def _divided(self) -> str:
        """Every variant that is better somewhere is worse elsewhere."""
        leaders = [one for one in self.compared if one.leading]
        if not self.referred:
            return f"No variant leads everywhere: {self._split(leaders)}."
        if len(self.compared) == 1:
            (one,) = leaders
            better, worse = (
                enumerated([p.dataset for p in some], MAX_DATASETS) for some in (one.leading, one.trailing)
            )
            return f"{self.name(one)} is better than {self._reference(leaders)} on {better} and worse on {worse}."
        whom = self._reference(leaders, none=True)
        return f"No variant is better than {whom} without being worse on another dataset: {self._split(leaders)}."

    def _split(self, leaders: list[Standing]) -> str:
        """Who leads on which dataset."""
        verbs = ("is better", "are better") if self.referred else ("leads", "lead")
        parts, none = [], []
        for table in self.tables:
            here = [one for one in leaders if (place := one.place(table.dataset)) and place.leads]
            if here:
                who = enumerated([self.name(one) for one in here], MAX_SHARED)
                parts.append(f"{who} {verbs[len(here) > 1]} on {table.dataset}")
            else:
                none.append(table.dataset)
        parts += [f"none {verbs[0]} on {enumerated(none, MAX_DATASETS)}"] if none else []
        return "; ".join(parts)

    def _nothing(self) -> str:
        """No variant is better than another one, or than its reference; some may be worse than theirs."""
        where = "on any dataset" if len(self.tables) > 1 else f"on {self.tables[0].dataset}"
        if not self.referred:
            which = "any two variants" if len(self.variants) > 2 else " and ".join(self.name(x) for x in self.variants)
            return f"No difference between {which} is shown {where}."
        worse = [one for one in self.compared if one.trailing]
        if len(self.compared) == 1:
            return self._alone(worse, where)
        more = ""
        if worse:
            somewhere = "" if len(self.tables) == 1 else " on at least one"
            how_many = f"{len(worse)} of {len(self.compared)}" if len(worse) < len(self.compared) else "all"
            more = f"; {how_many} {'is' if len(worse) == 1 else 'are'} worse{somewhere}"
        return f"No variant is shown to be better than {self._reference(self.compared, none=True)} {where}{more}."

    def _alone(self, worse: list[Standing], where: str) -> str:
        """The same of the only variant that is compared with a reference."""
        whom = self._reference(self.compared)
        if not worse:
            return f"{self.name(self.compared[0])} is not shown to differ from {whom} {where}."
        there = self._where([worse[0].trailing])
        none = ", and better on none" if len(worse[0].trailing) < len(self.tables) else ""
        return f"{self.name(worse[0])} is worse than {whom} {there}{none}."

    def _where(self, leading: list[list[Place]]) -> str:
        count, asked = len(leading[0]), len(self.tables)
        if asked == 1:
            return f"on {self.tables[0].dataset}"
        if count == asked:
            return f"on {'both' if asked == 2 else f'all {asked}'} datasets"
        alike = len({tuple(place.dataset for place in one) for one in leading}) == 1
        which = f" ({', '.join(place.dataset for place in leading[0])})" if alike else ""
        return f"on {count} of {asked} datasets{which}"

    def _reference(self, of: Sequence[Standing], none: bool = False) -> str:
        """The name of the one variant that these are compared with, or `their references`; `its` of one or `none`."""
        found = {other.key: self.name(other) for one in of if (other := self.opponent(one))}
        if len(found) == 1:
            return next(iter(found.values()))
        return "its reference" if none or len(of) == 1 else "their references"

    def opponent(self, one: Standing) -> Standing | None:
        """The reference that a variant is compared with; where all pairs are compared, the next one in order."""
        if not self.referred:
            at = self.variants.index(one)
            others = [*self.variants[at + 1 :], *reversed(self.variants[:at])]
            return others[0] if others else None
        by_key = {other.key: other for other in self.variants}
        keys = (pair.b for table in self.tables for pair in table.comparisons if pair.a == one.key)
        return next((by_key[key] for key in keys if key in by_key), None)

    def _listed(self, some: Sequence[Standing]) -> str:
        return enumerated([self.name(one) for one in some], MAX_NAMED)

    def facts(self) -> Iterator[str]:
        leader = next(iter(self.winners() or self.compared), None)
        if leader is not None and (other := self.opponent(leader)) is not None:
            yield from self._values(leader, other)
        yield from self._over_all(leader)
        if leader is not None:
            yield from self._faulty(leader)

    def _values(self, one: Standing, other: Standing) -> Iterator[str]:
        """The primary scores of the leader beside those of the one it is compared with."""
        parts = []
        for table in self.tables:
            rows = one.place(table.dataset), other.place(table.dataset)
            if rows[0] is None or rows[1] is None or not table.primary:
                continue
            texts = [shown(place.row.scores[table.primary], place.row.n).text for place in rows if place]
            if all(texts):
                score = table.score_name(table.primary).score
                parts.append(f"{score} {texts[0]} against {texts[1]} on {table.dataset}{_claimed(table, one, other)}")
        if parts:
            more = len(parts) - MAX_DATASETS
            rest = f"; {counted(more, 'more dataset')}" if more > 0 else ""
            yield f"{self.name(one)} against {self.name(other)}: {'; '.join(parts[:MAX_DATASETS])}{rest}."

    def _over_all(self, leader: Standing | None) -> Iterator[str]:
        """Interquartile means of the first two over all datasets, and of the leader where it is neither."""
        if self.overall is None or not self.overall.rows:
            return
        titles = {one.title: self.name(one) for one in self.variants}
        rows = list(self.overall.rows)
        named = [row for i, row in enumerate(rows) if i < 2 or (leader is not None and row.title == leader.title)]
        texts = [f"{titles[row.title]} {_interval(row)}" for row in named]
        yield (
            f"Over {'both' if len(self.overall.scores) == 2 else f'all {len(self.overall.scores)}'} datasets together, "
            f"from uniform noise (0) to real data (1): {', '.join(texts)} (descriptive)."
        )

    def _faulty(self, leader: Standing) -> Iterator[str]:
        """Where the leader's samples are faulty and how; that those of all variants are, where they are."""
        places = [place for place in leader.places if place.row.faulty]
        if len(self.variants) > 1 and all(place.row.faulty for one in self.variants for place in one.places):
            on = "every dataset" if len(self.tables) > 1 else self.tables[0].dataset
            yield f"At least half of the seeds of every variant have faulty samples (†) on {on}."
        elif places:
            where = enumerated([f"{place.dataset} ({place.row.verdict})" for place in places], MAX_DATASETS)
            yield f"At least half of the seeds of {self.name(leader)} have faulty samples (†) on {where}."

    def certainty(self) -> str:
        """How many comparisons are decided; nothing if none is tested, which the first sentence says."""
        claims = decided(self.tables)
        if claims.untested == claims.all:
            return ""
        seeds = sorted({place.row.n_ok for one in self.variants for place in one.places if place.row.n_ok})
        each = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}" if seeds else "no"
        if claims.all == 1:
            found = "decided" if claims.better else "decided as equal" if claims.equal else "inconclusive"
            return f"The one comparison is {found}, at 5 %, with {each} seeds per variant."
        parts = [f"{claims.better} of {claims.all} comparisons decided"]
        parts += [f"{claims.equal} equal"] if claims.equal else []
        parts += [f"{claims.open} inconclusive"] if claims.open else []
        parts += [f"{claims.untested} not tested"] if claims.untested else []
        return f"{', '.join(parts)}, at 5 % for all together (Bonferroni), with {each} seeds per variant."


def _won(one: Standing) -> str:
    """`5 of 7 others on grid25 and 7 of 7 on digits`."""
    parts = [
        f"{place.better} of {place.compared}{' others' if i == 0 else ''} on {place.dataset}"
        for i, place in enumerate(one.leading)
    ]
    return enumerated(parts, MAX_DATASETS)


def _claimed(table: Table, one: Standing, other: Standing) -> str:
    """What the family says of the two where it claims nothing."""
    found = table.family.between(table.dataset, one.key, other.key) if table.family else None
    return f" ({found.claim})" if found is not None and found.claim not in ("better", "worse") else ""


def _interval(row: OverallRow) -> str:
    mean, low, high = row.iqm
    return f"{number(mean)} [{number(low)}, {number(high)}]"
