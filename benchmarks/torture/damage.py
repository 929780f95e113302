"""A flipped bit, or an end cut off, in every kind of file: its reader must say so, or give what it always gives."""

from __future__ import annotations

import hashlib
import random
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from benchmarks.torture.ground import LIMIT_S, RUN, Done, Ground, fingerprints, inside, kill_all, suite_text, wait_gone
from benchmarks.torture.row import Row

SAYS = re.compile(
    r"damaged|checksum|does not match|was changed|not as published|cannot be read|missing|unreadable", re.I
)
"""What a command says of a file that it does not use."""
TABLE = ("table", "--suite", "suite", "--format", "json")
PUBLISH = ("publish", "--suite", "suite", "--to", "again")
PROGRAM, CHECKPOINT = "compiled program", "checkpoint"
STEPS = 100
Damage = Callable[[bytes, random.Random], bytes]
"""Makes other bytes of a file's bytes."""


@dataclass(frozen=True)
class Kind:
    """A kind of file: where such files are in a folder, the command that reads it, and what the command gives.

    If the file is `remade`, what it gives is compared whatever the command says. `made` names the folder.
    """

    name: str
    pattern: str
    words: Sequence[str]
    product: Callable[[Path, Done], object]
    remade: bool = False
    made: str = "trained"


def _printed(folder: Path, done: Done) -> object:
    return done.out


def _pages(folder: Path, done: Done) -> object:
    files = sorted(path for path in (folder / "again").rglob("*") if path.is_file())
    return [(str(path.relative_to(folder)), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]


def _samples(folder: Path, done: Done) -> object:
    path = folder / "samples.npz"
    return path.read_bytes() if path.exists() else None


def _code(folder: Path, done: Done) -> object:
    return done.code


def _runs(folder: Path, done: Done) -> object:
    return fingerprints(folder / "results")


KINDS = (
    Kind("record", "results/runs/*/record.json", TABLE, _printed),
    Kind("scores", "results/runs/*/scores/*.json", TABLE, _printed),
    Kind("plan", "results/suite/plan.json", TABLE, _printed),
    Kind("reference", "results/references/*/record.json", TABLE, _printed),
    Kind("history", "results/runs/*/history.csv", PUBLISH, _pages),
    Kind("picture", "results/runs/*/*.png", PUBLISH, _pages),
    Kind("weights", "results/runs/*/weights.safetensors", ("sample", "RUN", "--to", "samples.npz"), _samples),
    Kind("published page", "site/**/*.html", ("verify", "site"), _code),
    Kind("manifest", "site/manifest.json", ("verify", "site"), _code),
    Kind("catalogue", "cache/catalogue/*.json", ("list",), _printed, remade=True),
    Kind("features", "cache/**/*.safetensors", (*RUN, "--force"), _runs, remade=True),
    Kind(CHECKPOINT, "results/.checkpoints/*/*.safetensors", RUN, _runs, remade=True, made="killed"),
    Kind(PROGRAM, "cache/programs/kept/*.zip", (*RUN, "--force"), _runs, remade=True, made="compiled"),
)  # fmt: skip


@dataclass(frozen=True)
class _Field:
    """The folders in which files are damaged, by name, and what every kind of file gives when it is whole."""

    ground: Ground
    folders: Mapping[str, Path]
    products: Mapping[str, object]


@dataclass(frozen=True)
class _Task:
    """One file of a kind that is damaged, for a row."""

    row: Row
    kind: Kind
    number: int
    damage: Damage


def damage_files(ground: Ground, flips: int, cuts: int, compiled: bool) -> list[Row]:
    """Flip bits and cut ends in files of every kind, dealt over the kinds; one file at a time, in a copy.

    Cuts begin with the last kind, so that a few flips and cuts damage every kind once.
    Without `compiled` programs nothing is compiled for it.
    """
    kinds = KINDS if compiled else tuple(kind for kind in KINDS if kind.name != PROGRAM)
    rows = [
        Row(f"{what} in {len(kinds)} kinds of files", total)
        for what, total in (("a flipped bit", flips), ("an end cut off", cuts))
    ]
    rows[0].begin()
    field = _field(ground, rows[0], kinds)
    for row, damage, order in zip(rows, (_flip, _cut), (kinds, kinds[::-1]), strict=True):
        tasks = [_Task(row, kind, number, damage) for number, kind in enumerate(islice(_dealt(order), row.total))]
        ground.each(tasks, lambda task: _one(field, task))
    return rows


def _dealt(kinds: Sequence[Kind]) -> Iterator[Kind]:
    """All kinds again and again, but programs, which take long to make again, only every third time."""
    for turn in count():
        yield from (kind for kind in kinds if not turn % 3 or kind.name != PROGRAM)


def _field(ground: Ground, row: Row, kinds: Sequence[Kind]) -> _Field:
    """Make the folders, and run every kind's command in a copy without damage."""
    folders = {"trained": _trained(ground, row, "eager"), "killed": _killed(ground)}
    if any(kind.name == PROGRAM for kind in kinds):
        folders["compiled"] = _trained(ground, row, "compiled")
    products: dict[str, object] = {}

    def run(kind: Kind) -> None:
        folder = _copy(ground, folders[kind.made])
        done = _ask(ground, row, folder, kind, _a_run(folder))
        products[kind.name] = kind.product(folder, done)
        if done.code:
            raise RuntimeError(f"{kind.name}: {' '.join(kind.words)} failed without damage: {done.err}")
        shutil.rmtree(folder)

    ground.each(kinds, run)
    return _Field(ground, folders, products)


def _one(field: _Field, task: _Task) -> None:
    """Damage one file, run the command, and count what is wrong."""
    row, kind, chance = task.row, task.kind, random.Random(f"{task.row.what} {task.number}")
    folder = _copy(field.ground, field.folders[kind.made])
    files = sorted(path for path in folder.glob(kind.pattern) if path.stat().st_size)
    if not files:
        raise RuntimeError(f"there is no {kind.name} to damage: {kind.pattern}")
    path = chance.choice(files)
    path.write_bytes(task.damage(path.read_bytes(), chance))
    run = path.parent.name if path.name == "weights.safetensors" else _a_run(folder)
    done = _ask(field.ground, row, folder, kind, run)
    if done.code is not None:
        _count_faults(row, kind, folder, path, done, field.products[kind.name])
    shutil.rmtree(folder)
    row.tried()


def _count_faults(row: Row, kind: Kind, folder: Path, path: Path, done: Done, whole: object) -> None:
    """Count a command that did not end as it may, one that lost something, and one that used what is damaged."""
    where, end = f"{kind.name} {path.relative_to(folder)}", f"exit code {done.code}: {done.err[-300:]}"
    if done.code not in range(5):
        row.lose(f"{where}: {end}")
    elif kind.remade:
        if done.code or kind.product(folder, done) != whole:
            row.lose(f"{where}: not what it gives without damage, {end}")
    elif done.code == 0 and (
        kind.product is _code or (not SAYS.search(done.out + done.err) and kind.product(folder, done) != whole)
    ):
        row.accept(where)


def _ask(ground: Ground, row: Row, folder: Path, kind: Kind, run: str) -> Done:
    """Run the command that reads a file of a kind, in a folder with a cache of its own."""
    words = [run if word == "RUN" else word for word in kind.words]
    return ground.ask(row, folder, *words, cache=folder / "cache")


def _a_run(folder: Path) -> str:
    return min((path.name for path in (folder / "results" / "runs").glob("*")), default="")


def _copy(ground: Ground, whole: Path) -> Path:
    folder = ground.folder()
    shutil.copytree(whole, folder, dirs_exist_ok=True)
    return folder


def _text(engine: str, steps: int = STEPS) -> str:
    return suite_text("nonsaturating", steps, engine, seeds=1)


def _trained(ground: Ground, row: Row, engine: str) -> Path:
    """A folder with a trained suite, its report, and the cache that all of it filled."""
    folder = ground.folder(_text(engine))
    for words in (RUN, ("list",), ("publish", "--suite", "suite", "--to", "site")):
        done = ground.ask(row, folder, *words, cache=folder / "cache")
        if done.code:
            raise RuntimeError(f"{words[0]} failed: {done.err}")
    return folder


def _killed(ground: Ground) -> Path:
    """A folder with what a killed run leaves: two checkpoints, and no results."""
    folder = ground.folder(_text("eager", 2 * STEPS))
    process = ground.start(folder, *RUN, "--checkpoint", 0)
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until and not any((folder / "results" / "runs").glob("*")):
        if len(list(folder.glob("results/.checkpoints/*/*.safetensors"))) == 2:
            break
        time.sleep(0.01)
    kill_all({process.pid, *inside(folder)})
    process.wait()
    wait_gone(folder, LIMIT_S)
    return folder


def _flip(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content) * 8)
    turned = bytearray(content)
    turned[place // 8] ^= 1 << place % 8
    return bytes(turned)


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]
