"""The event stream: what a worker sends, what observers receive, and what must not disturb a run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import pytest
import torch
from factories import make_job, make_progress, make_train

from ganbench import Data, seeding
from ganbench.engine.checkpoints import CheckpointTimer, Stopped
from ganbench.engine.objective import Objective
from ganbench.engine.state import Progress, SeedState
from ganbench.engine.trainer import Trainer
from ganbench.runner.background import BackgroundObserver
from ganbench.runner.events import (
    Event,
    JobEnded,
    JobProgress,
    JobStarted,
    Phase,
    PhaseStarted,
    SuiteFinished,
    SuiteStarted,
    WorkerMessage,
    broadcast,
)
from ganbench.runner.rate_limit import RateLimiter
from ganbench_architectures.mlp import Mlp
from ganbench_losses.minimax import Minimax

JOB = make_job()
History = dict[int, tuple[list[int], list[list[float]]]]


def _trainer(resumed: dict[int, SeedState] | None = None) -> Trainer:
    data = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    spec = make_train(steps=5 * seeding.BLOCK, batch=32, lr=2e-3)
    return Trainer(
        Objective.of(Minimax()), Mlp(width=16, depth=1), Data(data), spec, (0, 1), torch.device("cpu"), resumed
    )


def _joined(reported: list[Progress]) -> History:
    whole: History = {}
    for progress in reported:
        for seed, (steps, rows) in progress.fresh.items():
            before = whole.setdefault(seed, ([], []))
            before[0].extend(steps)
            before[1].extend(rows)
    return whole


def test_progress_reports_every_row_of_the_history_once() -> None:
    reported: list[Progress] = []
    results = _trainer().run(reported.append)
    assert len(reported) == 5
    assert _joined(reported) == {result.seed: (result.steps, result.history) for result in results}


def test_a_resumed_cell_reports_what_was_recorded_before_too() -> None:
    saved: dict[int, SeedState] = {}
    stop = CheckpointTimer(0, lambda: len(saved) >= 2, lambda one: saved.__setitem__(one.result.seed, one))
    with pytest.raises(Stopped):
        _trainer().run(timer=stop)
    reported: list[Progress] = []
    results = _trainer(saved).run(reported.append)
    assert reported[0].step == saved[0].step > 0
    assert _joined(reported) == {result.seed: (result.steps, result.history) for result in results}


def test_progress_that_comes_too_soon_is_merged_into_the_next_message() -> None:
    sent: list[WorkerMessage] = []
    limiter = RateLimiter(sent.append)
    for step in range(4):
        limiter(JobProgress(JOB, make_progress(step, (0, step))))
    assert len(sent) == 1
    limiter(PhaseStarted(JOB, Phase.EVALUATING))
    limiter(PhaseStarted(JOB, Phase.TRAINING))
    assert [type(message) for message in sent] == [JobProgress, JobProgress, PhaseStarted, PhaseStarted]
    assert isinstance(sent[1], JobProgress)
    assert sent[1].progress.step == 3
    fresh = sent[1].progress.fresh
    assert {seed: steps for seed, (steps, _) in fresh.items()} == {0: [1, 2, 3], 1: [1], 2: [2], 3: [3]}


def test_an_event_reaches_every_observer_also_if_one_raises() -> None:
    seen: list[str] = []

    def broken(event: Event) -> None:
        seen.append("broken")
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        broadcast(lambda _: seen.append("first"), broken, lambda _: seen.append("last"))(SuiteFinished())
    assert seen == ["first", "broken", "last"]


class _Failing:
    """An observer that fails at one kind of event, and remembers all it receives."""

    def __init__(self, kind: type[Event], fault: Callable[[], None]) -> None:
        self.kind, self.fault = kind, fault
        self.seen: list[type[Event]] = []

    def __call__(self, event: Event) -> None:
        self.seen.append(type(event))
        if isinstance(event, self.kind):
            self.fault()


def _live_through(observer: BackgroundObserver) -> None:
    observer(SuiteStarted(((JOB, 1.0),), 1))
    observer(JobStarted(JOB))
    for step in range(20):
        observer(JobProgress(JOB, make_progress(step)))
    observer(JobEnded(JOB, ("ok",), ""))
    observer(SuiteFinished())


def _raise() -> None:
    raise OSError(28, "No space left on device", "/full")


@pytest.mark.parametrize("kind", [SuiteStarted, JobProgress, SuiteFinished])
def test_what_an_observer_raises_is_reported_once_and_switches_it_off(
    kind: type[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    failing = _Failing(kind, _raise)
    _live_through(BackgroundObserver("the live state", failing))
    printed = capsys.readouterr().err
    assert printed == "the live state: /full: No space left on device; switched off, the run continues\n"
    assert failing.seen.count(kind) == 1
    assert failing.seen[-1] is SuiteFinished  # so that it may clean up


def test_an_observer_that_ends_the_thread_is_an_error_like_any_other(capsys: pytest.CaptureFixture[str]) -> None:
    _live_through(BackgroundObserver("mine", _Failing(JobStarted, lambda: sys.exit(3))))
    assert "SystemExit: 3" in capsys.readouterr().err


def test_an_observer_that_hangs_delays_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    hanging = _Failing(JobProgress, lambda: time.sleep(60))
    _live_through(BackgroundObserver("mine", hanging, shutdown_timeout=0.2))
    assert time.monotonic() - began < 10
    assert capsys.readouterr().err == "mine: did not shut down within 0.2 s; abandoned\n"


def test_an_observer_that_cannot_keep_up_loses_events_and_this_is_reported_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganbench.runner.background.MAX_WAITING_EVENTS", 5)
    observer = BackgroundObserver("mine", _Failing(SuiteStarted, lambda: time.sleep(0.5)), shutdown_timeout=0.1)
    _live_through(observer)
    assert capsys.readouterr().err.count("mine: cannot keep up; events are being dropped\n") == 1


def test_an_observer_that_was_slow_once_still_hears_of_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganbench.runner.background.MAX_WAITING_EVENTS", 3)
    slow = _Failing(SuiteStarted, lambda: time.sleep(0.3))
    _live_through(BackgroundObserver("mine", slow, shutdown_timeout=20))
    assert capsys.readouterr().err.count("mine: cannot keep up; events are being dropped\n") == 1
    assert slow.seen[-1] is SuiteFinished
