"""Copy a suite's tables to `published/` and into the README: `python results/publish.py baseline`."""

from __future__ import annotations

import json
import re
import shutil
import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
TABLES = ("table.md", "table.csv", "table.tex", "table.json")


def machine(suite: str) -> str:
    """One paragraph: the command, the machine, the versions, the day, the cost."""
    plan = json.loads((HERE / suite / "plan.json").read_text())
    ids = [id_ for row in plan["rows"] for id_ in row["runs"].values()]
    records = [json.loads((HERE / "runs" / id_ / "record.json").read_text()) for id_ in ids]
    facts = {
        json.dumps(
            {key: record["provenance"][key] for key in ("processor", "cores", "python", "platform", "libraries")}
        )
        for record in records
        if record["status"] == "ok"
    }
    if len(facts) != 1:
        raise SystemExit(f"the runs of {suite!r} come from {len(facts)} different machines or versions")
    one = json.loads(facts.pop())
    versions = ", ".join(f"{name} {version}" for name, version in one["libraries"].items())
    seconds = sum(record["cost"]["train_seconds"] or 0 for record in records)
    return (
        f"Made by `ganbench run --suite {suite}` on {one['processor']}, {one['cores']} cores, "
        f"{one['platform']}, no GPU; Python {one['python']}, {versions}; {date.today().isoformat()}. "
        f"{len(ids)} runs, {seconds:.0f} s of training summed over the runs.\n"
    )


def embedded(text: str) -> str:
    """A table's Markdown as a part of the README: its headings two levels down, its title dropped."""
    body = text.split("\n", 1)[1].strip()
    return re.sub(r"^#", "##", body, flags=re.MULTILINE)


def block(folder: Path) -> str:
    """What stands between the README's marks."""
    return f"\n{(folder / 'machine.md').read_text()}\n{embedded((folder / 'table.md').read_text())}\n"


def main(suite: str) -> None:
    folder = HERE / "published" / suite
    folder.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        shutil.copy(HERE / suite / name, folder / name)
    (folder / "machine.md").write_text(machine(suite))
    begin, end = f"<!-- {suite}: begin -->", f"<!-- {suite}: end -->"
    text = README.read_text()
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"the README has no marks {begin} and {end}")
    README.write_text(f"{before}{begin}\n{block(folder)}\n{end}{after}")


if __name__ == "__main__":
    main(*sys.argv[1:])
