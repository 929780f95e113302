"""Damaged shapes of a results folder, as a stranger may send one, and the commands that read such folders."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from fabricate import Made

from ganbench.files import sealed

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


def a_run(folder: Path) -> Path:
    """A run that ended well, with all its files."""
    return min(path.parent for path in folder.glob("runs/*/film.png"))


FILES: dict[str, Callable[[Path], Path]] = {
    "record": lambda folder: a_run(folder) / "record.json",
    "scores": lambda folder: min(a_run(folder).glob("scores/*.json")),
    "plan": lambda folder: folder / MADE.suite / "plan.json",
    "reference": lambda folder: min(folder.glob("references/*/record.json")),
    "history": lambda folder: a_run(folder) / "history.csv",
    "picture": lambda folder: a_run(folder) / "samples.png",
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


def link(path: Path, target: Path | None = None) -> None:
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


def edited(path: Path, *keys: str | int, value: object) -> None:
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
    "pipe": _pipe, "folder": _folder, "link": link, "zeros": partial(link, target=Path("/dev/zero")),
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
            lambda folder, file=file, keys=keys, value=value: edited(  # type: ignore[misc]
                FILES[file](folder), *keys, value=value
            ),
        )
    for name in ("runs", MADE.suite):
        yield f"{name} linked", lambda folder, name=name: link(folder / name)  # type: ignore[misc]
    yield "run linked", lambda folder: link(a_run(folder))
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
