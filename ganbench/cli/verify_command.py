"""`ganbench verify`: checks a report against its manifest, or the engine against theory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.errors import UsageError, printable
from ganbench.files import write_atomically
from ganbench.formatting import counted

if TYPE_CHECKING:
    from ganbench.theory.check import Finding, Report

HEAD = f"{'pair':<25} {'true JS':>8} {'JS from D':>9} {'error':>8} {'V':>8} {'2JS-2log2':>9} {'|D - D*|':>8}"


@click.command("verify")
@click.argument("manifest", required=False, type=click.Path(path_type=Path))
@click.option(
    "--theory", is_flag=True, help="Check that D reaches D* and V reaches 2 JS - 2 log 2, on known densities."
)
@click.option("--picture", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE.png|.svg|.pdf",
              help="With --theory: draw D against D*.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), help="With --theory: seed of D and of all samples; by default 0.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(manifest: Path | None, theory: bool, picture: Path | None, seed: int | None, as_json: bool) -> int:
    """Check that a report is as it was published, or that the engine does what theory says.

    MANIFEST is a report's folder, its ZIP file or the manifest.json in it: every file is hashed
    again, and records, scores and plans are checked against their own seals, checksums and ids.
    --theory takes about 20 seconds on one core.

    Exit code: 0 everything holds, 1 something does not, 2 there is no manifest, 4 it is damaged or newer.
    """
    if theory and manifest is not None:
        raise UsageError("a published folder and --theory are two checks; ask for one at a time")
    if not theory and manifest is None:
        raise UsageError("name what to verify: `ganbench verify --theory`, or the folder of a report")
    if manifest is not None and (picture is not None or seed is not None):
        raise UsageError("--picture and --seed belong to --theory")
    if manifest is not None:
        return _artefact(manifest, as_json)
    if picture is not None:
        from ganbench.report.plots.figure import form

        form(picture)
    report = _report(seed or 0, quiet=as_json)
    if picture is not None:
        from ganbench.theory.plot import drawn

        write_atomically(picture, drawn(report, form(picture)))
    click.echo(json.dumps(_plain(report), indent=1, ensure_ascii=False) if as_json else _conclusion(report))
    return 0 if report.holds else 1


def _artefact(manifest: Path, as_json: bool) -> int:
    """A published folder against its manifest."""
    from ganbench.results.verify import check

    report = check(manifest)
    if as_json:
        content = {
            "holds": report.holds,
            "files": len(report.content.files),
            "findings": [vars(one) for one in report.findings],
        }
        click.echo(json.dumps(content, indent=1, ensure_ascii=False))
        return 0 if report.holds else 1
    for finding in report.findings:
        click.echo(f"{finding.kind:<8} {printable(finding.path)}: {printable(finding.text)}")
    runs, wrong = len(report.content.runs), sum(one.kind != "note" for one in report.findings)
    what = f"{len(report.content.files)} files, {runs} runs of {printable(', '.join(report.content.suites))}"
    if report.holds:
        click.echo(f"As published: {what}; every checksum, every record, every id that can be computed.")
    else:
        click.echo(f"Not as published: {counted(wrong, 'finding')} ({what}).")
    return 0 if report.holds else 1


def _report(seed: int, quiet: bool) -> Report:
    """All findings, on one thread, each printed as it comes."""
    import torch

    from ganbench.theory.check import verify

    torch.set_num_threads(1)  # such networks are slower on two, and the bits depend on it
    if quiet:
        return verify(seed)
    click.echo(HEAD)
    return verify(seed, lambda finding: click.echo(_line(finding)))


def _line(finding: Finding) -> str:
    return (
        f"{finding.pair.name:<25} {finding.true_js:8.4f} {finding.js:9.4f} {finding.error:+8.4f} {finding.value:8.4f} "
        f"{finding.best_value:9.4f} {finding.gap:8.4f}  {_verdict(finding)}"
    )


def _verdict(finding: Finding) -> str:
    return "pass" if finding.holds else "fail"


def _conclusion(report: Report) -> str:
    from ganbench.theory.check import D_LIMIT, JS_LIMIT

    failed = [finding.pair.name for finding in report.findings if not finding.holds]
    lines = [
        f"A pair passes with |error| <= {JS_LIMIT:g} and mean |D - D*| <= {D_LIMIT:g}. The last line is the negative "
        "control: it must fail."
    ]
    lines += [f"Does not hold: {name}." for name in failed]
    if report.control.holds:
        lines.append("The negative control passes: these limits see nothing.")
    if report.holds:
        lines.append("All holds: D alone reaches D* = p_r / (p_r + p_g), and V = 2 JS - 2 log 2.")
    return "\n".join(lines)


def _plain(report: Report) -> dict[str, object]:
    from ganbench.theory.check import D_LIMIT, JS_LIMIT

    return {
        "holds": report.holds,
        "seed": report.seed,
        "limits": {"js_error": JS_LIMIT, "mean_gap": D_LIMIT},
        "pairs": [_plain_finding(finding) for finding in report.findings],
        "control": _plain_finding(report.control),
    }


def _plain_finding(finding: Finding) -> dict[str, object]:
    return {
        "pair": finding.pair.name,
        "true_js": finding.true_js,
        "js": finding.js,
        "error": finding.error,
        "value": finding.value,
        "best_value": finding.best_value,
        "mean_gap": finding.gap,
        "holds": finding.holds,
    }
