"""Devices that fail in real worker processes: memory that is too small, a GPU that dies, one that is gone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conftest import Cli

import ganbench as gb
from ganbench.results.records import Record
from ganbench.results.store import Store
from ganbench.runner.events import Event, JobRetried
from ganbench.runner.places import Place, Places

SUITE = """
losses: [{loss}]
architectures: [{architecture}]
datasets: [ring8]
seeds: {seeds}
plugins: [faulty.py]
train: {{steps: 40, batch: 32, lr: 2e-3}}
evaluation: {{samples: 500, real_samples: 500}}
"""
FAULTY = '''
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from ganbench import hookimpl
from ganbench_architectures.mlp import Mlp
from ganbench_losses.minimax import Minimax

BUILT = set()


@dataclass(frozen=True)
class Hungry(Mlp):
    """A generator of which more than `seeds` do not fit."""

    seeds: int = 1

    def generator(self, shape):
        BUILT.add(torch.initial_seed())  # one for each seed of the job, and two of the check for hidden state
        if len(BUILT) > self.seeds + 2:
            raise torch.OutOfMemoryError(
                "CUDA out of memory. Tried to allocate 3.00 GiB. GPU 0 has a total capacity of 8.00 GiB of which "
                "1.00 GiB is free."
            )
        return super().generator(shape)


class Dies(Minimax):
    """Takes its process along, the first time."""

    def d_loss(self, critic):
        try:
            Path("died").touch(exist_ok=False)
        except FileExistsError:
            return super().d_loss(critic)
        os._exit(7)


@hookimpl
def register_losses():
    return {"dies": Dies}


@hookimpl
def register_architectures():
    return {"hungry": Hungry}
'''


def _write(folder: Path, loss: str = "minimax", architecture: str = "mlp", seeds: int = 1) -> Path:
    (folder / "faulty.py").write_text(FAULTY)
    suite = folder / "faulty.yaml"
    suite.write_text(SUITE.format(loss=loss, architecture=architecture, seeds=seeds))
    return suite


def _records(folder: Path) -> dict[int, Record]:
    return {record.spec.seed: record for record in Store(folder / "results").all_runs()}


@pytest.mark.slow
def test_seeds_that_do_not_fit_together_are_trained_apart_with_the_same_bits(inside: Cli, tmp_path: Path) -> None:
    suite = _write(tmp_path, architecture="{hungry: {seeds: 2}}", seeds=3)
    done = inside("run", "--suite", suite, "--jobs", "1")
    assert done.code == 0, done.err
    title = "minimax x hungry x ring8"
    assert f"note: {title}: out of memory on cpu with 3 seeds; trying 2" in done.err
    split = _records(tmp_path)
    assert [split[seed].provenance.attempts for seed in range(3)] == [
        (f"{title}: out of memory on cpu with 3 seeds; trying 2",)
    ] * 3
    together = inside("run", "--suite", suite, "--jobs", "1", "--set", "architecture.seeds=3", "--results", "whole")
    assert together.code == 0, together.err
    whole = Store(tmp_path / "whole").all_runs()
    files = {record.spec.seed: record.files["weights.safetensors"] for record in whole}
    assert files == {seed: record.files["weights.safetensors"] for seed, record in split.items()}


@pytest.mark.slow
def test_a_seed_that_does_not_fit_alone_fails_in_one_sentence(inside: Cli, tmp_path: Path) -> None:
    suite = _write(tmp_path, architecture="{hungry: {seeds: 0}}")
    done = inside("run", "--suite", suite, "--jobs", "1")
    assert done.code == 1
    assert "out of memory on cpu with seed 0; trying it alone on the device, at the end" in done.err
    (record,) = _records(tmp_path).values()
    assert record.status == "out-of-memory"
    assert record.reason == (
        "seed 0 alone does not fit into the memory of cpu: 3.00 GiB more were needed, 1.00 GiB of its 8.00 GiB were "
        "free; use a smaller batch or network, fewer samples, or a device with more memory"
    )
    assert "1 new" not in inside("run", "--suite", suite, "--dry-run").out  # it has a record


def _run_on(monkeypatch: pytest.MonkeyPatch, suite: Path, places: Places) -> list[Event]:
    seen: list[Event] = []
    monkeypatch.chdir(suite.parent)
    monkeypatch.setattr("ganbench.api.workplaces.chosen_places", lambda *_: places)
    gb.run(suite, on_event=seen.append)
    return seen


@pytest.mark.slow
def test_a_job_goes_on_when_its_worker_dies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    places = Places([Place(f"cuda:{index}", "cpu", is_card=True) for index in range(2)], 2)
    seen = _run_on(monkeypatch, _write(tmp_path, loss="dies"), places)
    (text,) = (event.text for event in seen if isinstance(event, JobRetried))
    assert "(its worker process ended with exit code 7); trying it again on another GPU" in text
    (record,) = _records(tmp_path).values()
    assert record.ok
    assert record.provenance.attempts == (text,)


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_gone_ends_the_run_with_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    places = Places([Place("cuda:0", "cuda", is_card=True)], 1)
    seen = _run_on(monkeypatch, _write(tmp_path), places)
    texts = [event.text for event in seen if isinstance(event, JobRetried)]
    assert all("cuda:0 cannot be used (" in text for text in texts)
    assert "cuda:0 is no longer used, no GPU is left" in texts[-1]
    (record,) = _records(tmp_path).values()
    assert record.status == "failed"
    assert record.reason.startswith("no GPU is left (cuda:0: ")
