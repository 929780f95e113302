"""`ganbench replay`: train one run again from its record, and compare."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.api.actions import Replay, ReplaySettings, replay
from ganbench.cli.options import plugin_option, results_option
from ganbench.errors import printable
from ganbench.formatting import number
from ganbench.results.records import AnyRecord

if TYPE_CHECKING:
    from ganbench.analysis.reproduction import Comparison, ScoreGap


@click.command("replay")
@click.argument("run")
@plugin_option
@results_option
@click.option("--weights", type=click.Path(path_type=Path), help="Weight file of the feature extractor.")
@click.option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:1 or mps; by default the record's.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    help="Longest time; by default the limit that the recorded run exceeded, if it did.",
)
@click.option("--anyway", is_flag=True, help="Train even if the id would be another, for example with changed code.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def command(
    run: str,
    plugins: tuple[Path, ...],
    results: Path,
    weights: Path | None,
    device: str | None,
    timeout: float | None,
    anyway: bool,
    as_json: bool,
) -> int:
    """Train a run again from its record: bit-identical, within tolerance, or different and where first.

    RUN is the id of a run or a reference, or its first characters, in a results folder or a report.
    Nothing is written there.

    Exit code: 0 the same or within tolerance, 1 different, 2 the run cannot be set up as it was, 3
    something is missing on this machine.
    """
    found = replay(run, results, ReplaySettings(plugins, weights, device, timeout, anyway, progress=True))
    click.echo(_json(found) if as_json else _text(found))
    return 0 if found.same else 1


def _json(replayed: Replay) -> str:
    record, again, found = replayed.record, replayed.again, replayed.comparison
    scores = [
        {**asdict(one), "relative": one.relative if math.isfinite(one.relative) else None} for one in found.scores
    ]
    path = [one.provenance.path for one in (record, again)]
    content = {"id": record.id, "same": found.same, **asdict(found), "scores": scores, "paths": path}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)


def _text(replayed: Replay) -> str:
    record, again, found = replayed.record, replayed.again, replayed.comparison
    lines = [f"run {record.id}: {found.verdict}"]
    if found.statuses[0] != found.statuses[1]:
        lines.append(f"  status {found.statuses[0]} in the record, {found.statuses[1]} now")
    if found.reasons[0] or found.reasons[1]:
        now = "the same now" if found.reasons[0] == found.reasons[1] else f"now: {found.reasons[1] or 'none'}"
        lines.append(f"  reason in the record: {found.reasons[0] or 'none'}; {now}")
    lines += _scores(found)
    lines += [f"  {name}: {state}" for name, state in found.files.items()]
    if found.first is not None:
        lines.append(f"  histories differ first at step {found.first.step}: " + ", ".join(
            f"{name} {a} against {b}" for name, (a, b) in found.first.signals.items()))  # fmt: skip
    lines += _path(record, again)
    if found.environment:
        lines.append(f"  not as it was then: {'; '.join(found.environment)}")
    elif not found.same:
        lines.append("  nothing that the record states of its environment is another here")
    return "\n".join(map(printable, lines))


def _path(record: AnyRecord, again: AnyRecord) -> list[str]:
    """The way that the replay was trained, and why it is another where it is."""
    then, now = (one.provenance.path for one in (record, again))
    if now is None:
        return []
    return [
        f"  trained {now}" + (", as recorded" if then == now else f", recorded {then}: {again.provenance.path_reason}")
    ]


def _scores(found: Comparison) -> list[str]:
    """Every score that differs, largest gap first, or that none does."""
    differ = sorted((one for one in found.scores if one.recorded != one.replayed), key=lambda one: -one.relative)
    same = len(found.scores) - len(differ)
    lines = [f"  {_score(one)}" for one in differ]
    return [*lines, f"  {same} scores equal to the bit"] if same else lines


def _score(one: ScoreGap) -> str:
    a, b = ("none" if value is None else number(value, 6) for value in (one.recorded, one.replayed))
    text = f"{one.name}: {a} in the record, {b} now"
    if math.isfinite(one.relative):
        text += f" (relative gap {one.relative:.1e})"
    if one.low is None or one.high is None:
        return f"{text}; too few seeds for a spread"
    where = "inside" if one.inside else "OUTSIDE"
    return f"{text}; {where} the seeds' spread [{number(one.low)}, {number(one.high)}]"
