"""`ganbench show`: one run in full."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ganbench.cli.options import results_option
from ganbench.errors import UsageError
from ganbench.formats import number
from ganbench.records import Store


@click.command("show")
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="The record as JSON.")
@results_option
def command(run: str, as_json: bool, results: Path) -> int:
    """Show one run: RUN is its id, or the beginning of it."""
    store = Store(results)
    ids = store.find(run)
    if not ids:
        raise UsageError(f"no run {run!r} in {store.runs}; ids are the names of the folders there")
    if len(ids) > 1:
        raise UsageError(f"{run!r} is the beginning of {len(ids)} runs: {', '.join(ids[:5])}; write more of it")
    record = store.run(ids[0])
    assert record is not None
    click.echo(json.dumps(record, indent=1) if as_json else _text(record, store.runs / ids[0]))
    return 0


def _text(record: dict[str, Any], folder: Path) -> str:
    spec = record["spec"]
    lines = [f"run {record['id']}: {record['status']}" + (f" ({record['reason']})" if record["reason"] else ""), ""]
    for kind in ("loss", "architecture", "dataset"):
        params = ", ".join(f"{key}={value}" for key, value in spec[kind]["params"].items())
        lines.append(f"  {kind:<13} {spec[kind]['name']}" + (f" ({params})" if params else ""))
    lines.append(f"  {'seed':<13} {spec['seed']}")
    lines.append(f"  {'training':<13} " + ", ".join(f"{key} {value}" for key, value in spec["train"].items()))
    evaluation = spec["evaluation"]
    lines += [f"  {'evaluation':<13} {evaluation['samples']} samples against split {evaluation['split']}, "
              f"extractor {evaluation['extractor']['name']}", ""]  # fmt: skip
    for name, value in record["metrics"].items():
        card = record["cards"][name]
        lines.append(f"  {name:<24} {number(value):>9}  ({card['better']} is better)")
    signals = {name: value for name, value in record["signals"].items() if value is not None}
    if signals:
        lines += ["", "  last signals  " + ", ".join(f"{name} {number(value)}" for name, value in signals.items())]
    findings = record.get("diagnosis")  # None: not trained to an end, or by an older ganbench
    if findings is not None:
        lines += ["", "  diagnosis     " + ("\n                ".join(map(_said, findings)) or "nothing found")]
    cost = record["cost"]
    if cost["train_seconds"] is not None:
        lines += ["", f"  {cost['train_seconds']:.1f} s of training, {cost['images']:,} real samples seen, "
                  f"peak memory {(cost['peak_memory_bytes'] or 0) / 2**20:,.0f} MiB"]  # fmt: skip
    provenance = record["provenance"]
    if "path" in provenance:
        lines.append(f"  {provenance['path']} ({provenance['path_reason']}), {provenance['stack']} seeds together, "
                     f"device {provenance['device']}, torch {provenance['libraries']['torch']}")  # fmt: skip
    lines += ["", *(f"  {folder / name}" for name in ["record.json", *record["files"]])]
    return "\n".join(lines)


def _said(finding: dict[str, Any]) -> str:
    kind = "" if finding["fault"] else ", a note"
    return f"{finding['flag']} since step {finding['since']}{kind}: {finding['evidence']}"
