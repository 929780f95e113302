"""A stranger's results folder is data: sixty damaged shapes of it, and every command that reads one."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from fabricate import fabricate
from strangers import CHATTY, COMMANDS, LIMIT_S, MADE, SHAPES, a_run, edited, link

from ganbench.errors import UsageError
from ganbench.registry.registry import Registry
from ganbench.results.store import Store
from ganbench.runner import rebuild


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "results"
    fabricate(folder, MADE)
    return folder


def _check(inside: Cli, folder: Path, command: str, run: str) -> None:
    words = [run if word == "RUN" else word for word in COMMANDS[command]]
    results = () if command in ("verify", "diff") else ("--results", "results")
    began = time.monotonic()
    done = inside(*words, *results)
    assert time.monotonic() - began < LIMIT_S, command
    assert done.code in range(5), (command, done.err)
    assert "Traceback" not in done.err, command
    assert "\x1b" not in done.out + done.err, command
    if command not in CHATTY:
        assert not done.code or done.err.startswith("ganbench: ")
    if done.code == 4 and command not in CHATTY:
        assert re.fullmatch(r"ganbench: \S.*\n", done.err), (command, done.err)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_command_reads_a_strangers_folder_in_peace(
    inside: Cli, tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    monkeypatch.setattr("ganbench.runner.replay.train_again", _no_training)
    run = a_run(whole).name
    (tmp_path / "whole").symlink_to(whole)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(whole, tmp_path / "results")
    SHAPES[shape](tmp_path / "results")
    for command in COMMANDS:
        _check(inside, tmp_path, command, run)


def _no_training(*_: object) -> None:
    raise UsageError("this folder was to be refused, or its run can be trained")


@pytest.mark.parametrize("name", ["table.md", "plan.json", "overall.json"])
def test_nothing_is_written_through_a_link(inside: Cli, tmp_path: Path, whole: Path, name: str) -> None:
    shutil.copytree(whole, tmp_path / "results")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    link(tmp_path / "results" / MADE.suite / name, victim)
    inside("table", "--suite", MADE.suite, "--results", "results")
    assert victim.read_text() == "mine"
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "kept").write_text("mine")
    (tmp_path / "results" / ".staging").symlink_to(folder)
    done = inside("drop", "loss=minimax", "--suite", MADE.suite, "--results", "results")
    assert done.code == 4
    assert ".staging is a symbolic link" in done.err
    assert (folder / "kept").read_text() == "mine"


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("dataset",), {"name": "mnist", "params": {"root": "/etc"}}),
        (("dataset",), {"name": "mnist", "params": {"download": True}}),
        (("evaluation", "extractor"), {"name": "inception", "params": {"weights": "/etc/passwd"}}),
    ],
)
def test_a_record_says_not_where_data_are(
    tmp_path: Path, whole: Path, registry: Registry, keys: tuple[str, ...], value: dict[str, Any]
) -> None:
    kind = keys[-1]
    (place,) = value["params"]
    if place not in registry.find(kind, value["name"]).locations():  # type: ignore[arg-type]
        pytest.fail(f"{kind} {value['name']} has no place {place}: the test is wrong")
    shutil.copytree(whole, tmp_path / "results")
    file = a_run(tmp_path / "results") / "record.json"
    if kind == "extractor":
        (file,) = a_run(tmp_path / "results").glob("scores/*.json")
    edited(file, *(("spec", *keys) if kind == "dataset" else keys), value=value)
    record = Store(tmp_path / "results").run(a_run(tmp_path / "results").name)
    assert record is not None
    with pytest.raises(UsageError, match="a place on a machine"):
        rebuild.rebuilt(record, registry)


VALUES = 5_000
LARGE = {
    "a long list": "losses: [" + "minimax," * 110_000 + "minimax]\n",
    "many keys": "".join(f"key{i}: 1\n" for i in range(80_000)),
    "one key": "about: 1\n" * 100_000,
    "below the limit": "losses: [" + "minimax," * (VALUES - 20) + "minimax]\narchitectures: [mlp]\ndatasets: [ring8]\n",
    "unknown names": "losses: [" + "none," * (VALUES - 20) + "none]\narchitectures: [mlp]\ndatasets: [ring8]\n",
    "unknown keys": "train: {" + ",".join(f"k{i}: 1" for i in range(VALUES // 2 - 10)) + "}\nlosses: [minimax]\n"
    "architectures: [mlp]\ndatasets: [ring8]\n",
    "a cube": "losses: [" + ",".join(f"{{loss: minimax, label: l{i}}}" for i in range(900)) + "]\narchitectures: ["
    + ",".join(f"{{architecture: mlp, label: a{i}}}" for i in range(900)) + "]\ndatasets: [ring8]\n",
    "brackets": "[" * 900_000,
    "an entity": "about: " + "x" * 900_000 + "\n",
    "quoted": 'about: "' + "\\n" * 450_000 + '"\n',
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_a_large_suite_is_answered_at_once(inside: Cli, tmp_path: Path, name: str) -> None:
    inside("list")  # plugins are loaded
    (tmp_path / "large.yaml").write_text(LARGE[name])
    began = time.process_time()
    done = inside("run", "--suite", "large.yaml", "--dry-run")
    assert time.process_time() - began < 2
    assert done.code == 2
    assert len(done.err.splitlines()) < 60
