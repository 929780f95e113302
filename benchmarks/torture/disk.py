"""A disk that is full after so many bytes: the run says so, and goes on when there is room again."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.torture.ground import LIMIT_S, RUN, Ground, compare, suite_text
from benchmarks.torture.row import Row

PAGE = 4096
ROOM = 1 << 26


def fill_disk(ground: Ground, offsets: int) -> Row:
    """Run a suite on a disk of a few sizes below what it needs, then with enough room.

    The disk is a file system in memory, if this user may mount one. Otherwise no file may grow above a size.
    """
    mounts = _may_mount()
    row = Row(f"a full disk ({'tmpfs' if mounts else 'largest file'})", offsets)
    row.begin()
    text = suite_text("nonsaturating", steps=100)
    whole_folder, whole = ground.whole(row, text)
    files = [path.stat().st_size for path in (whole_folder / "results").rglob("*") if path.is_file()]
    needed = sum(-(-size // PAGE) * PAGE for size in files) if mounts else max(files)

    def fill(number: int) -> None:
        size = max(int(needed * (number + 0.5) / offsets), 1)
        folder = ground.folder(text)
        (_on_small_disk if mounts else _with_small_files)(ground, row, folder, size)
        compare(row, folder / ("kept" if mounts else "results"), whole, f"{size} bytes")
        shutil.rmtree(folder)
        row.tried()

    ground.each(range(offsets), fill)
    return row


def _on_small_disk(ground: Ground, row: Row, folder: Path, size: int) -> None:
    size = -(-size // PAGE) * PAGE
    with _mounted(folder, size) as results:
        done = ground.ask(row, folder, *RUN, "--checkpoint", 0)
        _refused(row, done.code, done.err, size)
        subprocess.run(["mount", "-o", f"remount,size={ROOM}", str(results)], check=True)
        _with_room(ground, row, folder, size)
        subprocess.run(["cp", "-r", str(results), str(folder / "kept")], check=True)


def _with_small_files(ground: Ground, row: Row, folder: Path, size: int) -> None:
    """Files of a real process may have so many bytes; its stderr, which is one, is kept apart."""
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size})); "
        "import sys; sys.argv = ['ganbench', *sys.argv[1:]]; from ganbench.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *RUN], cwd=folder, env=ground.environment, capture_output=True, text=True,
        timeout=LIMIT_S, check=False,
    )  # fmt: skip
    row.read(done.stderr)
    _refused(row, done.returncode, done.stderr, size)
    _with_room(ground, row, folder, size)


def _with_room(ground: Ground, row: Row, folder: Path, size: int) -> None:
    again = ground.ask(row, folder, *RUN)
    if again.code:
        row.lose(f"{size} bytes: with room again it ended with {again.code}: {again.err[-500:]}")


def _refused(row: Row, code: int | None, err: str, size: int) -> None:
    if code not in (None, 0, 1, 3):
        row.lose(f"{size} bytes: exit code {code}: {err[-500:]}")


def _may_mount() -> bool:
    with tempfile.TemporaryDirectory() as name:
        command = ["mount", "-t", "tmpfs", "-o", "size=4096", "tmpfs", name]
        try:
            if subprocess.run(command, capture_output=True, check=False).returncode:
                return False
        except OSError:
            return False
        subprocess.run(["umount", name], check=True)
    return True


@contextmanager
def _mounted(folder: Path, size: int) -> Iterator[Path]:
    """A file system of so many bytes in memory, as the folder `results`."""
    results = folder / "results"
    results.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(results)], check=True)
    try:
        yield results
    finally:
        subprocess.run(["umount", "-l", str(results)], check=True)
