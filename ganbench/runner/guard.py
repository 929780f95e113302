"""Ends the workers of a run when the process that started them is gone: a small process beside it.

The file is also that process's program, which imports nothing of ganbench, so that it starts at once and cannot hang.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

LOOK_S = 1.0
"""Seconds between two looks at whether the parent lives, should its end of the pipe live on in another process."""
LEAVE_S = 5.0
"""Seconds that workers have to save their state and leave after their parent has died."""


class Guard:
    """The guard of this process's workers, there while there are any.

    If it cannot be started, a worker whose parent is gone leaves at its next message.
    """

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def watch(self, group: int) -> None:
        """A worker has started, as the leader of a group of processes."""
        with self._lock:
            self._groups.add(group)
            if self._process is not None and self._process.poll() is None:
                self._tell(f"+{group}\n")
                return
            self._close()
            with suppress(OSError):
                command = [sys.executable, "-I", "-S", __file__, str(os.getpid())]
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )  # fmt: skip
            self._tell("".join(f"+{one}\n" for one in self._groups))

    def forget(self, group: int) -> None:
        """A worker and its group are gone."""
        with self._lock:
            self._groups.discard(group)
            if self._groups:
                self._tell(f"-{group}\n")
            else:
                self._close()

    def _tell(self, lines: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):  # it was killed
                self._process.stdin.write(lines.encode())
                self._process.stdin.flush()

    def _close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            with suppress(OSError):
                self._process.stdin.close() if self._process.stdin else None
            self._process = None


GUARD = Guard()


def main(parent: int) -> None:
    """Keep the list of groups that stdin tells, until the parent is gone; then end them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    told = b""
    while os.getppid() == parent:
        if not select.select([0], [], [], LOOK_S)[0]:
            continue
        some = os.read(0, 1 << 16)
        if not some:
            break
        *lines, told = (told + some).split(b"\n")
        for line in lines:
            (groups.add if line[:1] == b"+" else groups.discard)(int(line[1:]))
    _end(groups)


def _end(groups: set[int]) -> None:
    """Ask the workers to leave, which saves their state, then kill what is left of their groups."""
    for group in groups:
        with suppress(OSError):
            os.kill(group, signal.SIGTERM)
    deadline = time.monotonic() + LEAVE_S
    while time.monotonic() < deadline and any(map(_runs, groups)):
        time.sleep(0.1)
    for group in groups:
        with suppress(OSError):
            os.killpg(group, signal.SIGKILL)


def _runs(process: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        os.kill(process, 0)
        state = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[0]
        return state not in (b"Z", b"X")
    except ProcessLookupError:
        return False
    except OSError:  # not Linux
        return True


if __name__ == "__main__":
    main(int(sys.argv[1]))
