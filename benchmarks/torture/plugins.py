"""Losses that misbehave, in one suite with a loss that does not."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.torture import misbehaving
from benchmarks.torture.ground import LIMIT_S, Fingerprints, Ground, compare, inside, kill_all, suite_text, wait_gone
from benchmarks.torture.kills import GONE_S
from benchmarks.torture.misbehaving import Base
from benchmarks.torture.row import Row
from ganbench.results.records import Record
from ganbench.results.store import Store

GOOD = "minimax"
HANG_S = 20
"""The time limit of a cell whose loss hangs; the others, in a suite of their own, end by themselves."""


def misbehave(ground: Ground, count: int) -> Row:
    """Every cell must end with a record, the good one with its usual bits, and nothing may be left running."""
    row = Row("misbehaving plugins", count)
    row.begin()
    kinds = misbehaving.KINDS[:count]
    hanging = [kind for kind in kinds if kind in misbehaving.HANGING]
    others = [kind for kind in kinds if kind not in hanging]
    _, whole = ground.whole(row, _text(GOOD))

    def run(some: Sequence[type[Base]]) -> None:
        _run(ground, row, some, HANG_S if some is hanging else LIMIT_S, {} if some is hanging else whole)

    ground.each([part for part in (hanging, others) if part], run)
    return row


def _text(losses: str) -> str:
    return suite_text(losses, steps=60, seeds=1)


def _run(ground: Ground, row: Row, kinds: Sequence[type[Base]], limit: float, good: Fingerprints) -> None:
    """Run a suite of such losses, with the `good` runs if there are any."""
    names = [kind.__name__.lower() for kind in kinds]
    folder = ground.folder(_text(", ".join([*names, *([GOOD] if good else [])])) + "plugins: [misbehaving.py]\n")
    shutil.copy(Path(misbehaving.__file__), folder / "misbehaving.py")
    process = ground.start(folder, "run", "--suite", "suite.yaml", "--quiet", "--jobs", 2, "--timeout", limit)
    try:
        code = process.wait(len(names) * LIMIT_S)
    except subprocess.TimeoutExpired:
        row.hang("the run")
        process.kill()
        return
    if code != 1:
        row.lose(f"the run ended with exit code {code}")
    if left := wait_gone(folder, GONE_S):
        row.hang(f"{len(left)} processes are still there")
        kill_all(inside(folder))
    row.read(re.sub("(flood )+", "", (folder / "stderr").read_text(errors="replace")))
    compare(row, folder / "results", good, "beside the others")
    records = {record.spec.loss[0].name: record for record in Store(folder / "results").all_runs()}
    for kind, name in zip(kinds, names, strict=True):
        _look(row, name, records.get(name), kind in misbehaving.HANGING)
        row.tried()


def _look(row: Row, name: str, record: Record | None, hangs: bool) -> None:
    """The run has a record that says why; only what hangs was ended for its time."""
    if record is None:
        row.lose(f"{name} has no record")
    elif record.status != "ok" and not record.reason:
        row.lose(f"{name} has a record without a reason")
    elif (record.status == "timeout") is not hangs:
        row.hang(f"{name} ended as {record.status}: {record.reason[:300]}")
