"""Draws where the variants stand on every dataset: scores in a matrix, with what the comparisons say of them."""

from __future__ import annotations

from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from ganbench.analysis.figure_data.tiers import TierCell, TiersInfo
from ganbench.analysis.tiers import TOO_FEW
from ganbench.formatting import number
from ganbench.report.plots.style import (
    COLORS,
    GRAY,
    SMALL,
    TEXT,
    PaperFigure,
    drawable_text,
    fitted,
    labels,
    legend,
    legend_columns,
    legend_height,
    width_of,
)
from ganbench.report.text.grid import FAULTY, SIGNS
from ganbench.statistics.letters import in_short

ROW, TWO_LINES, REST = 0.18, 0.25, 0.62
"""Inches of a row whose name is on one line, of one whose name is on two, and of the heads."""
BETTER, WORSE, OTHER = COLORS[0], COLORS[1], "0.85"
NAMES = 0.34
"""The part of the width that names have."""


def plot_tiers(info: TiersInfo) -> PaperFigure:
    """A row per variant and a column per dataset; the color says better or worse, the text how much and which tier."""

    def height(width: float) -> float:
        texts = _explained(info, width)
        names = labels(info.labels, NAMES * width)
        pitch = TWO_LINES if any("\n" in name for name in names) else ROW
        return REST + pitch * max(2, len(names)) + legend_height(len(texts), legend_columns(texts, width))

    return PaperFigure(partial(_draw, info), height, info.notes)


def _draw(info: TiersInfo, figure: Figure) -> None:
    axes, wide = figure.subplots(), width_of(figure)
    room = (1 - NAMES) * wide / len(info.datasets) - 0.12
    for y, row in enumerate(info.cells):
        for x, cell in enumerate(row):
            if cell is not None:
                _cell(axes, x, y, cell, room)
    axes.set_yticks(range(len(info.labels)), labels(info.labels, NAMES * wide), linespacing=0.95, ma="right")
    names = [f"{fitted(drawable_text(name), room)}\n{fitted(drawable_text(score), room)}"
             for name, score in zip(info.datasets, info.scores, strict=True)]  # fmt: skip
    axes.set_xticks(range(len(info.datasets)), names)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.set(xlim=(-0.5, len(info.datasets) - 0.5), ylim=(len(info.labels) - 0.5, -0.5))
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(fitted(drawable_text(info.heading), wide - 0.8, TEXT), loc="left", color=GRAY)
    texts = _explained(info, wide)
    handles = [Patch(facecolor=color, alpha=0.35) for color in (BETTER, WORSE, OTHER)]
    legend(figure, [*handles, *[Patch(alpha=0)] * (len(texts) - 3)], texts, legend_columns(texts, wide))


def _cell(axes: Axes, x: int, y: int, cell: TierCell, room: float) -> None:
    color = _color(cell)
    axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=color, alpha=0.35, linewidth=0))
    mean = number(cell.score.mean) if cell.score.mean is not None else "failed"
    leads = _color(cell) == BETTER
    axes.text(x, y, fitted(f"{mean} {_sign(cell)}".strip(), room), ha="center", va="center", fontsize=SMALL,
              weight="bold" if leads else "normal")  # fmt: skip


def _color(cell: TierCell) -> str:
    """Blue if it is better than some and worse than none, orange if worse than some and better than none."""
    if cell.tier == "reference":
        return OTHER
    if cell.better and not cell.worse:
        return BETTER
    return WORSE if cell.worse and not cell.better else OTHER


def _sign(cell: TierCell) -> str:
    tier = SIGNS.get(cell.tier, in_short(cell.tier) if cell.tier.isupper() and cell.tier != TOO_FEW else "")
    return f"{tier} {FAULTY}".strip() if cell.faulty else tier


def _explained(info: TiersInfo, width: float) -> list[str]:
    whom = f"than {info.reference}" if info.reference else "than some, worse than none"
    other = f"worse than {info.reference}" if info.reference else "worse than some, better than none"
    texts = [f"better {whom}", other, "neither shown" if info.reference else "neither, or both"]
    texts += [] if info.reference else ["variants without a common letter differ"]
    faulty = any(cell and cell.faulty for row in info.cells for cell in row)
    texts += [f"{FAULTY} at least half of the seeds' samples are faulty"] * faulty
    return [fitted(drawable_text(text), width - 0.5) for text in texts]
