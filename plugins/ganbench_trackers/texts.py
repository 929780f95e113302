"""What trackers call a run and its scores, and what they say of a record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ganbench import Run


def plain(name: str) -> str:
    """A name without the characters that file names and tags must not contain: `FID_digits16`."""
    return re.sub(r"[^A-Za-z0-9_.=, -]+", "_", name).strip("_")


def strict(name: str) -> str:
    """A name of nothing but letters, digits, `_` and `.`, which every service takes: `modes_1` of `modes>=1`."""
    return re.sub(r"[^A-Za-z0-9_.]+", "_", name).strip("_")


def title(run: Run) -> str:
    """`ring8 - minimax x mlp - seed 0`, long labels cut."""
    return " - ".join((run.dataset[:60], f"{run.loss[:60]} x {run.architecture[:60]}", f"seed {run.seed}"))


def outcome(record: Mapping[str, Any]) -> dict[str, str]:
    """Status with its reason, verdict and findings of the diagnosis, each under its name, as far as there are any."""
    found = {"status": record["status"] + (f" ({record['reason']})" if record["reason"] else "")}
    if record["verdict"]:
        found["verdict"] = str(record["verdict"])
    findings = [f"{one['flag']} since step {one['since']}: {one['evidence']}" for one in record["diagnosis"] or ()]
    return {**found, "diagnosis": "\n".join(findings)} if findings else found


def scores(record: Mapping[str, Any]) -> list[tuple[int, dict[str, float]]]:
    """The scores of the snapshots and of the end by their names, each with its step."""
    last = record["spec"]["train"]["steps"]
    rows = [*((one["step"], one["metrics"]) for one in record["snapshots"]), (last, record["metrics"])]
    return [(step, dict(own)) for step, own in rows if own]
