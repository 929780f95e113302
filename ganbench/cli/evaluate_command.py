"""`ganbench evaluate`: measure samples that were made elsewhere as a suite measures its own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from ganbench.api.external import evaluate
from ganbench.api.running import RunSettings
from ganbench.api.suites import SuiteRequest
from ganbench.cli.options import options_as, suite_options
from ganbench.report.text.terminal import print_tables


@dataclass(frozen=True)
class EvaluateOptions:
    """The options of the command, as click reads them."""

    samples: tuple[Path, ...]
    suite: str
    sets: tuple[str, ...]
    adds: tuple[str, ...]
    plugins: tuple[Path, ...]
    results: Path
    label: str
    dataset: str | None
    weights: Path | None
    device: str
    jobs: str


@click.command("evaluate")
@click.argument("samples", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--label", required=True, metavar="NAME", help="The name of the row; a row of this name is replaced.")
@click.option("--dataset", metavar="NAME", help="The dataset that they are samples of, if the suite has several.")
@suite_options
@click.option("--weights", type=click.Path(path_type=Path), help="Weight file of the feature extractor.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, cuda:0,1 or mps.")
@click.option("--jobs", default="auto", show_default=True, help="Number of worker processes.")
@options_as(EvaluateOptions)
def command(options: EvaluateOptions) -> int:
    """Measure samples that were made elsewhere under the protocol of a suite, and print its table with their row.

    SAMPLES is an .npz or .npy file, or a folder of images; several for one label count as seeds. Images are uint8
    or floats in [-1, 1], of the size of the data. The suite need not have run.

    Exit code: 0 all are measured, 1 some could not be, 2 wrong usage or files that hold no such samples, 3
    something is missing on this machine, 4 damaged results.
    """
    request = SuiteRequest(options.suite, options.sets, options.adds, options.plugins, options.weights)
    settings = RunSettings(results=options.results, device=options.device, jobs=options.jobs, progress=True)
    found = evaluate(request, options.samples, options.label, options.dataset, settings)
    tables = [table for table in found.results.score_tables if table.dataset == found.dataset]
    print_tables(found.results.plan, tables, found.results.folder)
    print(f"tables: {found.results.folder / found.results.suite}/table.md, .csv, .tex, .json", file=sys.stderr)
    return 1 if found.failures else 0
