"""Every damaged shape of a stranger's results folder, read by every command."""

from __future__ import annotations

import shutil
from pathlib import Path

from fabricate import fabricate
from strangers import COMMANDS, EDITS, LIMIT_S, MADE, SHAPES, a_run

from benchmarks.torture.ground import Ground
from benchmarks.torture.row import Row

SLACK = 12
"""A busy machine may take so many times the limit of the tests."""
TRAINS = "replay"
"""The command that trains when nothing is wrong with a run."""


def read_folders(ground: Ground, shapes: int) -> Row:
    """Read so many shapes with all commands but the one that trains."""
    names = list(SHAPES)[:: max(len(SHAPES) // shapes, 1)][:shapes]
    commands = [words for name, words in COMMANDS.items() if name != TRAINS]
    what = f"a stranger's folder, {len(names)} shapes by {len(commands)} commands"
    row = Row(what, len(names) * len(commands))
    row.begin()
    whole = ground.folder() / "results"
    fabricate(whole, MADE)
    run = a_run(whole).name

    def read(shape: str) -> None:
        folder = ground.folder()
        (folder / "whole").symlink_to(whole)
        shutil.copytree(whole, folder / "results")
        SHAPES[shape](folder / "results")
        for words in commands:
            _read(ground, row, folder, shape, [run if word == "RUN" else word for word in words])
            row.tried()
        shutil.rmtree(folder)

    ground.each(names, read)
    return row


def _read(ground: Ground, row: Row, folder: Path, shape: str, words: list[str]) -> None:
    place = () if words[0] in ("verify", "diff") else ("--results", "results")
    done = ground.ask(row, folder, *words, *place, limit=SLACK * LIMIT_S)
    if "\x1b" in done.out + done.err:
        row.accept(f"{shape}: {words[0]} printed a terminal escape")
    if done.code is not None and done.code not in range(5):
        row.lose(f"{shape}: {words[0]} ended with {done.code}: {done.err[-300:]}")
    if done.code == 0 and words[0] == "show" and shape.startswith(("record ", "scores ")) and shape not in EDITS:
        row.accept(f"{shape}: {words[0]} showed a run whose file is damaged")
