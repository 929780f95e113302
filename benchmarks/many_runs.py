"""How a results folder grows from 10^3 to 10^5 runs: its size, its plan, and what `table`, `compare` and `status` need.

`python -m benchmarks.many_runs`; the records are made up, 100 variants of one dataset, all read as real ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
import numpy as np

from benchmarks import report
from ganbench.api.suites import SuiteRequest, resolve
from ganbench.files import sealed
from ganbench.suite.plan_file import plan_to_save, save_plan
from ganbench.suite.specs import Cell

ROOT = Path(__file__).parent.parent
VARIANTS = 100
SIZES = (1_000, 10_000, 100_000)
WIDTHS = range(8, 8 + VARIANTS)
COMMANDS = {
    "table": ("table", "--suite", "many"),
    "compare": ("compare", f"nonsaturating x mlp(width={WIDTHS[0]})", f"nonsaturating x mlp(width={WIDTHS[1]})"),
    "status": ("status",),
}


ASKED = """
import atexit, sys
from pathlib import Path
from ganbench.cli import main
peak = lambda: next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
atexit.register(lambda: print(peak(), file=sys.stderr))
main()
"""
"""The command line, which says its peak memory at the end: `VmHWM: 1234 kB`."""


def suite(folder: Path, runs: int) -> str:
    """A suite of so many runs, as a file."""
    architectures = ", ".join(f"{{mlp: {{width: {width}}}}}" for width in WIDTHS)
    path = folder / "many.yaml"
    path.write_text(
        f"about: many runs\nlosses: [nonsaturating]\narchitectures: [{architectures}]\ndatasets: [ring8]\n"
        f"seeds: {runs // VARIANTS}\n"
    )
    return str(path)


def make(folder: Path, runs: int) -> dict[str, float]:
    """Write the plan and a record with scores for each run; what planning cost, in seconds."""
    asked = resolve(SuiteRequest(suite(folder, runs)))
    begin = time.process_time()
    plan = asked.plan()
    saved = plan_to_save(plan, asked.digest)
    seconds = time.process_time() - begin
    save_plan(folder / "results", saved)
    draws = np.random.default_rng(0)
    for cell in plan.cells:
        record, scores = _templates(cell)
        quality = draws.uniform(0.3, 0.9)
        for seed, id_ in cell.ids.items():
            record["id"] = scores["run"] = id_
            record["spec"]["seed"] = seed
            share = float(np.clip(quality + draws.normal(0, 0.1), 0, 1))
            scores["metrics"] = {"modes": float(round(8 * share)), "HQ": share, "reverse KL": 2 - 1.9 * share}
            own = folder / "results" / "runs" / id_
            (own / "scores").mkdir(parents=True)
            _write(own / "record.json", record)
            _write(own / "scores" / f"{scores['id']}.json", scores)
    return {"plan_seconds": seconds, "plan_bytes": (folder / "results" / "many" / "plan.json").stat().st_size}


def _templates(cell: Cell) -> tuple[dict[str, Any], dict[str, Any]]:
    """A record and its scores as a run of the cell writes them."""
    sys.path.insert(0, str(ROOT / "tests"))
    from fabricate import scores

    from ganbench.engine.state import TrainedSeed
    from ganbench.evaluation.evaluator import Source
    from ganbench.results.provenance import machine
    from ganbench.results.record_json import encode, encode_scores
    from ganbench.runner.run_record import run_record
    from ganbench.signals import SIGNALS

    spec = cell.run(0)
    result = TrainedSeed(0, None, steps=[0], history=[[0.0] * len(SIGNALS)], seconds=1.0)
    found = scores(False, 0.5, Source("raw", "last"), spec.evaluation)
    record = run_record("many", spec, result, found, 1 << 30, machine())
    return json.loads(encode(record)), json.loads(encode_scores(record))


def _write(path: Path, content: dict[str, Any]) -> None:
    content.pop("seal", None)
    path.write_text(json.dumps(sealed(content), indent=1) + "\n")


def timed(folder: Path, arguments: tuple[str, ...]) -> dict[str, float]:
    """Seconds of a command, those of its processor, and its peak memory."""
    asked = [sys.executable, "-c", ASKED, *arguments, "--results", str(folder / "results")]
    begin = time.perf_counter()
    process = subprocess.Popen(asked, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        raise RuntimeError(said)
    peak = int(said.split()[-2]) << 10
    return {"seconds": time.perf_counter() - begin, "cpu": used.ru_utime + used.ru_stime, "bytes": peak}


def measure(runs: int) -> dict[str, Any]:
    """Everything for a folder of so many runs, which goes away."""
    with tempfile.TemporaryDirectory() as name, patch("os.fsync"):
        folder = Path(name)
        planned = make(folder, runs)
        files = [path for path in (folder / "results").rglob("*") if path.is_file()]
        size = {"files": len(files), "bytes": sum(path.stat().st_size for path in files)}
        commands = {what: timed(folder, arguments) for what, arguments in COMMANDS.items()}
        return {"runs": runs, **planned, **size, "commands": commands}


@click.command(help=__doc__)
@click.option("--most", default=SIZES[-1], show_default=True, help="The largest number of runs.")
def main(most: int) -> None:
    rows = [measure(runs) for runs in SIZES if runs <= most]
    report.write("many_runs", report.machine(), rows, whole=most == SIZES[-1])


if __name__ == "__main__":
    main()
