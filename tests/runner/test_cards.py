"""Several GPUs, played by threads: jobs are dealt, split when memory is short, and moved when a GPU is lost."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from threading import Barrier

import pytest
from factories import make_job
from fake_workers import Dead, FakeWorker, Stage, cards, full, gone, recorded, well

from ganbench.runner.events import JobRetried, JobReturned, JobStarted, WorkerMessage, WorkerUnusable
from ganbench.runner.jobs import CellJob, Job
from ganbench.runner.places import Places

NAMES = ("a", "b", "c", "d", "e", "f")


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


def _jobs(count: int, seeds: tuple[int, ...] = (0,)) -> list[Job]:
    return [make_job(seeds, labels=(name, "network", "points")) for name in NAMES[:count]]


def _name(job: Job) -> str:
    return job.name.split()[0]


def test_cells_are_dealt_over_the_cards(stage: Stage) -> None:
    together = Barrier(4, timeout=60)

    def play(job: Job, worker: FakeWorker) -> Iterator[WorkerMessage]:
        together.wait()  # four jobs are running at once, or the barrier breaks
        yield from well(job)

    stage.run(_jobs(4), cards(2, 4), play)
    assert sorted(place for place, _, _, _ in stage.tried) == ["cuda:0", "cuda:0", "cuda:1", "cuda:1"]
    assert [event.place for event in stage.of(JobStarted)] == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]
    assert [event.failure for event in stage.of(JobReturned)] == [None] * 4


def test_one_device_is_not_named(stage: Stage) -> None:
    stage.run(_jobs(1), cards(1, 2), lambda job, _: well(job))
    assert [event.place for event in stage.of(JobStarted)] == [""]


def test_a_job_that_does_not_fit_is_halved_until_it_fits(stage: Stage) -> None:
    def play(job: Job, worker: FakeWorker) -> Iterator[WorkerMessage]:
        assert isinstance(job, CellJob)
        yield from [full(job)] if len(job.cell.seeds) > 2 else well(job)

    stage.run(_jobs(1, tuple(range(5))), cards(1, 1), play)
    tried = [seeds for _, _, seeds, _ in stage.tried]
    assert tried == [(0, 1, 2, 3, 4), (0, 1, 2), (0, 1), (2,), (3, 4)]
    title = "a x network x points"
    assert [event.text for event in stage.of(JobRetried)] == [
        f"{title}: out of memory on cuda:0 with 5 seeds; trying 3",
        f"{title}: out of memory on cuda:0 with 3 seeds; trying 2",
    ]
    assert [event.failure for event in stage.of(JobReturned)] == [None] * 3
    assert len(stage.workers) == 3  # a worker that ran out of memory is replaced


def test_a_seed_that_does_not_fit_is_tried_alone_after_all_others(stage: Stage) -> None:
    def play(job: Job, worker: FakeWorker) -> Iterator[WorkerMessage]:
        alone = "memory" not in worker.tasks[-1].retried
        yield from [full(job)] if _name(job) == "a" and not alone else well(job)

    stage.run(_jobs(4), cards(1, 2), play)
    assert stage.of(JobReturned)[-1].job.name.startswith("a ")
    last = stage.workers[-1]  # a fresh worker, and no other is left on the card
    assert [(task.job.name[0], task.retried) for task in last.tasks] == [("a", frozenset())]
    started = stage.of(JobStarted)
    assert [_name(event.job) for event in started] == ["a", "b", "c", "d", "a"]
    after = len(stage.events) - 1 - stage.events[::-1].index(started[-1])
    assert after > max(stage.events.index(one) for one in stage.of(JobReturned)[:-1])
    text = stage.of(JobRetried)[0].text
    assert text.endswith("out of memory on cuda:0 with seed 0; trying it alone on the device, at the end")


def test_a_seed_that_never_fits_fails_with_what_it_needs(stage: Stage) -> None:
    needs = "2.50 GiB more were needed, 1.19 GiB of its 79.10 GiB were free"
    stage.run(_jobs(1, (3, 4)), cards(1, 2), lambda job, _: [full(job, needs)])
    failures = sorted((event.failure for event in stage.of(JobReturned)), key=lambda failure: failure.cause.text)
    assert [failure.cause.kind for failure in failures] == ["out-of-memory"] * 2  # whichever worker was first
    assert failures[0].cause.text == (
        f"seed 3 alone does not fit into the memory of cuda:0: {needs}; "
        "use a smaller batch or network, fewer samples, or a device with more memory"
    )
    assert failures[0].traceback == "traceback"
    assert len(stage.tried) == 5  # both, each, each alone


def test_seeds_that_were_recorded_are_not_trained_again(stage: Stage) -> None:
    def play(job: Job, worker: FakeWorker) -> Iterator[WorkerMessage]:
        assert isinstance(job, CellJob)
        if len(job.cell.seeds) == 4:
            yield recorded(job, 0)
            yield recorded(job, 1)
            yield full(job)
        yield from well(job)

    stage.run(_jobs(1, (0, 1, 2, 3)), cards(1, 1), play)
    assert [seeds for _, _, seeds, _ in stage.tried] == [(0, 1, 2, 3), (2,), (3,)]


def test_a_job_whose_card_is_lost_goes_to_another(stage: Stage) -> None:
    lost_twice = Barrier(2, timeout=60)

    def play(job: Job, worker: FakeWorker) -> Iterator[WorkerMessage]:
        losses = [place for place, _, _, _ in stage.tried].count("cuda:0")
        if worker.place.name == "cuda:0":
            if losses == 2:
                lost_twice.wait()
            raise Dead(1)
        if _name(job) == "b":  # the other card's first job ends after both losses
            lost_twice.wait()
        yield from well(job)

    stage.run(_jobs(3), cards(2, 2), play)
    assert [event.failure for event in stage.of(JobReturned)] == [None] * 3
    assert [place for place, _, _, _ in stage.tried].count("cuda:0") == 2  # and then no more
    texts = [event.text for event in stage.of(JobRetried)]
    lost = "lost on cuda:0 (its worker process ended with exit code 1); trying it again on another GPU"
    assert [text.partition(": ")[2] for text in texts] == [
        lost, f"{lost}; cuda:0 is no longer used, cuda:1 is left",
    ]  # fmt: skip


def test_a_cuda_error_is_a_loss_too(stage: Stage) -> None:
    def play(job: Job, worker: FakeWorker) -> Iterator[WorkerMessage]:
        yield from [gone(job)] if worker.number == 0 else well(job)

    stage.run(_jobs(2), cards(1, 1), play)
    assert [event.failure for event in stage.of(JobReturned)] == [None] * 2
    (text,) = (event.text for event in stage.of(JobRetried))
    assert text.endswith("(CUDA error: unspecified launch failure); trying it again in a new process")
    assert len(stage.workers) == 2


def test_a_job_that_is_lost_twice_is_at_fault_and_not_the_cards(stage: Stage) -> None:
    def play(job: Job, worker: FakeWorker) -> Iterator[WorkerMessage]:
        if _name(job) in ("a", "b", "c"):
            raise Dead(-signal.SIGSEGV)
        yield from well(job)

    places = cards(2, 2)
    stage.run(_jobs(5), places, play)
    by_name = {_name(event.job): event.failure for event in stage.of(JobReturned)}
    assert {name for name, failure in by_name.items() if failure is None} == {"d", "e"}
    assert by_name["a"].cause.text in {
        f"its worker process was killed by SIGSEGV; it was lost twice, on cuda:{i} and cuda:{1 - i}" for i in (0, 1)
    }
    assert len(places.usable) == 2


def test_cells_that_crash_do_not_take_the_only_card_from_the_others(stage: Stage) -> None:
    together = Barrier(2, timeout=60)

    def play(job: Job, worker: FakeWorker) -> Iterator[WorkerMessage]:
        if _name(job) in ("a", "b"):
            together.wait()
            raise Dead(-signal.SIGSEGV)
        yield from well(job)

    stage.run(_jobs(6), cards(1, 2), play)
    by_name = {_name(event.job): event.failure for event in stage.of(JobReturned)}
    assert {name for name, failure in by_name.items() if failure is None} == {"c", "d", "e", "f"}
    assert by_name["b"].cause.text == "its worker process was killed by SIGSEGV; it was lost twice, on cuda:0"


def test_a_worker_that_the_system_killed_is_not_held_against_its_card(stage: Stage) -> None:
    def play(job: Job, worker: FakeWorker) -> Iterator[WorkerMessage]:
        if worker.number < 3:
            raise Dead(-signal.SIGKILL)
        yield from well(job)

    places = cards(2, 1)
    stage.run(_jobs(3), places, play)
    assert not places.losses


def test_with_no_card_left_everything_else_fails_with_the_reason(stage: Stage) -> None:
    def play(job: Job, worker: FakeWorker) -> Iterator[WorkerMessage]:
        yield from [WorkerUnusable("RuntimeError: No CUDA GPUs are available")] if _name(job) != "a" else well(job)

    stage.run(_jobs(4), cards(1, 1), play)
    failures = [event.failure for event in stage.of(JobReturned)]
    assert failures[0] is None
    expected = (
        "no GPU is left (cuda:0: RuntimeError: No CUDA GPUs are available); when one is there again, run the suite "
        "again: what is finished is kept"
    )
    assert [failure.cause.text for failure in failures[1:]] == [expected] * 3
    started = [event.job for event in stage.of(JobStarted)]
    assert {_name(job) for job in started} == {"a", "b", "c", "d"}  # every end has a start


def test_a_worker_that_cannot_use_its_device_costs_the_job_nothing(stage: Stage) -> None:
    def play(job: Job, worker: FakeWorker) -> Iterator[WorkerMessage]:
        if worker.place.name == "cuda:0":
            yield WorkerUnusable("RuntimeError: No CUDA GPUs are available")
            return
        yield from well(job)

    stage.run(_jobs(2), cards(2, 2), play)
    assert [event.failure for event in stage.of(JobReturned)] == [None] * 2
    text = stage.of(JobRetried)[0].text
    assert "cuda:0 cannot be used (RuntimeError: No CUDA GPUs are available); trying it again" in text


def test_on_a_cpu_a_worker_that_dies_fails_its_job_alone(stage: Stage) -> None:
    def play(job: Job, worker: FakeWorker) -> Iterator[WorkerMessage]:
        if _name(job) == "a":
            raise Dead(3)
        yield from well(job)

    stage.run(_jobs(2), Places.one("cpu", 1), play)
    failures = {_name(event.job): event.failure for event in stage.of(JobReturned)}
    assert failures["a"].cause.text == "its worker process ended with exit code 3"
    assert failures["b"] is None
    assert not stage.of(JobRetried)
