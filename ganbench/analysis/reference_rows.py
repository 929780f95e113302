"""Table rows of what no run here has generated: references, and samples made elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ganbench.analysis import notes
from ganbench.analysis.score_table import TITLES, Score, TableRow
from ganbench.results import protocol, verdicts
from ganbench.results.protocol_card import ProtocolCard
from ganbench.results.records import ReferenceRecord
from ganbench.statistics.differences import MIN_SEEDS
from ganbench.suite.specs import EXTERNAL

Scored = Callable[[str, Sequence[ReferenceRecord]], Score]
"""A cell of the table: the values of some records for a score, with their mean."""
ONE_SET = "samples made elsewhere: one set has no training seeds, so that there is no interval and no claim"
OTHER_PROTOCOL = "measured under another protocol than the variants; evaluate it again"


def reference_row(
    dataset: str, name: str, record: ReferenceRecord | None, scored: Scored, cards: Mapping[str, ProtocolCard]
) -> TableRow:
    """The row of a reference that is made from the data."""
    own = [] if record is None else [record]
    verdict = verdicts.summary([record.evaluation.verdict]) if record else ""
    return TableRow(
        dataset, TITLES.get(name, name), "", "reference", len(own), 1, {score: scored(score, own) for score in cards},
        notes=tuple(_notes(record, cards)), verdict=verdict,
    )  # fmt: skip


def external_row(
    dataset: str,
    label: str,
    records: Sequence[ReferenceRecord | None],
    scored: Scored,
    cards: Mapping[str, ProtocolCard],
    asked: int | None,
) -> TableRow:
    """The row of samples made elsewhere; several files of one label count as seeds.

    Samples that were measured under another protocol than that of `cards`, or when variants had another number of
    samples than is `asked` of them now, have no part in it.
    """
    known = [record for record in records if record is not None]
    alike = [record for record in known if not _differs(record, cards, asked)]
    shown = alike if len(known) == len(records) else [*alike, None]
    said = list(dict.fromkeys(text for record in shown for text in _notes(record, cards)))
    said += [OTHER_PROTOCOL] if len(alike) < len(known) else []
    found = [record.evaluation.verdict for record in alike]
    return TableRow(
        dataset, label, "", "external", len(alike), len(records), {score: scored(score, alike) for score in cards},
        notes=(_sets(len(records)), *said), verdict=verdicts.summary(found) if found else "",
    )  # fmt: skip


def _sets(count: int) -> str:
    if count == 1:
        return ONE_SET
    shown = "their interval is that of seeds" if count >= MIN_SEEDS else "fewer than five have no interval"
    return f"{count} sets of samples made elsewhere, which count as seeds: {shown}, and no claim is made"


def _differs(record: ReferenceRecord, cards: Mapping[str, ProtocolCard], asked: int | None) -> bool:
    if asked not in (None, record.spec.evaluation.samples):
        return True
    own = record.evaluation.cards
    shared = set(own) & set(cards)
    return any(protocol.differences(own[name], cards[name], protocol.REFERENCE_FIELDS) for name in shared)


def _notes(record: ReferenceRecord | None, cards: Mapping[str, ProtocolCard]) -> Iterable[str]:
    if record is None:
        return ["not measured yet"]
    asked = record.spec.evaluation.samples
    what = "not a ceiling" if record.spec.reference != EXTERNAL else "scores that depend on their number differ"
    few = f"{record.samples:,} samples (variants: {asked:,}): {what}"
    return [
        *([few] if record.samples < asked else []),
        *notes.missing_in_reference(record.evaluation.missing, cards),
        *notes.not_applicable([record.evaluation], cards),
        *record.notes,
    ]
