"""The estimate of a run's end, against runs simulated with realistic phases, start-up and several workers."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from factories import EVALUATION, make_job, make_progress, make_record, make_reference

from ganbench.registry.choice import Choice
from ganbench.results.records import Status
from ganbench.runner.eta import Estimator
from ganbench.runner.events import (
    Event,
    JobEnded,
    JobProgress,
    JobRetried,
    JobStarted,
    Phase,
    PhaseStarted,
    RunRecorded,
    Stopping,
    SuiteStarted,
)
from ganbench.runner.jobs import CellJob, Job, ReferenceJob
from ganbench.suite.specs import ReferenceSpec

FACTOR = 1.35
"""How far the estimated total may be from the true one at 25, 50 and 75 % of a run."""


@dataclass(frozen=True)
class Lengths:
    """Seconds of the phases of a simulated run; those of training and evaluation are of one seed."""

    start: float = 8.0
    load: float = 1.0
    compile: float = 15.0
    train: float = 20.0
    evaluate: float = 4.0
    reference: float = 5.0
    snapshots: int = 0


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def _references(dataset: str) -> list[Job]:
    names = ("real", "gaussian", "noise")
    return [ReferenceJob(dataset, ReferenceSpec(name, Choice(dataset), EVALUATION)) for name in names]


def _job_events(job: Job, at: float, lengths: Lengths, first: bool) -> Iterator[tuple[float, Event]]:
    """The events of one job, with their times."""
    yield at, JobStarted(job)
    at += lengths.start if first else 0.01
    if not isinstance(job, CellJob):
        yield at, PhaseStarted(job, Phase.REFERENCES)
        at += lengths.reference
        yield at, RunRecorded(job, make_reference())
        yield at, JobEnded(job, ("ok",), "")
        return
    for phase, seconds in ((Phase.LOADING, lengths.load), (Phase.COMPILING, lengths.compile)):
        yield at, PhaseStarted(job, phase)
        at += seconds
    yield at, PhaseStarted(job, Phase.TRAINING)
    seeds, blocks = job.cell.seeds, 20
    due = {round(blocks * (i + 1) / lengths.snapshots) for i in range(lengths.snapshots)} - {blocks}
    for block in range(1, blocks + 1):
        at += lengths.train * len(seeds) / blocks
        yield at, JobProgress(job, make_progress(job.steps * block // blocks, seeds))
        if block in due:
            yield at, PhaseStarted(job, Phase.EVALUATING, job.steps * block // blocks)
            at += lengths.evaluate * len(seeds)
            yield at, PhaseStarted(job, Phase.TRAINING, job.steps * block // blocks)
    yield at, PhaseStarted(job, Phase.EVALUATING, job.steps)
    for _ in seeds:
        at += lengths.evaluate
        yield at, RunRecorded(job, make_record())
    statuses: list[Status] = ["ok" for _ in seeds]
    yield at, JobEnded(job, tuple(statuses), "")


def _simulated(jobs: list[Job], workers: int, lengths: dict[str, Lengths]) -> list[tuple[float, Event]]:
    """A whole run: jobs are given to the workers in order, each to the one that is free first."""
    events: list[tuple[float, Event]] = [(0.0, SuiteStarted(tuple((job, _weight(job)) for job in jobs), workers))]
    free = [(0.0, index, True) for index in range(workers)]
    for job in jobs:
        at, index, first = heapq.heappop(free)
        own = list(_job_events(job, at, lengths[job.dataset], first))
        events += own
        heapq.heappush(free, (own[-1][0], index, False))
    return sorted(events, key=lambda event: event[0])


def _weight(job: Job) -> float:
    return float(len(job.cell.seeds) * job.steps) if isinstance(job, CellJob) else 1.0


def _estimates(jobs: list[Job], workers: int, lengths: dict[str, Lengths]) -> dict[int, float]:
    """By per cent of a run: the estimated total over the true one, if there was an estimate."""
    clock = Clock()
    estimator = Estimator(clock)
    events = _simulated(jobs, workers, lengths)
    whole, found = events[-1][0], {}
    asked = [25, 50, 75]
    for at, event in events:
        while asked and at > whole * asked[0] / 100:
            clock.now = whole * asked[0] / 100
            remaining = estimator.remaining()
            percent = asked.pop(0)
            if remaining is not None:
                found[percent] = (clock.now + remaining) / whole
        clock.now = at
        estimator(event)
    assert estimator.remaining() == 0
    return found


def _cells(datasets: tuple[str, ...], losses: int, seeds: int) -> list[Job]:
    names = [f"loss{index}" for index in range(losses)]
    cells = [make_job(tuple(range(seeds)), labels=(loss, "network", dataset)) for dataset in datasets for loss in names]
    return [*cells, *(job for dataset in datasets for job in _references(dataset))]


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize(
    ("jobs", "lengths"),
    [
        # `quick`: four cells of two seeds, of which those of the first dataset take longer
        (_cells(("digits", "ring8"), 2, 2), {"digits": Lengths(evaluate=1), "ring8": Lengths(train=10, evaluate=0.5)}),
        # two cells per worker, long compiling, slow evaluation with snapshots
        (_cells(("images",), 4, 4), {"images": Lengths(train=60, evaluate=12, snapshots=4)}),
        # hardly any training: start-up, compiling and evaluation are most of it
        (_cells(("points",), 6, 2), {"points": Lengths(train=4, evaluate=3)}),
        # many cells
        (_cells(("a", "b"), 10, 8), {"a": Lengths(train=30), "b": Lengths(train=15, evaluate=1)}),
    ],
    ids=["quick", "slow evaluation", "short training", "many cells"],
)
def test_the_estimate_is_close_from_a_quarter_of_the_run_on(
    jobs: list[Job], workers: int, lengths: dict[str, Lengths]
) -> None:
    found = _estimates(jobs, workers, lengths)
    if workers >= sum(isinstance(job, CellJob) for job in jobs):
        found.pop(25, None)  # all cells train at once, and none has been evaluated yet
        assert set(found) == {50, 75}
    else:
        assert set(found) >= ({25, 50, 75} if workers < 4 else {50, 75})
    assert all(1 / FACTOR < ratio < FACTOR for ratio in found.values()), found


def test_a_resumed_cell_is_estimated_from_the_steps_that_were_trained_now() -> None:
    clock, job = Clock(), make_job((0,), steps=1000)
    estimator = Estimator(clock)
    estimator(SuiteStarted(((job, 1.0),), 1))
    estimator(JobStarted(job))
    estimator(PhaseStarted(job, Phase.TRAINING, step=800))
    clock.now = 10.0
    estimator(JobProgress(job, make_progress(900)))
    # the last hundred steps take ten seconds as those before; an evaluation is taken for a tenth of the training
    assert estimator.remaining() == pytest.approx(10 + 10)


def test_the_eta_is_unknown_at_first_and_stopping_after_an_interrupt() -> None:
    clock, job = Clock(), make_job((0,), steps=1000)
    estimator = Estimator(clock)
    estimator(SuiteStarted(((job, 1.0),), 1))
    estimator(JobStarted(job))
    assert estimator.text() == "ETA unknown yet"
    estimator(PhaseStarted(job, Phase.TRAINING))
    clock.now = 100.0
    estimator(JobProgress(job, make_progress(500)))
    assert estimator.text() == "ETA 2 min 0 s"
    clock.now = 110.0
    assert estimator.text() == "ETA 1 min 50 s"
    estimator(Stopping(1))
    assert (estimator.text(), estimator.remaining()) == ("stopping", None)


def test_a_job_that_is_tried_again_in_parts_is_estimated_by_its_parts() -> None:
    clock = Clock()
    estimator = Estimator(clock)
    whole, other = make_job((0, 1, 2, 3)), make_job((0, 1, 2, 3), labels=("other", "network", "points"))
    halves = [make_job((0, 1)), make_job((2, 3))]
    estimator(SuiteStarted(((whole, 4.0), (other, 4.0)), 2))
    estimator(JobStarted(whole))
    estimator(JobRetried(whole, tuple(halves), "out of memory"))
    assert (estimator.total, estimator.done) == (3, 0)
    assert [estimator.jobs[half.key].weight for half in halves] == [2.0, 2.0]
    for job in (*halves, other):
        estimator(JobStarted(job))
        estimator(PhaseStarted(job, Phase.LOADING))
        estimator(PhaseStarted(job, Phase.TRAINING))
        clock.now += 10
        estimator(JobProgress(job, make_progress(50)))
    estimates = [estimator.remaining()]
    for job in (*halves, other):
        estimator(JobEnded(job, ("ok",), ""))
    assert (estimator.total, estimator.done, estimator.remaining()) == (3, 3, 0.0)
    assert all(seconds is not None and seconds > 0 for seconds in estimates)
