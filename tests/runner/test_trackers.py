"""Trackers: what they receive, that they change nothing, and that none of them can fail a run."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from math import isnan
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, Ran
from factories import make_job, make_progress
from running import read_records
from warm import Warm

from ganbench.errors import ContractError, MissingError, UsageError
from ganbench.registry.contracts import Run
from ganbench.registry.registry import Registry
from ganbench.runner.events import JobProgress, JobRetried
from ganbench.runner.trackers import choose_trackers, prepared_trackers, tracker_observer
from ganbench.signals import SIGNALS
from ganbench.testing import check_file, check_tracker
from ganbench_trackers.tensorboard import TensorBoard

SHORT = """
losses: [minimax]
architectures: [mlp]
datasets: [ring8]
seeds: 2
train: {steps: 120, batch: 32, lr: 2e-3}
evaluation: {samples: 1000, real_samples: 1000, snapshots: 1}
"""

MINE = '''
import json, os, time
from dataclasses import dataclass, field
from pathlib import Path
from ganbench import MissingError, hookimpl, location


@dataclass
class Lines:
    """Writes what it receives, a line each."""

    path: str = location("told.jsonl")
    told: list = field(default_factory=list, init=False)

    def on_signals(self, run, step, signals):
        self.told.append(["signals", list(run), step, signals])

    def on_record(self, run, record):
        self.told.append(["record", list(run), record["status"], record["metrics"]])
        record.clear()  # its own copy

    def close(self):
        Path(self.path).write_text("".join(json.dumps(line) + "\\n" for line in self.told))


class Raises(Lines):
    """Cannot take signals."""

    def on_signals(self, run, step, signals):
        raise ValueError("no room | <b>")


class Hangs(Lines):
    """Never comes back."""

    def on_signals(self, run, step, signals):
        time.sleep(600)


class Lacks(Lines):
    """Needs what is not here."""

    def prepare(self, results):
        raise MissingError("tracker 'lacks' needs a moon; wait for one")


class Leaves(Lines):
    """Ends whoever calls it."""

    def on_record(self, run, record):
        raise SystemExit(9)


@hookimpl
def register_trackers():
    return {kind.__name__.lower(): kind for kind in (Lines, Raises, Hangs, Lacks, Leaves)}
'''


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "short.yaml").write_text(SHORT)
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


def _history(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


def _close(seen: float, written: str) -> bool:
    return isnan(seen) if written == "" else seen == pytest.approx(float(written), rel=1e-6)


@pytest.mark.slow
def test_trackers_receive_every_row_and_record_and_change_nothing(inside: Cli, mine: Path, tmp_path: Path) -> None:
    """A run with five trackers, of which one raises, one ends its caller and one hangs; the same run without."""
    bare = inside("run", "--suite", "short.yaml", "--results", "bare", "--jobs", "1")
    options = ("--suite", "short.yaml", "--jobs", "1", "--plugin", mine)
    ran = inside("run", *options, "--tracker", "{lines: {path: here.jsonl}}", "--tracker", "raises",
               "--tracker", "leaves", "--tracker", "hangs", "--tracker", "{tensorboard: {folder: board}}")  # fmt: skip
    assert (bare.code, ran.code) == (0, 0), ran.err
    assert ran.err.count("tracker raises: ValueError: no room | <b> (mine.py:") == 1
    assert ran.err.count("tracker leaves: SystemExit: 9 (mine.py:") == 1
    assert ran.err.count("switched off, the run continues") == 2
    assert ran.err.count("tracker hangs: did not shut down within 10 s; abandoned") == 1
    assert "| minimax x mlp" in ran.out
    runs = sorted(path.name for path in (tmp_path / "bare" / "runs").iterdir())
    assert runs == sorted(path.name for path in (tmp_path / "results" / "runs").iterdir())
    lines = [json.loads(line) for line in (tmp_path / "here.jsonl").read_text().splitlines()]
    for id_ in runs:
        folders = [tmp_path / name / "runs" / id_ for name in ("bare", "results")]
        assert len({(folder / "history.csv").read_bytes() for folder in folders}) == 1
        assert len({(folder / "weights.safetensors").read_bytes() for folder in folders}) == 1
        record = read_records(tmp_path / "results")[id_]
        own = [line for line in lines if line[1][0] == id_]
        assert own[0][1] == [id_, "short", "minimax", "mlp", "ring8", record["spec"]["seed"]]
        rows = _history(folders[1])
        assert [line[2] for line in own[:-1]] == [int(row["step"]) for row in rows]
        assert all(_close(line[3][name], row[name]) for line, row in zip(own, rows, strict=False) for name in SIGNALS)
        assert own[-1][0] == "record"
        assert own[-1][2:] == ["ok", record["metrics"]]
        _check_board(tmp_path / "board", record, rows)


def _check_board(board: Path, record: dict[str, Any], rows: list[dict[str, str]]) -> None:
    """TensorBoard reads back what the run's own files hold."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # type: ignore[import-untyped]

    (folder,) = board.glob(f"*{record['id']}")
    assert folder.name == f"ring8 - minimax x mlp - seed {record['spec']['seed']} - {record['id']}"
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    for name in SIGNALS:
        found = {event.step: event.value for event in events.Scalars(f"signals/{name}")}
        wanted = {int(row["step"]): float(row[name]) for row in rows if row[name]}
        assert found == pytest.approx(wanted, rel=1e-5)
    snapshot = {(120, record["snapshots"][0]["metrics"]["modes"]), (120, record["metrics"]["modes"])}
    assert {(event.step, event.value) for event in events.Scalars("scores/modes")} == snapshot
    assert "scores/reverse KL" in events.Tags()["scalars"]
    (text,) = events.Tensors("result/text_summary")
    assert b"status: ok" in text.tensor_proto.string_val[0]


def test_a_cell_that_is_tried_again_gives_a_tracker_every_row_once() -> None:
    seen: list[tuple[int, int]] = []

    class Steps:
        def on_signals(self, run: Run, step: int, signals: Mapping[str, float]) -> None:
            seen.append((run.seed, step))

        def on_record(self, run: Run, record: Mapping[str, Any]) -> None: ...

        def close(self) -> None: ...

    observe = tracker_observer(Steps())
    job, half = make_job((0, 1)), make_job((0,))
    observe(JobProgress(job, make_progress(1, (0, 1), rows=2)))
    observe(JobRetried(job, (half,), "out of memory"))
    observe(JobProgress(half, make_progress(1, (0,), rows=4)))
    assert seen == [(0, 1), (0, 2), (1, 1), (1, 2), (0, 3), (0, 4)]


def test_what_a_tracker_needs_is_reported_before_anything_trains(warm: Warm, mine: Path, tmp_path: Path) -> None:
    packages = ("tensorboard", "wandb", "mlflow")
    for name in packages:  # as if they were not installed
        (tmp_path / "absent" / name).mkdir(parents=True)
        (tmp_path / "absent" / name / "__init__.py").write_text("raise ImportError('no such package')")
    hidden = f"import runpy, sys; sys.path.insert(1, {str(tmp_path / 'absent')!r}); "
    wrong = (
        *((name, 3, f"tracker '{name}' needs the package {name} (no such package): pip install") for name in packages),
        ("line", 2, "--tracker line: unknown tracker 'line'. Did you mean 'lines'?"),
    )
    for tracker, code, message in wrong:
        options = ("run", "--suite", "short.yaml", "--plugin", str(mine), "--tracker", tracker)
        asked = ["-c", f"{hidden} runpy.run_module('ganbench', run_name='__main__', alter_sys=True)", *options]
        done = Ran(*warm.run(asked, os.environ, tmp_path, 240))
        assert (done.code, done.out) == (code, "")
        assert message in done.err
        assert "Traceback" not in done.err
    assert not (tmp_path / "results" / "runs").exists()


def test_choices_are_written_as_in_a_suite(mine: Path) -> None:
    registry = Registry.load([mine])
    found = choose_trackers(["lines", "{lines: {path: a}}"], registry)
    assert [choice.arguments() for choice in found] == [{"path": "told.jsonl"}, {"path": "a"}]
    with pytest.raises(UsageError, match=r"unknown tracker 'raise'.*\n.* has no hyperparameter 'pth'"):
        choose_trackers(["raise", "{lines: {pth: 1}}"], registry)
    with pytest.raises(UsageError, match="not valid YAML"):
        choose_trackers(["{lines: ["], registry)
    with pytest.raises(MissingError, match="needs a moon"):
        prepared_trackers(choose_trackers(["lacks"], registry), registry, mine.parent)


def test_the_kit_checks_trackers(mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_tracker(TensorBoard())
    assert not (tmp_path / "tensorboard").exists()
    kinds = "(Lines, Raises, Hangs, Lacks, Leaves)"
    mine.write_text(MINE.replace(kinds, "(Lines, Lacks)"))
    assert check_file(mine) == ["tracker lines", "tracker lacks"]
    mine.write_text(MINE.replace(kinds, "(Raises,)"))
    with pytest.raises(ContractError, match="no room"):
        check_file(mine)
    mine.write_text(MINE.replace(kinds, "(Lines,)").replace("def close(self):", "def close(self):\n        print(1)"))
    with pytest.raises(ContractError, match="prints"):
        check_file(mine)


def test_no_name_leads_out_of_the_board(tmp_path: Path) -> None:
    board = TensorBoard(str(tmp_path / "board"))
    board.prepare(tmp_path)
    run = Run("0" * 12, "s", "a(root=../../..)", "..", "../x", 0)
    board.on_signals(run, 0, dict.fromkeys(SIGNALS, 1.0))
    board.close()
    assert [path.name for path in tmp_path.iterdir()] == ["board"]
    assert len(list((tmp_path / "board").iterdir())) == 1


def test_a_board_that_cannot_be_made_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingError, match="cannot write to"):
        TensorBoard(str(tmp_path / "file" / "board")).prepare(tmp_path)
