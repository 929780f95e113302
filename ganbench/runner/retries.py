"""What is tried again after a fault: with fewer seeds, alone on the device, elsewhere, or the same once more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from ganbench.engine.device_errors import Trouble
from ganbench.results.records import Failure
from ganbench.runner.jobs import CellJob, EvaluationJob, Job, JobFailure, ReferenceJob

ADVICE = "use a smaller batch or network, fewer samples, or a device with more memory"
MAX_MOVES = 2
"""How often a job is tried again after the machine on which it ran has gone."""


@dataclass(frozen=True)
class Attempt:
    """One try of a job: `alone` on its device or beside others, and where the job was lost before, if it was.

    `counted` says that this loss is held against the device, `crashed` that a process died while it loaded programs.
    `moves` counts the machines that were lost with it, `tries` what the user's policy has tried again.
    """

    job: Job
    alone: bool = False
    lost_on: str = ""
    counted: bool = False
    crashed: bool = False
    moves: int = 0
    tries: int = 0


@dataclass(frozen=True)
class RetryPolicy:
    """How often a job is tried again whose worker died, or that the machine failed; `errors`: also after any error."""

    times: int = 0
    errors: bool = False

    def covers(self, failure: JobFailure) -> bool:
        """Whether a failure is of the kind that is tried again. Divergence and a time limit are results."""
        return self.times > 0 and (
            failure.trouble in ("lost", "system") or (self.errors and failure.cause.kind == "failed")
        )

    def troubles(self, attempt: Attempt) -> frozenset[Trouble]:
        """The trouble of the machine, at an evaluation too, after which an attempt is tried again."""
        memory: set[Trouble] = set() if attempt.alone else {"memory"}
        system: set[Trouble] = {"system"} if attempt.tries < self.times else set()
        return frozenset(memory | system)


NEVER = RetryPolicy()


@dataclass(frozen=True)
class Retry:
    """What is tried in place of an attempt that failed, and a sentence for the user; `later`: after all that waits."""

    attempts: tuple[Attempt, ...]
    text: str
    later: bool = False

    def and_then(self, consequence: str) -> Retry:
        """The same with what else follows, if anything does."""
        return replace(self, text=f"{self.text}; {consequence}") if consequence else self


def after_memory(attempt: Attempt, done: Collection[int], where: str) -> Retry | None:
    """What is tried after a device ran out of memory; None if nothing is left to try.

    A job is halved, its seeds that are done left out; a single seed is tried alone on the device.
    """
    if attempt.alone:
        return None
    job = without(attempt.job, done)
    seeds = seeds_of(job)
    full = f"{attempt.job.name}: out of memory on {where}"
    if len(seeds) < 2:
        one = f" with seed {seeds[0]}" if seeds else ""
        return Retry(
            (replace(attempt, job=job, alone=True),), f"{full}{one}; trying it alone on the device, at the end"
        )
    half = -(-len(seeds) // 2)
    parts = tuple(replace(attempt, job=with_seeds(job, some)) for some in (seeds[:half], seeds[half:]))
    return Retry(parts, f"{full} with {len(seeds)} seeds; trying {half}")


def after_loss(attempt: Attempt, done: Collection[int], where: str, reason: str, counted: bool, other: str) -> Retry:
    """What is tried after a worker on a place was lost with its job.

    `counted` says whether the loss is held against the place; `other` is what another one is called, if there is one.
    """
    how = f"on another {other}" if other else "in a new process"
    text = f"{attempt.job.name}: lost on {where} ({reason}); trying it again {how}"
    again = replace(attempt, job=without(attempt.job, done), lost_on=where, counted=counted)
    return Retry((again,), text)


def after_end_of_machine(attempt: Attempt, done: Collection[int], reason: str) -> Retry | None:
    """What is tried after a machine has gone with a job, which is not at fault: twice."""
    if attempt.moves >= MAX_MOVES:
        return None
    again = replace(attempt, job=without(attempt.job, done), moves=attempt.moves + 1)
    return Retry((again,), f"{attempt.job.name}: {reason}; trying it again elsewhere")


def after_crash(attempt: Attempt, done: Collection[int], reason: str) -> Retry | None:
    """What is tried after a worker died while it loaded compiled programs, which the next one compiles anew: once."""
    if attempt.crashed:
        return None
    text = f"{attempt.job.name}: {reason} while it loaded compiled programs; trying it again with new ones"
    return Retry((replace(attempt, job=without(attempt.job, done), crashed=True),), text)


def after_fault(attempt: Attempt, done: Collection[int], failure: JobFailure, policy: RetryPolicy) -> Retry | None:
    """The same once more, from its checkpoints and after all that waits, as often as the user's policy says."""
    if attempt.tries >= policy.times or not policy.covers(failure):
        return None
    again = replace(attempt, job=without(attempt.job, done), tries=attempt.tries + 1)
    count = f"{again.tries} of {policy.times}"
    return Retry((again,), f"{attempt.job.name}: {failure.cause.text}; trying it again ({count})", later=True)


def out_of_memory(job: Job, where: str, failure: JobFailure) -> JobFailure:
    """The failure of a job for which a device has too little memory, in one sentence."""
    seeds = seeds_of(job)
    what = f"seed {seeds[0]} alone" if seeds else "it"
    needed = f": {failure.memory_needed}" if failure.memory_needed else ""
    text = f"{what} does not fit into the memory of {where}{needed}; {ADVICE}"
    return replace(failure, cause=Failure("out-of-memory", text))


def lost_twice(attempt: Attempt, where: str, failure: JobFailure) -> JobFailure:
    """The failure of a job that was lost for the second time."""
    before = "" if attempt.lost_on == where else f"{attempt.lost_on} and "
    text = f"{failure.cause.text}; it was lost twice, on {before}{where}"
    return replace(failure, cause=replace(failure.cause, message=text))


def seeds_of(job: Job) -> tuple[int, ...]:
    """The seeds of a job; a reference has none."""
    return () if isinstance(job, ReferenceJob) else job.cell.seeds


def with_seeds(job: Job, seeds: tuple[int, ...]) -> Job:
    """The part of a job for some of its seeds."""
    if isinstance(job, ReferenceJob):
        return job
    cell = job.cell.with_seeds(seeds)
    if isinstance(job, CellJob):
        return CellJob(job.suite, cell)
    return EvaluationJob(cell, tuple(one for one in job.records if one.spec.seed in seeds), job.runs)


def without(job: Job, done: Collection[int]) -> Job:
    """The part of a job that is not done; all of it if everything is."""
    left = tuple(seed for seed in seeds_of(job) if seed not in done)
    return with_seeds(job, left) if left else job
