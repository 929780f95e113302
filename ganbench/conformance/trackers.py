"""Checks a tracker: it takes every kind of signal and record, and prints nothing."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

from ganbench.conformance.findings import Collector, Finding
from ganbench.registry.contracts import Run, Tracker
from ganbench.signals import SIGNALS

RECORD: dict[str, object] = {
    "schema": 1, "id": "0" * 12, "suite": "check", "status": "ok", "reason": "", "cards": {},
    "metrics": {"score[extractor]": 1.0, "share >= 1, %": 0.5}, "verdict": "ok",
    "snapshots": [{"step": 1, "train_seconds": 0.1, "metrics": {"score[extractor]": 2.0}}],
    "cost": {}, "signals": dict.fromkeys(SIGNALS, 0.5), "provenance": {},
    "diagnosis": [{"flag": "collapse", "since": 1, "fault": True, "evidence": "an example"}],
    "spec": {"seed": 0, "train": {"steps": 2}},
}  # fmt: skip
"""An example of the record of a run that ended well, as trackers receive it."""
FAILED: dict[str, object] = {
    "status": "failed", "reason": "<b>", "metrics": {}, "verdict": None, "snapshots": [], "diagnosis": None,
}  # fmt: skip
"""What differs in the record of a run that failed."""


def tracker_findings(tracker: Tracker) -> list[Finding]:
    """All findings of a tracker: signals (also NaN and infinity), records of runs that ended well or failed.

    Raises `MissingError` if it lacks something.
    """
    found, printed = Collector(), io.StringIO()
    with TemporaryDirectory() as folder, redirect_stdout(printed):
        with found.catching("prepare"):
            getattr(tracker, "prepare", lambda results: None)(Path(folder))
        for seed, more in enumerate(({}, FAILED)):
            run = Run(str(seed) * 12, "check", "loss(of=../..)", "network", "points", seed)
            with found.catching("on_signals"):
                for step, value in enumerate((0.5, float("nan"), float("inf"))):
                    tracker.on_signals(run, step, dict.fromkeys(SIGNALS, value))
            with found.catching("on_record"):
                tracker.on_record(run, {**RECORD, "id": run.id, "spec": {"seed": seed, "train": {"steps": 2}}, **more})
        with found.catching("on_record"):  # of a run that never trained
            tracker.on_record(run._replace(id="2" * 12), {**RECORD, **FAILED})
        with found.catching("close"):
            tracker.close()
    if printed.getvalue().strip():
        seen = f"it prints to stdout: {printed.getvalue().strip().splitlines()[0][:60]!r}"
        found.add(Finding("prints", seen, "stdout is reserved for tables: write to a file or to sys.stderr"))
    return found.findings
