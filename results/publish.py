"""Publish a suite's report to `published/` and quote its tables: `python results/publish.py baseline [--compact]`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ganbench as gb

HERE = Path(__file__).parent


def main(suite: str, compact: bool) -> None:
    """Publish from the runs in this folder, or else from the published records; refresh what the docs quote."""
    folder = HERE / "published" / suite
    results = HERE if (HERE / suite / "plan.json").exists() else folder
    report = gb.publish(gb.open_results(results, suite), folder, compact=compact)
    for text in (*report.notes, *(f"{one.path} {one.text}" for one in report.findings)):
        print(text, file=sys.stderr)
    if report.findings:
        raise SystemExit(1)
    subprocess.run([sys.executable, "-m", "tools.quote"], cwd=HERE.parent, check=True)


if __name__ == "__main__":
    names = [name for name in sys.argv[1:] if name != "--compact"]
    if len(names) != 1:
        raise SystemExit("usage: python results/publish.py SUITE [--compact] (a suite that has run in results/)")
    main(names[0], "--compact" in sys.argv)
