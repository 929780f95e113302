"""What a killed run left is removed by the next run of the folder, and what still counts stays."""

from __future__ import annotations

import json
from pathlib import Path

from conftest import Cli, Ran

from ganbench.results import live
from ganbench.results.store import Store


def test_the_next_run_removes_what_a_killed_one_left(inside: Cli, trained: Ran, tmp_path: Path) -> None:
    results = tmp_path / "results"
    state = {"schema": live.SCHEMA, **live.process(), "birth": "0", "state": "running"}
    (results / live.NAME).write_text(json.dumps(state))
    live.temporary_path(results / live.NAME).write_text("{")
    ended, lost = (run.id for run in Store(results).all_runs()[:2])
    (results / "runs" / lost / "weights.safetensors").unlink()
    for name, file in ((one, "000000050-0.safetensors") for one in (ended, lost, "0123456789ab")):
        (results / ".checkpoints" / name).mkdir(parents=True)
        (results / ".checkpoints" / name / file).write_text("a state")
    half = results / ".checkpoints" / "0123456789ab" / ".000000100-0.safetensors.x1"
    half.write_text("half of a state")
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "kept").write_text("mine")
    (results / ".checkpoints" / "ba9876543210").symlink_to(victim)
    again = inside("run", "--suite", "small.yaml")
    assert again.code == 0, again.err
    assert not (results / live.NAME).exists()
    assert not live.temporary_path(results / live.NAME).exists()
    kept = [path.relative_to(results / ".checkpoints").as_posix() for path in results.glob(".checkpoints/*/*")]
    assert sorted(kept) == sorted([f"{one}/000000050-0.safetensors" for one in (lost, "0123456789ab")])
    assert [path.name for path in victim.iterdir()] == ["kept"]
