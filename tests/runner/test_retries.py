"""What is tried again: workers that die, faults of the machine, memory that is short; and what is not."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Cli
from factories import make_job
from fake_workers import Dead, FakeWorker, Stage, well
from running import start_run

from ganbench.results import live
from ganbench.results.records import Failure, Record
from ganbench.results.store import Store
from ganbench.runner.events import JobRetried, JobReturned, WorkerMessage
from ganbench.runner.jobs import Job, JobFailure
from ganbench.runner.oom_kills import oom_kills
from ganbench.runner.places import CPU, Places
from ganbench.runner.retries import Attempt, RetryPolicy
from ganbench.runner.scoring import pass_on

SUITE = """
losses: [%s]
architectures: [mlp]
datasets: [ring8]
seeds: 1
train: {steps: %d, batch: 32, lr: 2e-3, engine: eager}
evaluation: {samples: 500, real_samples: 500}
plugins: [faulty.py]
"""
FAULTY = '''
import errno, os, pathlib
import torch
from ganbench import hookimpl
from ganbench_losses.nonsaturating import NonSaturating


class Base(NonSaturating):
    """Non-saturating, until it has made 60 steps; it fails there, twice."""

    def memory(self, params): return {"moves": torch.zeros(())}

    def remember(self, critic): return {"moves": critic.memory["moves"] + 1}

    def d_loss(self, critic):
        place = pathlib.Path(os.environ["FAULTS"])
        if critic.memory["moves"].item() == 60 and len(list(place.iterdir())) < 2:
            (place / str(os.getpid())).touch()
            self.fault()
        return super().d_loss(critic)


class Dies(Base):
    def fault(self): os._exit(7)


class Full(Base):
    def fault(self): raise OSError(errno.ENOSPC, "No space left on device")


class Wrong(Base):
    def fault(self): raise ValueError("it is wrong")


class Unlucky:
    """The mean of the samples; twice, a file that it needs cannot be read, or a connection fails."""

    better, uses_extractor = {"mean": "higher"}, True

    def __call__(self, real, fake):
        place = pathlib.Path(os.environ["FAULTS"])
        if len(list(place.iterdir())) < 2:
            (place / str(os.getpid())).touch()
            number = int(os.environ["FAULT"])
            raise OSError(number, os.strerror(number))
        return {"mean": fake.features.double().mean().item()}


@hookimpl
def register_losses():
    return {kind.__name__.lower(): kind for kind in (Dies, Full, Wrong)}


@hookimpl
def register_metrics():
    return {"unlucky": Unlucky}
'''


def _run(inside: Cli, folder: Path, loss: str, *options: str, steps: int = 100) -> tuple[int, Record]:
    (folder / "faulty.py").write_text(FAULTY)
    (folder / "faulty.yaml").write_text(SUITE % (loss, steps))
    done = inside("run", "--suite", "faulty.yaml", "--jobs", "1", "--checkpoint", "0", *options)
    assert done.code in (0, 1), done.err
    (record,) = Store(folder / "results").all_runs()
    return done.code, record


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which every fault leaves a file; with two files in it there are no more faults."""
    (tmp_path / "faults").mkdir()
    monkeypatch.setenv("FAULTS", str(tmp_path / "faults"))
    return tmp_path / "faults"


@pytest.mark.slow
def test_a_cell_whose_worker_dies_is_tried_again_from_its_checkpoint(inside: Cli, tmp_path: Path, faults: Path) -> None:
    code, record = _run(inside, tmp_path, "dies", "--retries", "2")
    reason = "dies x mlp x ring8: its worker process ended with exit code 7; trying it again"
    assert (code, record.status) == (0, "ok")
    assert record.provenance.attempts == (f"{reason} (1 of 2)", f"{reason} (2 of 2)")
    assert len(list(faults.iterdir())) == 2
    Store(tmp_path / "results").root.rename(tmp_path / "retried")
    code, whole = _run(inside, tmp_path, "dies")  # it does not fail any more
    assert (code, whole.provenance.attempts) == (0, ())
    assert whole.files["weights.safetensors"] == record.files["weights.safetensors"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "options", "tries"),
    [
        ("full", ("--retries", "2"), 3),
        ("wrong", ("--retries", "2"), 1),
        ("wrong", ("--retries", "2", "--retry-errors"), 3),
        ("dies", ("--retries", "1"), 2),
    ],
)
def test_an_error_of_a_plugin_is_a_result_unless_the_user_says_otherwise(
    inside: Cli, tmp_path: Path, faults: Path, loss: str, options: tuple[str, ...], tries: int
) -> None:
    code, record = _run(inside, tmp_path, loss, *options)
    assert len(record.provenance.attempts) == tries - 1
    assert (code, record.status) == ((0, "ok") if tries == 3 else (1, "failed"))


@pytest.mark.parametrize(
    ("number", "kind", "retries", "status"),
    [
        (errno.EIO, "OSError", 1, "ok"),
        (errno.EIO, "", 0, "failed"),
        (errno.ECONNRESET, "ConnectionResetError", 1, "ok"),
    ],
)
def test_an_evaluation_that_a_file_or_a_connection_prevents_is_tried_again(
    inside: Cli, tmp_path: Path, faults: Path, monkeypatch: pytest.MonkeyPatch,
    number: int, kind: str, retries: int, status: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("FAULT", str(number))
    monkeypatch.setattr(
        sys.modules[__name__], "SUITE", SUITE.replace("samples: 500,", "metrics: [unlucky], samples: 500,")
    )
    code, record = _run(inside, tmp_path, "nonsaturating", "--retries", str(retries), steps=20)
    again = f"nonsaturating x mlp x ring8: {kind}: [Errno {number}] {os.strerror(number)} (faulty.py"
    assert [text[: len(again)] for text in record.provenance.attempts] == [again] * retries
    assert (code, record.status) == (0 if status == "ok" else 1, status)
    assert (tmp_path / "results" / "runs" / record.id / "weights.safetensors").exists()


def test_the_last_try_does_without_what_the_machine_prevents() -> None:
    policy, job = RetryPolicy(2), make_job((0,))
    assert [policy.troubles(Attempt(job, tries=tries)) for tries in (0, 1, 2)] == [
        {"memory", "system"}, {"memory", "system"}, {"memory"},
    ]  # fmt: skip
    assert RetryPolicy().troubles(Attempt(job, alone=True)) == frozenset()
    full, own = OSError(errno.ENOSPC, "No space left on device"), ValueError("no")
    pass_on([own, full], policy.troubles(Attempt(job, tries=2)))
    with pytest.raises(OSError, match="No space left"):
        pass_on([own, full], policy.troubles(Attempt(job, tries=1)))


def test_retry_errors_needs_retries(inside: Cli) -> None:
    done = inside("run", "--suite", "quick", "--retry-errors")
    assert done.code == 2
    assert "--retry-errors says what --retries tries again: add --retries N" in done.err


LOST = JobFailure(Failure("failed", "its worker process ended with exit code 1"), trouble="lost")


@pytest.mark.parametrize(
    ("failure", "policy", "again"),
    [
        (LOST, RetryPolicy(), False),
        (LOST, RetryPolicy(1), True),
        (JobFailure(Failure("failed", "OSError: No space left on device"), trouble="system"), RetryPolicy(1), True),
        (JobFailure(Failure("failed", "ValueError: no")), RetryPolicy(1), False),
        (JobFailure(Failure("failed", "ValueError: no")), RetryPolicy(1, errors=True), True),
        (JobFailure(Failure("failed", "an index is out of range"), trouble="broken"), RetryPolicy(1), False),
        (JobFailure(Failure("timeout", "it ran longer than 8 s")), RetryPolicy(1, errors=True), False),
        (JobFailure(Failure("diverged", "a loss was not finite")), RetryPolicy(1, errors=True), False),
    ],
)
def test_a_policy_covers_what_the_machine_did(failure: JobFailure, policy: RetryPolicy, again: bool) -> None:
    assert policy.covers(failure) == again


def test_what_is_tried_again_waits_until_the_others_were_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch)

    def play(job: Job, worker: FakeWorker) -> Iterator[WorkerMessage]:
        if job.name.startswith("a") and not stage.of(JobRetried):
            raise Dead(1)
        yield from well(job)

    jobs: list[Job] = [make_job((0,), labels=(name, "network", "points")) for name in "ab"]
    stage.run(jobs, Places([CPU], 1), play, RetryPolicy(1))
    assert [loss for _, loss, _, _ in stage.tried] == ["a", "b", "a"]
    assert [event.failure for event in stage.of(JobReturned)] == [None, None]


def test_a_worker_that_the_system_killed_for_memory_is_tried_with_fewer_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, kills = Stage(monkeypatch), [0]
    monkeypatch.setattr("ganbench.runner.worker_process.oom_kills", lambda: kills[0])

    def play(job: Job, worker: FakeWorker) -> Iterator[WorkerMessage]:
        if kills[0] < 3:
            kills[0] += 1
            raise Dead(-signal.SIGKILL)
        yield from well(job)

    stage.run([make_job((0, 1, 2), labels=("a", "network", "points"))], Places([CPU], 1), play)
    assert [seeds for _, _, seeds, _ in stage.tried] == [(0, 1, 2), (0, 1), (0,), (1,), (2,), (0,)]
    full = "a x network x points: out of memory on this machine with"
    assert [event.text for event in stage.of(JobRetried)] == [
        f"{full} 3 seeds; trying 2",
        f"{full} 2 seeds; trying 1",
        f"{full} seed 0; trying it alone on the device, at the end",
    ]


def test_a_worker_that_somebody_killed_is_not_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(monkeypatch)

    def play(job: Job, worker: FakeWorker) -> Iterator[WorkerMessage]:
        raise Dead(-signal.SIGKILL)

    stage.run([make_job((0, 1), labels=("a", "network", "points"))], Places([CPU], 1), play)
    (returned,) = stage.of(JobReturned)
    assert returned.failure.cause.kind == "failed"
    assert "killed by SIGKILL; the usual cause is that the system ran out of memory" in returned.failure.cause.text


@pytest.mark.parametrize(
    ("cgroup", "file", "content"),
    [
        ("0::/job/step", "sys/fs/cgroup/job/step/memory.events", "oom 9\noom_kill 3\noom_group_kill 8\n"),
        ("4:memory:/job\n0::/", "sys/fs/cgroup/memory/job/memory.oom_control", "under_oom 0\noom_kill 3\n"),
        ("4:cpu,memory:/job", "sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\noom_kill 3\n"),
        ("0::/", "proc/vmstat", "nr_free_pages 7\noom_kill 3\n"),
        ("", "proc/vmstat", "oom_kill 3"),
        ("0::/", "proc/other", ""),
    ],
)
def test_the_kernels_count_is_found(tmp_path: Path, cgroup: str, file: str, content: str) -> None:
    for name, text in (("proc/self/cgroup", cgroup), (file, content)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert oom_kills(tmp_path) == (3 if content else 0)


GROUPS = Path("/sys/fs/cgroup/memory")


@pytest.mark.skipif(
    not os.access(GROUPS / "cgroup.procs", os.W_OK), reason="control groups of version 1 may not be made here"
)
def test_a_real_kill_for_memory_raises_the_count() -> None:
    group = GROUPS / f"ganbench-test-{os.getpid()}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(64 << 20))
        enter = f"open({str(group / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))"
        eat = "subprocess.run([sys.executable, '-c', 'x = bytearray(1 << 28)']).returncode"
        code = (
            f"import os, subprocess, sys; {enter}; from ganbench.runner.oom_kills import oom_kills; "
            f"before = oom_kills(); print({eat}, oom_kills() - before)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout.split() == [str(-signal.SIGKILL), "1"], done.stderr
    finally:
        group.rmdir()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_worker_at_its_limit_of_processor_time_goes_on_in_another_process(
    inside: Cli, tmp_path: Path, faults: Path
) -> None:
    (tmp_path / "faulty.py").write_text(FAULTY)
    (tmp_path / "faulty.yaml").write_text(SUITE % ("nonsaturating", 8000))
    process = start_run(tmp_path, "--suite", "faulty.yaml", "--jobs", "1", "--retries", "1")
    deadline = time.monotonic() + 240
    while not _training(tmp_path / "results"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(_worker(process.pid), signal.SIGXCPU)
    assert process.wait(240) == 0
    (record,) = Store(tmp_path / "results").all_runs()
    title = "nonsaturating x mlp x ring8"
    left = "its worker process was asked to leave by a signal, and saved its state"
    assert record.provenance.attempts == (f"{title}: {left}; trying it again (1 of 1)",)


def _training(results: Path) -> bool:
    state = live.read(results)
    return state is not None and any(one.get("step") for one in state["running"])


def _worker(parent: int) -> int:
    """The child of a process that is a worker, and not the guard."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return next(int(one) for one in children if b"worker_main" in Path(f"/proc/{one}/cmdline").read_bytes())
