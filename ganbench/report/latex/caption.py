"""The caption of a table for a paper: what the cells show, the test and its correction, the seeds and the protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ganbench.analysis.family import Family
from ganbench.analysis.notes import PAIRED_T, WELCH_T, by_saddlepoint
from ganbench.analysis.score_table import Score, Table, TableRow
from ganbench.formatting import counted
from ganbench.report.latex.ink import breakable
from ganbench.report.latex.tables import Content
from ganbench.report.text.grid import VERDICT
from ganbench.results.protocol_card import ProtocolCard
from ganbench.statistics.differences import MIN_SEEDS
from ganbench.statistics.intervals import varies
from ganbench.statistics.significance import ALPHA

NAMED = 3
"""Datasets that are named; more are counted."""


def caption(suite: str, content: Content) -> str:
    """The caption as LaTeX; it explains only what the table has."""
    parts = [_title(suite, content), *_cells(content), *_seeds(content), *_claims(content), *_protocol(content)]
    return " ".join(breakable(part) for part in parts if part)


def _title(suite: str, content: Content) -> str:
    names = [table.dataset for table in content.tables]
    where = f"on {names[0]}" if len(names) == 1 else f"on {len(names)} datasets"
    what = "scores"
    if content.narrow and all(
        own == (table.primary,) for own, table in zip(content.scores, content.tables, strict=True)
    ):
        what = "primary score" if len(names) == 1 else "primary scores"
    with_ = f"; all variants with {content.common}" if content.common else ""
    return f"Suite {suite}: {what} {where}{with_}."


def _scores(content: Content) -> Iterator[tuple[TableRow, Score]]:
    """The variants' scores that are shown."""
    for table, names in zip(content.tables, content.scores, strict=True):
        yield from ((row, row.scores[name]) for row in table.variants for name in names if row.scores[name].values)


def _cells(content: Content) -> Iterator[str]:
    """How to read a number and what stands beside it, as far as the table has it."""
    shown = [score for _, score in _scores(content) if varies(score.values)]
    whole = [score for score in shown if len(score.values) >= MIN_SEEDS]
    bounded = [score for score in whole if score.low is not None]
    said = []
    if any(not score.logs for score in bounded):
        said.append("± half of its 95 % interval (Student's t)")
    if any(score.logs or score.kind == "share" for score in bounded):
        said.append("[95 % interval] of a geometric mean or of a share cut at 0 and 1")
    if any(score.low is None for score in whole):
        said.append("(lowest-highest) of counts".replace("-", "\u2013"))
    if said:
        yield f"Mean over seeds, {'; '.join(said)}."
    if any(len(score.values) < MIN_SEEDS for score in shown):
        yield f"Fewer than {MIN_SEEDS} seeds: lowest\u2013highest."


def _seeds(content: Content) -> Iterator[str]:
    counts = sorted({row.n for table in content.tables for row in table.variants})
    if counts:
        span = counted(counts[0], "seed") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"
        partial = any(row.n_ok < row.n for table in content.tables for row in table.variants)
        more = " (k/n: so many finished)" if partial and content.narrow else ""
        yield f"{span} per variant{more}."


def _claims(content: Content) -> Iterator[str]:
    """What marks and bold mean, by which test; nothing if no primary score is shown."""
    pairs = zip(content.tables, content.scores, strict=True)
    tested = [
        table for table, names in pairs if table.primary in names and table.family and table.family.on(table.dataset)
    ]
    if tested:
        family = tested[0].family
        assert family is not None
        yield _meaning(family, tested, content)
        yield (
            f"Tests: {_tests(family, tested)}; p < {f'{ALPHA:g}'.lstrip('0')} after Bonferroni's correction for the "
            f"suite's {counted(family.m, 'comparison')}."
        )
    others = sum(
        name != table.primary for table, names in zip(content.tables, content.scores, strict=True) for name in names
    )
    if others:
        yield "Other scores than the primary ones are exploratory." if tested else "These scores are exploratory."
    if any(row.faulty for table in tested for row in table.variants):
        what = "" if content.narrow else f" ({VERDICT})"
        yield f"†: the samples of at least half of the seeds are faulty{what}."


def _meaning(family: Family, tested: list[Table], content: Content) -> str:
    """The tiers that occur, and what is bold."""
    tiers = {row.tier for table in tested for row in table.variants if row.tier}
    bold = any(row.led for table in tested for row in table.variants)
    parts = []
    if family.reference:
        whom = " x ".join(family.reference.values())
        signs = {"better": "+ better", "worse": "\u2212 worse", "equal": "= equal"}
        found = [sign for tier, sign in signs.items() if tier in tiers] if content.narrow else []
        parts.append(
            f"{', '.join(found)} than {whom}"
            if found
            else f"No variant is shown to differ from {whom}"
            if not tiers & set(signs)
            else f"tier: compared with {whom}"
        )
        parts[0] = parts[0].replace("= equal than", "= equal to")
    elif any(tier.isupper() for tier in tiers):
        parts.append("Variants without a common letter differ, A is best")
    if bold:
        parts.append("bold: better than at least one variant, worse than none")
    return "; ".join(parts) + "." if parts else ""


def _tests(family: Family, tested: Sequence[Table]) -> str:
    """The tests of the family on these datasets; those of ranks are not called exact if one is approximated."""
    kinds = {
        row.scores[table.primary].kind for table in tested for row in table.variants if table.primary in row.scores
    }
    t_test = PAIRED_T if family.settings.paired else WELCH_T
    found = [t_test] if kinds - {"count"} else []
    failed = any(row.failed for table in tested for row in table.variants)
    if "count" in kinds or failed:
        whose = " and ".join(["counts"] * ("count" in kinds) + ["variants with failed seeds"] * failed)
        ranks = "permutation of ranks" if any(map(by_saddlepoint, tested)) else "exact permutation of ranks"
        found.append(f"{ranks} for {whose}" if len(found) or failed else ranks)
    return ", ".join(found)


def _protocol(content: Content) -> Iterator[str]:
    """The numbers of samples and the extractor, datasets with the same ones together."""
    found: dict[str, list[str]] = {}
    for table, names in zip(content.tables, content.scores, strict=True):
        cards = [row.scores[name].card for row in table.variants for name in names[:1] if row.scores[name].values]
        card = next((one for one in cards if isinstance(one, ProtocolCard)), None)
        if card is not None and card.fake_samples:
            found.setdefault(_card(card), []).append(table.dataset)
    for text, datasets in found.items():
        where = ", ".join(datasets) if len(datasets) <= NAMED else counted(len(datasets), "dataset")
        yield f"{where}: {text}." if len(found) > 1 or len(content.tables) > 1 else f"{text[:1].upper()}{text[1:]}."


def _card(card: ProtocolCard) -> str:
    features = f", features of {card.extractor.text}" if card.extractor else ""
    checkpoint = f", {card.checkpoint} checkpoint" if card.checkpoint and not card.checkpoint.startswith("best") else ""
    best = f", {card.checkpoint}" if card.checkpoint and not checkpoint else ""
    return f"{card.fake_samples:,} generated against {card.real_samples:,} real samples{features}{checkpoint}{best}"
