"""Four commands that train the same suite in the same folder at the same time, beside commands that read it."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

from benchmarks.torture.ground import Ground, compare, suite_text
from benchmarks.torture.row import Row

WRITERS = 4
READERS = (("table", "--suite", "suite"), ("status",), ("runs",))
PAUSE_S = 0.2


def crowd(ground: Ground, rounds: int) -> Row:
    """Each round, one writer trains and the others are told so; at the end the runs are what they are alone."""
    row = Row(f"{WRITERS} runs in one folder, beside {len(READERS)} readers", WRITERS * rounds)
    row.begin()
    text = suite_text("nonsaturating, minimax", steps=100)
    _, whole = ground.whole(row, text)
    for number in range(rounds):
        folder = ground.folder(text)
        _one_round(ground, row, folder, f"round {number}")
        compare(row, folder / "results", whole, f"round {number}")
        shutil.rmtree(folder)
    return row


def _one_round(ground: Ground, row: Row, folder: Path, where: str) -> None:
    codes: list[int | None] = []

    def write() -> None:
        done = ground.ask(row, folder, "run", "--suite", "suite.yaml", "--quiet")
        if done.code not in (0, 3, None) or (done.code == 3 and "another ganbench run is writing" not in done.err):
            row.lose(f"{where}: a writer ended with {done.code}: {done.err}")
        row.tried()
        codes.append(done.code)

    def read(words: tuple[str, ...]) -> None:
        while len(codes) < WRITERS:
            done = ground.ask(row, folder, *words)
            if done.code not in (0, 1, 2, None):  # 2: nothing is there yet
                row.lose(f"{where}: {words[0]} ended with {done.code}: {done.err}")
            time.sleep(PAUSE_S)

    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    threads += [threading.Thread(target=read, args=(words,)) for words in READERS]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    if 0 not in codes:
        row.lose(f"{where}: no writer ended well: {codes}")
