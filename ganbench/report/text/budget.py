"""When scores were reached, as Markdown and JSON."""

from __future__ import annotations

import json

from ganbench.analysis.budget import Reached, plain
from ganbench.report.text.grid import Grid
from ganbench.report.text.markdown import grid


def markdown(found: list[Reached]) -> str:
    """One row per variant: how many seeds reached the score, and when half of all seeds had."""
    header = ["variant", "dataset", "reached", "step", "s of training"]
    lines = [
        [one.variant, one.dataset, f"{one.reached}/{one.n}", _known(one.step, 0), _known(one.seconds, 2)]
        for one in found
    ]
    most = max(one.snapshots for one in found)
    note = (
        f"{found[0].target}: the first of up to {most} snapshots per run, or its end, at which half of the seeds had "
        "reached it; they reached it after the snapshot before. –: fewer than half of the seeds reached it."  # noqa: RUF001
    )
    return "\n".join([*grid(Grid(header, lines)), "", note, ""])


def _known(value: float | None, places: int) -> str:
    return "–" if value is None else f"{value:,.{places}f}"  # noqa: RUF001


def json_text(found: list[Reached]) -> str:
    return json.dumps(plain(found), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
