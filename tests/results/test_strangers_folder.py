"""A stranger's results folder is data: sixty damaged shapes of it, and every command that reads one."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from fabricate import Made, fabricate

from ganbench.errors import UsageError
from ganbench.files import sealed
from ganbench.registry.registry import Registry
from ganbench.results.store import Store
from ganbench.runner import rebuild

MADE = Made(losses=("minimax", "nonsaturating"), architectures=("mlp",), images=(), seeds=2)
COMMANDS: dict[str, tuple[str, ...]] = {
    "table": ("table", "--suite", MADE.suite),
    "compare": ("compare", "minimax", "nonsaturating", "--suite", MADE.suite),
    "lottery": ("lottery",),
    "runs": ("runs",),
    "show": ("show", "RUN"),
    "plot": ("plot", "curves", "--suite", MADE.suite, "--to", "figure.svg"),
    "samples": ("plot", "samples", "--suite", MADE.suite, "--to", "figure.svg"),
    "publish": ("publish", "--suite", MADE.suite, "--to", "site"),
    "verify": ("verify", "results"),
    "diff": ("diff", "results", "whole"),
    "replay": ("replay", "RUN"),
    "sample": ("sample", "RUN", "--to", "samples.npz"),
    "clean": ("clean",),
}
CHATTY = ("verify", "runs", "clean", "publish")
"""Commands that name what is damaged beside what is whole."""
LIMIT_S = 10.0
ESCAPE = "\x1b[31mred"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "results"
    fabricate(folder, MADE)
    return folder


def _run(folder: Path) -> Path:
    """A run that ended well, with all its files."""
    return min(path.parent for path in folder.glob("runs/*/film.png"))


FILES: dict[str, Callable[[Path], Path]] = {
    "record": lambda folder: _run(folder) / "record.json",
    "scores": lambda folder: min(_run(folder).glob("scores/*.json")),
    "plan": lambda folder: folder / MADE.suite / "plan.json",
    "reference": lambda folder: min(folder.glob("references/*/record.json")),
    "history": lambda folder: _run(folder) / "history.csv",
    "picture": lambda folder: _run(folder) / "samples.png",
}


def _pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def _socket(path: Path) -> None:
    path.unlink()
    own = socket.socket(socket.AF_UNIX)
    name = path.with_name("s")
    own.bind(os.path.relpath(name))
    name.rename(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _link(path: Path, target: Path | None = None) -> None:
    """A link in a file's or folder's place, to where it is now or to another."""
    if target is None:
        target = path.with_name(f"moved-{path.name}")
        path.rename(target)
    else:
        path.unlink(missing_ok=True)
    path.symlink_to(target)


def _huge(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(40 << 30)  # without blocks


def _written(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def _edited(path: Path, *keys: str | int, value: object) -> None:
    """One value of a JSON file is another, and the seal fits."""
    content: Any = json.loads(path.read_text())
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    content.pop("seal", None)
    path.write_text(json.dumps(sealed(content)))


DAMAGES: dict[str, Callable[[Path], None]] = {
    "empty": _written(b""), "binary": _written(bytes(range(256))), "null": _written(b"null"),
    "deep": _written(b"[" * 200_000), "long number": _written(b'{"schema": ' + b"9" * 5000 + b"}"),
    "pipe": _pipe, "folder": _folder, "link": _link, "zeros": partial(_link, target=Path("/dev/zero")),
    "huge": _huge, "socket": _socket,
}  # fmt: skip
EDITS: dict[str, tuple[str, tuple[str | int, ...], object]] = {
    "no list of losses": ("record", ("spec", "loss"), 3),
    "a schema that is text": ("record", ("schema",), "3"),
    "another id": ("record", ("id",), "000000000000"),
    "signals as a list": ("record", ("signals",), []),
    "a strange status": ("record", ("status",), "fine"),
    "escapes in a loss": ("record", ("spec", "loss", 0, "name"), ESCAPE),
    "escapes in a suite": ("record", ("suite",), ESCAPE),
    "a metric without number": ("scores", ("metrics",), {"modes": "many"}),
    "rows as text": ("plan", ("rows",), "none"),
    "escapes in a label": ("plan", ("rows", 0, "loss"), ESCAPE),
    "runs that are no ids": ("plan", ("rows", 0, "runs"), {"0": "../../../etc"}),
}


def _shapes() -> Iterator[tuple[str, Callable[[Path], object]]]:
    for name, find in FILES.items():
        for damage, do in DAMAGES.items():
            yield f"{name} {damage}", lambda folder, find=find, do=do: do(find(folder))  # type: ignore[misc]
    for name, (file, keys, value) in EDITS.items():
        yield (
            name,
            lambda folder, file=file, keys=keys, value=value: _edited(  # type: ignore[misc]
                FILES[file](folder), *keys, value=value
            ),
        )
    for name in ("runs", MADE.suite):
        yield f"{name} linked", lambda folder, name=name: _link(folder / name)  # type: ignore[misc]
    yield "run linked", lambda folder: _link(_run(folder))
    yield "lock a pipe", lambda folder: _pipe(folder / ".lock")
    yield "live state a pipe", lambda folder: _pipe(folder / ".live.json")
    yield "manifest a pipe", lambda folder: _pipe(folder / "manifest.json")
    yield "runs a file", _runs_a_file
    yield "names with escapes", _strange_names


def _runs_a_file(folder: Path) -> None:
    shutil.rmtree(folder / "runs")
    (folder / "runs").write_text("")


def _strange_names(folder: Path) -> None:
    (folder / ESCAPE).mkdir()
    (folder / ESCAPE / "plan.json").write_text("{}")
    (folder / "runs" / ESCAPE).mkdir()
    (folder / "runs" / ESCAPE / "record.json").write_text("{}")


SHAPES = dict(_shapes())


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
    run = _run(whole).name
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
    _link(tmp_path / "results" / MADE.suite / name, victim)
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
    file = _run(tmp_path / "results") / "record.json"
    if kind == "extractor":
        (file,) = _run(tmp_path / "results").glob("scores/*.json")
    _edited(file, *(("spec", *keys) if kind == "dataset" else keys), value=value)
    record = Store(tmp_path / "results").run(_run(tmp_path / "results").name)
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
