"""A suite that runs at this moment, as the overview shows it."""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import Any

from ganbench.formatting import duration
from ganbench.report.html.charts import Chart, curves
from ganbench.signals import LEVELS, MEANING

State = Mapping[str, Any]


def told(state: State) -> str:
    """How far it is, in a sentence."""
    jobs = state["jobs"]
    done = f"{jobs['done']} of {jobs['total']} jobs done, {duration(state['elapsed'])} so far"
    if state["state"] != "running":
        when = f"{state['updated'][:16].replace('T', ' ')} UTC"
        return f"This suite was killed at {when}: {done}. The same command goes on from there."
    left = "unknown yet" if state["eta"] is None else f"about {duration(max(1.0, state['eta']))}"
    return f"This suite is running: {done}, left {left}."


def cells(state: State) -> list[dict[str, Any]]:
    """What runs: its name, how far it is, and its curves so far, a line a seed."""
    found = []
    for one in state["running"]:
        entry: dict[str, Any] = {"name": one["name"], "step": one.get("step"), "steps": one.get("steps"), "charts": []}
        entry["facts"] = ", ".join(_facts(one))
        if one.get("curves"):
            entry["charts"] = [drawn for name in state["signals"] if (drawn := _chart(name, one)) is not None]
        found.append(entry)
    return found


def _facts(one: State) -> list[str]:
    if one.get("steps") is None:
        return ["measuring"]
    facts = [f"step {one['step']:,} of {one['steps']:,}", f"{len(one['seeds'])} seeds"]
    if one["alive"] is not None and one["alive"] < len(one["seeds"]):
        facts.append(f"{one['alive']} alive")
    if one["images_per_second"]:
        facts.append(f"{one['images_per_second']:,.0f} samples/s")
    return facts


def _chart(name: str, one: State) -> Chart | None:
    lines = [
        (f"seed {seed}", columns["step"], [nan if value is None else value for value in columns[name]])
        for seed, columns in one["curves"].items()
        if columns.get(name)
    ]
    known = any(value == value for _, _, values in lines for value in values)
    levels = [LEVELS[name]] if name in LEVELS else []
    return curves(MEANING.get(name, name), lines, one["steps"], levels=levels) if known else None
