"""The live view of a running suite on the overview page."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import Any, NamedTuple

from ganbench.analysis.figure_data.curves import Line
from ganbench.formatting import duration
from ganbench.report.html.charts import Chart, curves_chart
from ganbench.signals import BY_NAME, Signal

State = Mapping[str, Any]


def summary(state: State) -> str:
    """How far the suite is, in a sentence."""
    jobs = state["jobs"]
    done = f"{jobs['done']} of {jobs['total']} jobs done, {duration(state['elapsed'])} so far"
    if state["state"] == "stale":
        when = f"{state['updated'][:16].replace('T', ' ')} UTC"
        return f"This suite was killed at {when}: {done}. The same command continues from there."
    if state["state"] == "stopping":
        return f"This suite is stopping and saving its state: {done}. The same command continues from there."
    left = "remaining time unknown yet" if state["eta"] is None else f"about {duration(max(1.0, state['eta']))} left"
    return f"This suite is running: {done}, {left}."


class RunningJob(NamedTuple):
    """A running job: how far it is, and its curves so far, one line per seed. References have no steps."""

    name: str
    step: int | None
    steps: int | None
    facts: str
    charts: list[Chart]


def running_jobs(state: State) -> list[RunningJob]:
    """The running jobs as the overview shows them."""
    found = []
    for one in state["running"]:
        names = state["signals"] if one.get("curves") else ()
        charts = [drawn for name in names if (drawn := _chart(name, one)) is not None]
        found.append(RunningJob(one["name"], one.get("step"), one.get("steps"), ", ".join(_facts(one)), charts))
    return found


def _facts(one: State) -> list[str]:
    phase = str(one.get("phase") or "")
    if one.get("steps") is None:
        return ["evaluating" if phase in ("", "references") else phase]
    facts = [f"step {one['step']:,} of {one['steps']:,}", f"{len(one['seeds'])} seeds"]
    if phase not in ("", "training"):
        facts.insert(0, phase)
    if one["alive"] is not None and one["alive"] < len(one["seeds"]):
        facts.append(f"{one['alive']} alive")
    if one["images_per_second"]:
        facts.append(f"{one['images_per_second']:,.0f} samples/s")
    return facts


def _chart(name: str, one: State) -> Chart | None:
    lines = [
        Line(f"seed {seed}", columns["step"], [nan if value is None else value for value in columns[name]])
        for seed, columns in one["curves"].items()
        if columns.get(name)
    ]
    known = any(value == value for line in lines for value in line.values)
    signal = BY_NAME.get(name, Signal(name, name))
    levels = [] if signal.equilibrium is None else [signal.equilibrium]
    return curves_chart(signal.label, lines, one["steps"], levels=levels) if known else None
