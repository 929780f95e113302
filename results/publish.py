"""Publish a suite's report to `published/` and quote its tables in the docs: `python results/publish.py baseline`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ganbench as gb

HERE = Path(__file__).parent


def main(suite: str) -> None:
    """Publish from the runs in this folder, or else from the published records; refresh what the docs quote."""
    folder = HERE / "published" / suite
    results = HERE if (HERE / suite / "plan.json").exists() else folder
    report = gb.publish(gb.open_results(results, suite), folder)
    for text in (*report.notes, *(f"{one.path} {one.text}" for one in report.findings)):
        print(text, file=sys.stderr)
    if report.findings:
        raise SystemExit(1)
    subprocess.run([sys.executable, "-m", "tools.quote"], cwd=HERE.parent, check=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python results/publish.py SUITE (one that has run in results/)")
    main(sys.argv[1])
