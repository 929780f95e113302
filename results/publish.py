"""Publish a suite's report to `published/` and quote its tables in the docs: `python results/publish.py baseline`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(suite: str) -> None:
    """Publish from the runs that are here, else again from the published records; refresh what the docs quote."""
    folder = HERE / "published" / suite
    results = HERE if (HERE / suite / "plan.json").exists() else folder
    order = ["-m", "ganbench", "publish", "--suite", suite, "--results", str(results), "--to", str(folder)]
    for arguments in (order, ["-m", "tools.quote"]):
        done = subprocess.run([sys.executable, *arguments], cwd=HERE.parent)
        if done.returncode:
            raise SystemExit(done.returncode)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python results/publish.py SUITE (one that has run in results/)")
    main(sys.argv[1])
