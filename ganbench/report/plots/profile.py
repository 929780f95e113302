"""Draws performance profiles: the share of seeds above each level, with pointwise intervals."""

from __future__ import annotations

from functools import partial

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ganbench.analysis.figure_data.axes import AxisRange
from ganbench.analysis.figure_data.profile import ProfileInfo
from ganbench.report.plots.style import (
    GRAY,
    SMALL,
    TEXT,
    PaperFigure,
    drawable_text,
    extent,
    fitted,
    legend,
    legend_columns,
    legend_height,
    looks,
    set_axis,
    width_of,
)

EXPLANATION = "95 % bands"
SHARE = AxisRange(0, 1)


def plot_profile(info: ProfileInfo) -> PaperFigure:
    """One line per variant; the higher, the better at every level."""

    def height(width: float) -> float:
        texts = _texts(info, width)
        return min(0.6 * width, 3.2) + 0.2 + legend_height(len(texts), legend_columns(texts, width))

    return PaperFigure(partial(_draw, info), height, info.notes)


def _texts(info: ProfileInfo, width: float) -> list[str]:
    return [fitted(drawable_text(line.label), width - 0.6) for line in info.lines]


def _draw(info: ProfileInfo, figure: Figure) -> None:
    axes, wide = figure.subplots(), width_of(figure)
    chosen = looks(len(info.lines))
    for i, (line, look) in enumerate(zip(info.lines, chosen, strict=True)):
        share, low, high = line.profile
        axes.fill_between(info.levels, low, high, step="post", color=look.color, alpha=0.14, linewidth=0, zorder=2)
        every = len(info.levels) // 5
        axes.step(info.levels, share, where="post", color=look.color, linestyle=look.dashes, zorder=3)
        at = slice(int((i + 0.5) / len(chosen) * every), None, every)
        axes.plot(info.levels[at], share[at], linestyle="none", color=look.color, marker=look.marker, markersize=3,
                  zorder=4, clip_on=False)  # fmt: skip
    set_axis(axes, "x", SHARE)
    set_axis(axes, "y", SHARE)
    axes.set_xlabel("level (0 uniform noise, 1 real data)")
    axes.set_ylabel("share of seeds above")
    axes.set_title(fitted(drawable_text(info.heading), wide - extent(EXPLANATION) - 0.8, TEXT))
    axes.set_title(EXPLANATION, loc="right", color=GRAY, fontsize=SMALL)
    handles = [Line2D([], [], color=k.color, linestyle=k.dashes, marker=k.marker, markersize=3) for k in chosen]
    texts = _texts(info, wide)
    legend(figure, handles, texts, legend_columns(texts, wide))
