"""Publish a suite's report to `published/` and its tables into the README: `python results/publish.py baseline`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
README = HERE.parent / "README.md"


def machine(folder: Path) -> str:
    """One paragraph: the command, the machine, the versions, the day, the cost."""
    manifest = json.loads((folder / "manifest.json").read_text())
    machines = len(manifest["environments"])
    if machines != 1:
        raise SystemExit(f"the runs of {folder} come from {machines} different machines or versions")
    (one,), (suite,) = manifest["environments"], manifest["suites"]
    records = [json.loads((folder / "runs" / id_ / "record.json").read_text()) for id_ in manifest["runs"]]
    versions = ", ".join(f"{name} {version}" for name, version in one["libraries"].items())
    seconds = sum(record["cost"]["train_seconds"] or 0 for record in records)
    return (
        f"Made by `ganbench run --suite {suite}` on {one['processor']}, {one['cores']} cores, "
        f"{one['platform']}, no GPU; Python {one['python']}, {versions}; {manifest['time'][:10]}. "
        f"{len(records)} runs, {seconds:.0f} s of training summed over the runs.\n"
    )


def embedded(text: str) -> str:
    """A table's Markdown as a part of the README: its headings two levels down, its title dropped."""
    body = text.split("\n", 1)[1].strip()
    return re.sub(r"^#", "##", body, flags=re.MULTILINE)


def block(folder: Path) -> str:
    """What stands between the README's marks."""
    return f"\n{machine(folder)}\n{embedded((folder / folder.name / 'table.md').read_text())}\n"


def main(suite: str) -> None:
    folder = HERE / "published" / suite
    order = [sys.executable, "-m", "ganbench", "publish", "--suite", suite, "--results", str(HERE), "--to", str(folder)]
    done = subprocess.run(order)
    if done.returncode:
        raise SystemExit(done.returncode)
    begin, end = f"<!-- {suite}: begin -->", f"<!-- {suite}: end -->"
    text = README.read_text()
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"the README has no marks {begin} and {end}")
    README.write_text(f"{before}{begin}\n{block(folder)}\n{end}{after}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python results/publish.py SUITE (one that has run in results/)")
    main(sys.argv[1])
