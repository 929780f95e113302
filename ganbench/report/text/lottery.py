"""The seed lottery in words, as Markdown and as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from ganbench.analysis.lottery import RIGHT, Draw, Lottery, ScoreLottery
from ganbench.formatting import counted, number
from ganbench.report.text.escape import escape_markdown
from ganbench.report.text.grid import ARROWS, NONE, Grid
from ganbench.report.text.markdown import grid

LEGEND = (
    "Draws of so many seeds of each variant, without replacement, of all that were trained. wrong winner: the share "
    "of draws in which the worse of two variants has the better mean, over the pairs that all seeds tell apart (by the "
    "test of the score, corrected for every pair of every dataset). right winner: in which the better one has it; in "
    "the rest both means are equal. worst pair: the largest share of a wrong winner of one pair. unfounded: the "
    "share of draws in which one mean is better, over the pairs that all seeds do not tell apart. contradiction: the "
    "share in which two independent comparisons of such a pair name opposite winners. wrong first: the share of draws "
    "in which a variant has the best of all means that is shown to be worse than another. same variant: two disjoint "
    "draws of one variant differ by this in half of all cases, and by more than the second value in one of twenty; a "
    "factor for scores that vary by factors. enough: the smallest number of seeds tried that names the right winner in "
    "at least 95 % of draws. deviation: over seeds, pooled over variants, relative to the mean for scores that vary by "
    "factors. against latents: how many times the deviation over other latents of one generator it is. Failed seeds "
    "are the worst; same variant and the deviations are of the seeds that finished."
)
FEW = (1, 3, 5)
"""The numbers of seeds that the table of all scores shows."""


def percent(share: float | None) -> str:
    """A share as per cent: whole ones from 10 on, one digit below; only none at all is 0."""
    if share is None:
        return NONE
    if 0 < share < 0.0005:
        return "below 0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.1f} %"


def apart(value: float | None, ratio: bool) -> str:
    """A difference in the unit of its score, or a factor."""
    if value is None:
        return NONE
    return f"x {value:.2f}" if ratio else number(value)


def sentences(found: Lottery) -> list[str]:
    """The finding of each dataset's primary score, to quote."""
    return [text for one in found.primary for text in _finding(one, found)]


def _finding(one: ScoreLottery, found: Lottery) -> Iterator[str]:
    first, seeds = one.draws[0], found.seeds_text
    if first.wrong is None or first.worst_pair is None:
        yield f"On {one.dataset}, {seeds} seeds tell no two of the variants apart by {one.score}."
    else:
        more = [draw for draw in one.draws if draw.seeds in FEW[1:]]
        then = "".join(f", {draw.seeds} seeds in {percent(draw.wrong)}" for draw in more)
        yield (
            f"On {one.dataset}, {seeds} seeds tell {one.told_apart} of {one.pairs} pairs of variants apart by "
            f"{one.score}. Of these, one seed of each names the wrong winner in {percent(first.wrong)} of draws (up to "
            f"{percent(first.worst)}: {' against '.join(first.worst_pair)}){then}."
        )
    if first.unfounded is not None:
        left = one.pairs - one.told_apart
        others = f"the other {counted(left, 'pair')}" if one.told_apart else f"these {counted(left, 'pair')}"
        yield (
            f"For {others}, one seed of each names a winner all the same in {percent(first.unfounded)} of draws, and "
            f"two such comparisons contradict each other in {percent(first.contradicted)}."
        )
    if first.half is not None and first.rare is not None:
        by = "a factor of " if one.ratio else ""
        unit = f"{by}{number(first.half)}", f"{by}{number(first.rare)}"
        yield (
            f"Two seeds of the same variant differ in {one.score} by {unit[0]} or more in half of all cases, and by "
            f"{unit[1]} or more in one of twenty."
        )
    if one.failed:
        yield f"{counted(one.failed, 'seed')} failed or lack the score, and count as the worst."


def _draws(one: ScoreLottery) -> Grid:
    header = [
        "seeds of each",
        "wrong winner",
        "right winner",
        "worst pair",
        "unfounded",
        "contradiction",
        "wrong first",
        "same variant: half",
        "one of twenty",
    ]
    lines = [
        [
            str(draw.seeds), percent(draw.wrong), percent(draw.right), percent(draw.worst), percent(draw.unfounded),
            percent(draw.contradicted), percent(draw.first), apart(draw.half, one.ratio), apart(draw.rare, one.ratio),
        ]
        for draw in one.draws
    ]  # fmt: skip
    return Grid(header, lines)


def _scores(scores: Sequence[ScoreLottery]) -> Grid:
    header = [
        "score", "told apart", *(f"wrong, {k} seed{'s' * (k > 1)}" for k in FEW), "enough", "deviation",
        "against latents",
    ]  # fmt: skip
    return Grid(header, [_score(one) for one in scores])


def _score(one: ScoreLottery) -> list[str]:
    wrong = [draw.wrong if (draw := one.by(k)) else None for k in FEW]
    tried = one.draws[-1].seeds
    enough = str(one.enough) if one.enough else (f"more than {tried}" if one.told_apart else NONE)
    deviation = NONE if one.deviation is None else percent(one.deviation) if one.ratio else number(one.deviation)
    latents = NONE if one.against_latents is None else f"x {number(one.against_latents)}"
    return [
        f"{one.score} {ARROWS[one.better]}", f"{one.told_apart} of {one.pairs}", *map(percent, wrong), enough,
        deviation, latents,
    ]  # fmt: skip


def markdown(found: Lottery) -> str:
    """Per dataset the finding, the draws of its primary score, and all scores; also readable as text."""
    parts = [
        f"# The seed lottery of {escape_markdown(found.suite)}", "",
        f"{found.variants} variants, {found.seeds_text} seeds each; {found.m} pairs.", "",
    ]  # fmt: skip
    for one in found.primary:
        own = [score for score in found.scores if score.dataset == one.dataset]
        parts += [f"## {escape_markdown(one.dataset)}: {escape_markdown(one.score)} {ARROWS[one.better]}", ""]
        parts += [*(f"- {escape_markdown(text)}" for text in _finding(one, found)), "", *grid(_draws(one)), ""]
        parts += [*grid(_scores(own)), ""]
    return "\n".join([*parts, LEGEND, ""])


def lottery_data(found: Lottery) -> dict[str, object]:
    """The lottery as JSON data for scripts."""
    return {
        "suite": found.suite, "seeds": list(found.seeds), "variants": found.variants, "pairs": found.m,
        "right": RIGHT, "findings": sentences(found),
        "scores": [{**dataclasses.asdict(one), "draws": [_draw(draw) for draw in one.draws]} for one in found.scores],
    }  # fmt: skip


def _draw(draw: Draw) -> dict[str, object]:
    return {**dataclasses.asdict(draw), "worst_pair": draw.worst_pair and list(draw.worst_pair)}
