"""The progress of a run on stderr, on a terminal and elsewhere."""

from __future__ import annotations

import io
import os
import pty
from pathlib import Path

import pytest
from factories import make_job, make_progress, make_record
from rich.console import Console
from warm import Warm

from ganbench.runner.events import (
    JobEnded,
    JobProgress,
    JobRetried,
    JobStarted,
    Observer,
    Phase,
    PhaseStarted,
    RunRecorded,
    Stopping,
    SuiteFinished,
    SuiteStarted,
    Tick,
)
from ganbench.runner.progress import PlainProgress, TerminalProgress

JOB, OTHER = make_job(), make_job((2,))


def _begin(display: Observer) -> None:
    display(SuiteStarted(((JOB, 1.0), (OTHER, 1.0)), 1))
    display(JobStarted(JOB))
    display(PhaseStarted(JOB, Phase.TRAINING))


def test_plain_lines_are_one_per_start_and_end_and_one_a_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("ganbench.runner.progress.time.monotonic", lambda: now)
    display = PlainProgress()
    display.estimator.clock = lambda: now
    _begin(display)
    for second in range(1, 101):
        now = 1000.0 + second
        display(JobProgress(JOB, make_progress(second)))
    display(PhaseStarted(JOB, Phase.EVALUATING, 100))
    now += 30
    display(Tick())
    display(JobEnded(JOB, ("ok", "diverged"), "a loss was not finite"))
    display(Stopping(1))
    title = "game x network x points (2 seeds)"
    assert capsys.readouterr().err.splitlines() == [
        f"start {title}",
        f"{title}: step 61/100, D 0.500, G 0.250, 1 seeds alive, 1,000 images/s; ETA 2 min 39 s",
        f"{title}: evaluating, 0 of 2 seeds; ETA 1 min 50 s",
        f"done  {title}: 1 ok, 1 diverged (a loss was not finite) [1/2, 2 min 10 s]",
        "saving the state of 1 job",
    ]


def test_a_terminal_shows_a_bar_per_running_job_and_a_line_per_job_that_ended() -> None:
    screen = io.StringIO()
    display = TerminalProgress(Console(file=screen, force_terminal=True, width=160, color_system=None))
    _begin(display)
    display(JobProgress(JOB, make_progress(50)))
    display.bars.refresh()
    assert "game x network x points (2 seeds)" in screen.getvalue()
    assert "step 50/100, D 0.500, G 0.250, 1 seeds alive, 1,000 images/s" in screen.getvalue()
    assert "0 of 2 jobs done, 0 s, ETA unknown yet" in screen.getvalue()
    display(JobProgress(JOB, make_progress(100)))
    display(PhaseStarted(JOB, Phase.EVALUATING, 100))
    display(RunRecorded(JOB, make_record()))
    display.bars.refresh()
    assert "evaluating, 1 of 2 seeds" in screen.getvalue()
    display(JobEnded(JOB, ("ok", "ok"), ""))
    assert "done  game x network x points (2 seeds) [1/2, 0 s]" in screen.getvalue()
    display(JobStarted(OTHER))
    display(Stopping(1))
    display.bars.refresh()
    assert "1 of 2 jobs done, 0 s, stopping" in screen.getvalue()
    display(SuiteFinished())
    assert not display.bars.live.is_started


HALVES = (make_job((0,)), make_job((1,)))
TRIED = JobRetried(JOB, HALVES, "game x network x points: out of memory on cuda:1 with 2 seeds; trying 1")


def test_plain_lines_name_the_card_and_say_what_is_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    display = PlainProgress()
    display(SuiteStarted(((JOB, 1.0),), 2))
    display(JobStarted(JOB, "cuda:1"))
    display(TRIED)
    for half in HALVES:
        display(JobStarted(half, "cuda:0"))
        display(JobEnded(half, ("ok",), ""))
    title = "game x network x points"
    assert capsys.readouterr().err.splitlines() == [
        f"start {title} (2 seeds) on cuda:1",
        f"note: {title}: out of memory on cuda:1 with 2 seeds; trying 1",
        f"start {title} (1 seed) on cuda:0",
        f"done  {title} (1 seed) [1/2, 0 s]",
        f"start {title} (1 seed) on cuda:0",
        f"done  {title} (1 seed) [2/2, 0 s]",
    ]


def test_a_terminal_replaces_the_bar_of_a_job_that_is_tried_again() -> None:
    screen = io.StringIO()
    display = TerminalProgress(Console(file=screen, force_terminal=True, width=160, color_system=None))
    display(SuiteStarted(((JOB, 1.0),), 2))
    display(JobStarted(JOB, "cuda:1"))
    display(TRIED)
    for half in HALVES:
        display(JobStarted(half, "cuda:0"))
    display.bars.refresh()
    assert "note: game x network x points: out of memory on cuda:1 with 2 seeds; trying 1" in screen.getvalue()
    assert "cuda:0 game x network x points (1 seed)" in screen.getvalue()
    assert "0 of 2 jobs done" in screen.getvalue()
    for half in HALVES:
        display(JobEnded(half, ("ok",), ""))
    display(SuiteFinished())
    assert "[2/2, 0 s]" in screen.getvalue()


def test_progress_is_live_on_a_terminal(warm: Warm, suite: Path, tmp_path: Path) -> None:
    parent, child = pty.openpty()
    options = ("--filter", "loss=minimax", "--set", "train.steps=600", "--jobs", "1")
    command = ["-m", "ganbench", "run", "--suite", str(suite), *options]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "140"}
    with (tmp_path / "printed").open("wb") as printed, Path(os.devnull).open() as nothing:
        files = {0: nothing.fileno(), 1: printed.fileno(), 2: child}
        process = warm.start(command, environment, tmp_path, files)
    os.close(child)
    seen = b""
    while True:
        try:
            part = os.read(parent, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
    assert process.wait(30) == 0, seen.decode()
    text = seen.decode()
    assert "/600, D " in text
    assert "seeds alive" in text
    assert "ETA" in text
    assert "done  minimax x mlp x ring8 (2 seeds)" in text
    assert "\x1b" not in (tmp_path / "printed").read_text()
