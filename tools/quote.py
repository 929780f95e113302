"""Puts generated text into the README and the docs, between marks: `python -m tools.quote [--quick RESULTS]`.

Tables of published suites come from their records, those of the benchmarks from `benchmarks/results`. With
`--quick` the quick suite is run in a results folder, and its first table is quoted as a terminal shows it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import click

import ganbench as gb
from benchmarks.report import markdown
from ganbench.analysis.lottery import Lottery
from ganbench.formatting import number
from ganbench.report.text import lottery as lottery_text
from ganbench.report.text.escape import escape_markdown
from tools import cli_reference

ROOT = Path(__file__).parent.parent
PUBLISHED = ROOT / "results" / "published"
MEASURED = ROOT / "benchmarks" / "results"
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
PART = {"fashion": " --filter architecture=mlp --seeds 0-4", "losses": " --seeds 0-15", "collapse": " --seeds 0-7"}
"""What was run of a suite that is published in part."""
LOTTERY = "lottery"
"""The suite of the seed lottery."""
WIDTH = 118
"""Columns of the terminal that shows the quick table."""


def mark(name: str, end: bool = False) -> str:
    """The comment that begins or ends a block."""
    return f"<!-- {name}: {'end' if end else 'begin'} -->"


def quoted(page: Path, name: str) -> str | None:
    """What a page has between a block's marks, or None if it has no such block."""
    _, begun, rest = page.read_text().partition(mark(name))
    block, ended, _ = rest.partition(mark(name, end=True))
    return block.strip("\n") if begun and ended else None


def put(name: str, text: str) -> None:
    """Replace a block on every page that has its marks."""
    for page in PAGES:
        if quoted(page, name) is None:
            continue
        before, begin, rest = page.read_text().partition(mark(name))
        _, end, after = rest.partition(mark(name, end=True))
        page.write_text(f"{before}{begin}\n\n{text.strip(chr(10))}\n\n{end}{after}")


def blocks() -> Mapping[str, Callable[[], str]]:
    """What makes every block that comes from files of the repository, by its name."""
    measured: dict[str, Callable[[], str]] = {
        path.stem: partial(_measured, path) for path in sorted(MEASURED.glob("*.json"))
    }
    own: dict[str, Callable[[], str]] = {
        f"{path.name}-{what}": partial(make, path.name)
        for path in published()
        for what, make in (("primary", primary), ("made", machine))
    }
    quoted_here = {name: make for name, make in own.items() if any(quoted(page, name) is not None for page in PAGES)}
    whole: dict[str, Callable[[], str]] = {"baseline": partial(every_table, "baseline"), LOTTERY: lottery_tables}
    findings = {
        "lottery-finding": lottery_finding,
        "losses-finding": losses_finding,
        "collapse-finding": collapse_finding,
    }
    return {**whole, **findings, **quoted_here, **measured}


def _measured(path: Path) -> str:
    return markdown(path.stem, json.loads(path.read_text()))


def published() -> list[Path]:
    """The folders of published suites."""
    return sorted(path.parent for path in PUBLISHED.glob("*/manifest.json"))


def machine(suite: str) -> str:
    """One paragraph on a published suite: the command, the machine, the versions, the day, the cost."""
    manifest = json.loads((PUBLISHED / suite / "manifest.json").read_text())
    (one,) = manifest["environments"]
    records = [json.loads((PUBLISHED / suite / "runs" / id_ / "record.json").read_text()) for id_ in manifest["runs"]]
    versions = ", ".join(f"{name} {version}" for name, version in one["libraries"].items())
    seconds = sum(record["cost"]["train_seconds"] or 0 for record in records)
    return (
        f"Made by `ganbench run --suite {suite}{PART.get(suite, '')}` on {one['processor']}, {one['cores']} cores, "
        f"{one['platform']}, no GPU; Python {one['python']}, {versions}; {manifest['time'][:10]}. "
        f"{len(records)} runs, {seconds:.0f} s of training summed over the runs."
    )


def every_table(suite: str) -> str:
    """A suite's published tables: their headings one level down, their title dropped."""
    body = (PUBLISHED / suite / suite / "table.md").read_text().split("\n", 1)[1].strip()
    return f"{machine(suite)}\n\n{body}"


@cache
def _lottery() -> Lottery:
    return gb.open_results(PUBLISHED / LOTTERY, LOTTERY).lottery()


def losses_finding() -> str:
    """Which variants of the published `losses` are better than the reference everywhere, and which only somewhere."""
    tables = gb.open_results(PUBLISHED / "losses", "losses").score_tables
    seeds = {row.n_ok for table in tables for row in table.variants}
    tiers: dict[str, dict[str, str]] = {}
    for table in tables:
        for row in table.variants:
            tiers.setdefault(row.loss, {})[table.dataset] = row.tier or ""
    found = {loss: set(own.values()) for loss, own in tiers.items() if "reference" not in own.values()}
    best = [loss for loss, own in found.items() if own == {"better"}]
    torn = [loss for loss, own in found.items() if {"better", "worse"} <= own]
    sides = "; ".join(
        f"{loss} (better on {_where(tiers[loss], 'better')}, worse on {_where(tiers[loss], 'worse')})" for loss in torn
    )
    return (
        f"With {max(seeds)} seeds, {len(best)} of {len(found)} variants are better than the non-saturating loss on all "
        f"of {', '.join(table.dataset for table in tables)}: {', '.join(best)}. {len(torn)} are better on one "
        f"dataset and worse on another: {sides}. A comparison on one dataset need not hold on another, however many "
        "seeds it has."
    )


def collapse_finding() -> str:
    """Which variants of the published `collapse` are better than the reference, and how many modes a Gaussian has."""
    tables = gb.open_results(PUBLISHED / "collapse", "collapse").score_tables
    better = [
        f"on {table.dataset} {', '.join(row.loss for row in table.variants if row.tier == 'better') or 'none'}"
        for table in tables
    ]
    hardest = tables[-1]
    modes = {row.title: row.scores[hardest.primary].mean for row in hardest.rows}
    gaussian = modes["Gaussian fit"] or 0
    fewer = sum((modes[row.title] or 0) < gaussian for row in hardest.variants)
    beaten = f"more than {fewer} of the {len(hardest.variants)} variants"
    many = f"{gaussian:.0f} of its {modes['real data']:.0f} modes, {beaten}"
    return (
        f"Better than the non-saturating loss by their modes, with 8 seeds: {'; '.join(better)}. A Gaussian fitted to "
        f"the pixels of {hardest.dataset} has {many}: a count of modes says little without the quality of the samples, "
        "which the verdicts describe."
    )


def _where(tiers: Mapping[str, str], tier: str) -> str:
    return " and ".join(dataset for dataset, own in tiers.items() if own == tier)


def lottery_tables() -> str:
    """The lottery of the published suite: its headings one level down, its title and the legend dropped."""
    _, _, body = lottery_text.markdown(_lottery()).partition("\n## ")
    body = f"## {body.removesuffix(f'{lottery_text.LEGEND}{chr(10)}').strip()}"
    return f"{machine(LOTTERY)}\n\n" + body.replace("\n## ", "\n### ").replace("## ", "### ", 1)


def lottery_finding() -> str:
    """What the README says of it."""
    found = _lottery()
    one = next(score for score in found.primary if score.ratio)
    first = one.draws[0]
    assert first.half is not None
    assert first.rare is not None
    left = one.pairs - one.told_apart
    return "\n".join(
        [
            f"Seeds decide: on {one.dataset}, two seeds of the same GAN differ in {escape_markdown(one.score)} by a "
            f"factor of {first.half:.2f} or more",
            f"in half of all cases, of {first.rare:.2f} or more in one of twenty. Of {one.pairs} pairs of "
            f"{found.variants} losses, {found.seeds[0]} seeds each tell {one.told_apart} apart;",
            f"on the other {left}, two comparisons by one seed contradict each other in "
            f"{lottery_text.percent(first.contradicted)} of cases.",
            "`ganbench lottery --results results/published/lottery` prints this: [The seed lottery](docs/lottery.md).",
        ]
    )


def primary(suite: str) -> str:
    """A published suite as one small table: a variant by a dataset, by each dataset's first score."""
    rows = json.loads((PUBLISHED / suite / suite / "table.json").read_text())
    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    first = {row["dataset"]: next(iter(row["scores"])) for row in reversed(rows) if row["scores"]}
    arrows = {
        row["dataset"]: "↑" if row["scores"][first[row["dataset"]]]["better"] == "higher" else "↓"
        for row in rows
        if first[row["dataset"]] in row["scores"]
    }
    heads = [f"{name}: {first[name]} {arrows[name]}".replace("[", r"\[").replace("]", r"\]") for name in datasets]
    lines = [f"| variant | {' | '.join(heads)} |", f"|:--|{'--:|' * len(datasets)}"]
    for name in dict.fromkeys(_name(row) for row in rows):
        by_dataset = {row["dataset"]: row for row in rows if _name(row) == name}
        cells = [_cell(by_dataset.get(dataset), first[dataset]) for dataset in datasets]
        if set(cells) == {"n/a"}:
            continue  # no run of it is published
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _name(row: dict[str, Any]) -> str:
    return f"{row['loss']} x {row['architecture']}" if row["kind"] == "variant" else str(row["loss"])


def _cell(row: dict[str, Any] | None, score: str) -> str:
    found = row["scores"].get(score) if row else None
    if found is None or found["mean"] is None:
        return "n/a"
    values = found["values"]
    if found["low"] is None or found["low"] == found["high"]:
        if len(values) > 1 and max(values) > min(values):
            return f"{number(found['mean'])} ({min(values):g}-{max(values):g})"
        return f"{values[0]:g}" if found["card"].get("kind") == "count" else number(found["mean"])
    return rf"{number(found['mean'])} \[{number(found['low'])}, {number(found['high'])}\]"


def quick(results: Path) -> str:
    """The answer and the first table of the quick suite, as a terminal of `WIDTH` columns shows them."""
    command = [sys.executable, "-m", "ganbench", "run", "--suite", "quick", "--results", str(results)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return f"```text\n$ ganbench run --suite quick\n{first_table(_terminal(command))}\n```"


def first_table(text: str) -> str:
    """What a terminal shows up to the end of the first table."""
    lines = [line.rstrip() for line in text.splitlines()]
    tables = [i for i, line in enumerate(lines) if line.startswith("quick: ")]
    return "\n".join(lines[: tables[1]]).strip("\n")


def _terminal(command: list[str]) -> str:
    """What a command prints to a terminal, without its colors."""
    import pty

    reader, writer = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(WIDTH), "LINES": "60", "NO_COLOR": "1", "TERM": "xterm"}
    with subprocess.Popen(command, stdout=writer, stderr=subprocess.DEVNULL, env=environment):
        os.close(writer)
        parts = []
        try:
            while part := os.read(reader, 1 << 16):
                parts.append(part)
        except OSError:  # Linux ends a terminal so
            pass
    os.close(reader)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(parts).decode().replace("\r\n", "\n"))


@click.command()
@click.option("--quick", "results", type=click.Path(path_type=Path), help="Also quote the quick suite, run here.")
def main(results: Path | None) -> None:
    """Refresh the generated parts of the README and the docs."""
    cli_reference.main()
    for name, make in blocks().items():
        text = make()
        put(name, text)
        if (MEASURED / f"{name}.md").exists():
            (MEASURED / f"{name}.md").write_text(text)
    if results is not None:
        put("quick", quick(results))


if __name__ == "__main__":
    main()
