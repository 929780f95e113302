"""Whether the system has killed a process because memory was short: the kernel's counters, on Linux."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path("/")
_COUNT = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def oom_kills(root: Path = ROOT) -> int:
    """How many processes the kernel has killed for memory, in the control group of this process and its workers.

    Where a group has no counter it is that of the whole machine; 0 where there is none either. A count that has risen
    while a worker was killed by SIGKILL says why it was.
    """
    for path in _counters(root):
        with suppress(OSError):
            if found := _COUNT.search(path.read_text()):
                return int(found[1])
    return 0


def _counters(root: Path) -> Iterator[Path]:
    """The files that may hold the count: of version 2 of control groups, of version 1, of the machine."""
    groups = ""
    with suppress(OSError):
        groups = (root / "proc/self/cgroup").read_text()
    for line in groups.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        mount = root / "sys/fs/cgroup"
        if number == "0" and group != "/":  # the root group has no such file
            yield mount / group.lstrip("/") / "memory.events"
        elif "memory" in controllers.split(","):
            yield mount / "memory" / group.lstrip("/") / "memory.oom_control"
            yield mount / "memory" / "memory.oom_control"  # a container sees its own group as the root
    yield root / "sys/fs/cgroup/memory.events"
    yield root / "proc/vmstat"
