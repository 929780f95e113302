"""`ganbench show`: one run in full."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ganbench.cli.options import plugin_option, results_option
from ganbench.files import write_atomically
from ganbench.formatting import number
from ganbench.results import protocol
from ganbench.results.record_json import plain
from ganbench.results.records import Finding, Record
from ganbench.results.store import Store
from ganbench.suite.labels import sum_text


@click.command("show")
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
@click.option("--surface", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.png|.svg|.pdf",
              help="Also draw D against D*, for a run on points of known density.")  # fmt: skip
@plugin_option
@results_option
def command(run: str, as_json: bool, surface: Path | None, plugins: tuple[Path, ...], results: Path) -> int:
    """Show one run in full. RUN is its id, or the first characters of it."""
    record, folder = Store(results).only_run(run)
    drawn = None if surface is None else _surface(record, folder, surface, plugins)
    click.echo(json.dumps(plain(record), indent=1) if as_json else _text(record, folder))
    if drawn is not None:
        click.echo(drawn, err=as_json)
    return 0


def _surface(record: Record, folder: Path, path: Path, plugins: tuple[Path, ...]) -> str:
    """Draw D's surface; what was drawn, in a line."""
    import torch

    from ganbench.registry.registry import Registry
    from ganbench.report.plots.figure import form
    from ganbench.theory import surface

    torch.set_num_threads(1)  # the same picture on any number of cores
    drawn = surface.surface(record, folder, Registry.load(plugins), form(path))
    write_atomically(path, drawn.picture)
    what = "|D - D*|" if drawn.log_odds else "|sigmoid(logit) - D*| (this loss's logits are no log-odds)"
    return f"\n  {path}: D against D*; mean {what} {number(drawn.gap)}, kernel {number(drawn.bandwidth)}"


def _nothing(record: Record) -> str:
    """That there is no finding, and what could not be looked for."""
    before = "" if record.status == "ok" else "before that "
    blind = "" if record.signals.get("js") is not None else " (no JS estimate: the loss does not say `log_odds = True`)"
    return f"{before}nothing found{blind}"


def _scores(record: Record) -> list[str]:
    """Every score, the verdict, and the protocol cards in words."""
    lines, protocols = [], dict[str, list[str]]()
    for name, value in record.evaluation.metrics.items():
        card = record.evaluation.cards[name]
        lines.append(f"  {name:<24} {number(value):>9}  ({card.better} is better)")
        protocols.setdefault(protocol.sentence(card), []).append(name)
    if record.evaluation.verdict:
        lines.append(f"  {'verdict':<24} {record.evaluation.verdict.text}")
        faults = [fault for own in record.evaluation.verdict.by.values() for fault in own if fault.evidence]
        lines += [f"    {fault.kind}: {fault.evidence}" for fault in faults]
    lines += [f"  {metric}: no score: {reason}" for metric, reason in record.evaluation.missing.items()]
    lines += [f"  {metric}: not applicable: {reason}" for metric, reason in record.evaluation.not_applicable.items()]
    for text, names in protocols.items():
        whose = "protocol" if len(protocols) == 1 else f"protocol of {', '.join(names)}"
        lines.append(f"  {whose}: {text}")
    return lines


def _text(record: Record, folder: Path) -> str:
    spec = record.spec
    lines = [f"run {record.id}: {record.status}" + (f" ({record.reason})" if record.reason else ""), ""]
    names = {"loss": [one.text for one in spec.loss], "transforms": [one.text for one in spec.transforms],
             "architecture": [spec.architecture.text], "dataset": [spec.dataset.text]}  # fmt: skip
    lines += [f"  {kind:<13} {sum_text(texts)}" for kind, texts in names.items() if texts]
    lines.append(f"  {'seed':<13} {spec.seed}")
    lines.append(f"  {'training':<13} {spec.train.text}")
    lines += [f"  {'evaluation':<13} {_evaluation(record)}", ""]
    lines += _scores(record)
    signals = {name: value for name, value in record.signals.items() if value is not None}
    if signals:
        lines += ["", "  last signals  " + ", ".join(f"{name} {number(value)}" for name, value in signals.items())]
    findings = record.diagnosis  # None: not trained to an end, or by an older ganbench
    if findings is not None:
        lines += ["", "  diagnosis     " + ("\n                ".join(map(_said, findings)) or _nothing(record))]
    cost = record.cost
    if cost.train_seconds is not None:
        lines += ["", f"  {cost.train_seconds:.1f} s of training, {cost.images or 0:,} real samples seen, "
                  f"peak memory {(cost.peak_memory_bytes or 0) / 2**20:,.0f} MiB"]  # fmt: skip
    provenance = record.provenance
    if provenance.path is not None:
        lines.append(f"  {provenance.path} ({provenance.path_reason}), {provenance.stack} seeds together, "
                     f"device {provenance.device}, torch {provenance.libraries.get('torch')}")  # fmt: skip
    lines += [f"  tried before: {text}" for text in (*provenance.attempts, *record.scored_by.attempts)]
    lines += ["", *(f"  {folder / name}" for name in ["record.json", *_scores_file(record), *record.files])]
    return "\n".join(lines)


def _evaluation(record: Record) -> str:
    """How a run was evaluated."""
    if record.evaluation_id is None:
        return "none"
    found = record.spec.evaluation
    step = record.evaluation.step
    which = "" if step is None else f", of the generator at step {step}"
    return f"{found.samples} samples against split {found.split}, extractor {found.extractor.name}{which}"


def _scores_file(record: Record) -> list[str]:
    """The file of the scores that are shown; records of schema 1 hold their scores themselves."""
    if record.evaluation_id is None or record.one_identity:
        return []
    return [f"scores/{record.evaluation_id}.json"]


def _said(finding: Finding) -> str:
    kind = "" if finding.fault else ", a note"
    return f"{finding.flag} since step {finding.since}{kind}: {finding.evidence}"
