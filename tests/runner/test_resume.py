"""Interrupted and killed runs: they continue from their checkpoints to the same bits."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path

import pytest
import torch
from conftest import Cli
from factories import make_train
from running import Content, fork_run, read_records, start_run
from safetensors.torch import load_file
from torch import Tensor
from warm import Warm

from ganbench import Data, seeding
from ganbench.engine.checkpoints import CheckpointTimer, Stopped
from ganbench.engine.objective import Objective
from ganbench.engine.state import Callback, SeedState, TrainedSeed
from ganbench.engine.trainer import Trainer
from ganbench.results import live
from ganbench.results.records import Snapshot
from ganbench_architectures.mlp import Mlp
from ganbench_losses.minimax import Minimax


def _wait_for_checkpoint(results: Path, step: int) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        steps = [int(path.name.split("-")[0]) for path in results.glob(".checkpoints/*/*.safetensors")]
        if steps and max(steps) >= step:
            return
        time.sleep(0.02)
    raise AssertionError("no checkpoint in 240 s")


def _weights(results: Path) -> dict[str, dict[str, Tensor]]:
    return {path.parent.name: load_file(path) for path in results.glob("runs/*/weights.safetensors")}


def _same_results(a: Path, b: Path) -> None:
    one, two = _weights(a), _weights(b)
    assert one.keys() == two.keys()
    for run_id, tensors in one.items():
        assert all(torch.equal(tensors[name], two[run_id][name]) for name in tensors)
        histories = [(results / "runs" / run_id / "history.csv").read_text() for results in (a, b)]
        assert histories[0] == histories[1]
        films = [(results / "runs" / run_id / "film.png").read_bytes() for results in (a, b)]
        assert films[0] == films[1]
        assert read_records(a)[run_id]["snapshots"]
        assert _results_of(read_records(a)[run_id]) == _results_of(read_records(b)[run_id])


def _results_of(record: Content) -> tuple[object, ...]:
    return (
        record["metrics"],
        record["signals"],
        record["film"],
        [(s["step"], s["metrics"]) for s in record["snapshots"]],
    )


LONG = """
losses: [minimax]
architectures: [mlp]
datasets: [ring8]
seeds: 3
train: {steps: 1500, batch: 32, lr: 2e-3, ema: 0.99}
evaluation: {samples: 1000, real_samples: 1000, snapshots: 5}
"""


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_in_the_same_bits(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "long.yaml").write_text(LONG)
    options = ("--suite", "long.yaml", "--jobs", "1", "--checkpoint", "0", "--results", "killed")
    for step in (100, 500, 1000):
        process = start_run(tmp_path, *options)
        _wait_for_checkpoint(tmp_path / "killed", step)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert not read_records(tmp_path / "killed")
    newest = sorted((tmp_path / "killed" / ".checkpoints").glob("*/*.safetensors"))[-1]
    newest.write_bytes(newest.read_bytes()[:-3] + b"rot")  # the one before it is taken
    assert "3 seeds: 3 resumable" in inside("run", *options, "--dry-run").out
    done = inside("run", *options)
    assert done.code == 0
    assert "3 go on from a checkpoint" in done.err
    assert not list((tmp_path / "killed" / ".checkpoints").glob("*/*"))
    assert inside("run", "--suite", "long.yaml", "--results", "whole").code == 0
    _same_results(tmp_path / "killed", tmp_path / "whole")


def _wait_for_training(results: Path) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        state = live.read(results)
        if state is not None and any(one.get("step") for one in state["running"]):
            return
        time.sleep(0.05)
    raise AssertionError("no training in 240 s")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR1, 143)])
def test_an_interrupted_run_saves_its_state_and_continues(
    inside: Cli, warm: Warm, tmp_path: Path, number: int, code: int
) -> None:
    endless = LONG.replace("seeds: 3", "seeds: 1").replace("steps: 1500", "steps: 400000, engine: eager")
    (tmp_path / "long.yaml").write_text(endless)
    options = ("--suite", "long.yaml", "--jobs", "1", "--set", "evaluation.snapshots=0")
    process = fork_run(warm, tmp_path, *options)
    _wait_for_training(tmp_path / "results")
    os.killpg(process.pid, number)
    assert process.wait(90) == code
    printed = (tmp_path / "stderr").read_text()
    assert "saving the state of 1 job" in printed
    assert "the same command continues from here" in printed
    assert "Traceback" not in printed
    assert "1 seed: 1 resumable" in inside("run", *options, "--dry-run").out
    saved = list((tmp_path / "results" / ".checkpoints").glob("*/*.safetensors"))
    assert len(saved) == 1
    assert 0 < int(saved[0].name.split("-")[0]) < 400000


def _trainer(steps: int, seeds: tuple[int, ...], resumed: dict[int, SeedState] | None = None) -> Trainer:
    data = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    spec = make_train(steps=steps, batch=32, lr=2e-3)
    return Trainer(
        Objective.of(Minimax()), Mlp(width=16, depth=1), Data(data), spec, seeds, torch.device("cpu"), resumed
    )


def test_seeds_at_different_steps_go_on_together() -> None:
    """Two seeds resumed from step 100 beside a new one: each as if alone."""
    saved: dict[tuple[int, int], SeedState] = {}

    def save(one: SeedState) -> None:
        saved[one.step, one.result.seed] = one

    with pytest.raises(Stopped):
        _trainer(230, (0, 1)).run(timer=CheckpointTimer(0, lambda: len(saved) >= 2, save))
    step = max(step for step, _ in saved)
    assert step == 100
    mixed = _trainer(230, (0, 1, 2), {seed: saved[100, seed] for seed in (0, 1)})
    assert [(group.step, group.seeds) for group in mixed.groups] == [(0, (2, 2)), (100, (0, 1))]
    whole = {result.seed: result for result in _trainer(230, (0, 1, 2)).run()}
    for result in mixed.run():
        assert torch.equal(result.params, whole[result.seed].params)
        assert result.steps == whole[result.seed].steps


def _take(step: int, results: list[TrainedSeed]) -> None:
    """A snapshot of seeds that have none of this step, whose score is a hash of G's parameters."""
    for result in results:
        if step not in [entry.step for entry in result.snapshots]:
            code = int(hashlib.sha256(result.params.numpy().tobytes()).hexdigest()[:12], 16)
            result.snapshots.append(Snapshot(step, 0.0, {"params": float(code)}))


def test_a_kill_between_a_checkpoint_and_its_snapshot_loses_no_snapshot() -> None:
    steps, callbacks = 3 * seeding.BLOCK, [Callback(3, _take)]
    whole = _trainer(steps, (0,)).run(callbacks=callbacks)[0].snapshots
    assert [entry.step for entry in whole] == [seeding.BLOCK, 2 * seeding.BLOCK, 3 * seeding.BLOCK]
    for blocks in (1, 2, 3):
        saved: dict[int, SeedState] = {}
        with pytest.raises(Stopped):  # at the end of a block, before its snapshot
            _trainer(steps, (0,)).run(callbacks=callbacks, timer=_stop_after(blocks, saved))
        assert max(saved) == blocks * seeding.BLOCK
        assert _trainer(steps, (0,), {0: saved[max(saved)]}).run(callbacks=callbacks)[0].snapshots == whole


def _stop_after(blocks: int, saved: dict[int, SeedState]) -> CheckpointTimer:
    """Save after every block, and stop after the last of `blocks`."""

    def save(one: SeedState) -> None:
        saved[one.step] = one

    return CheckpointTimer(0, lambda: len(saved) >= blocks - 1, save)
