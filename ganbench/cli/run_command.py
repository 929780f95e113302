"""`ganbench run`: train what is missing, write the tables, print them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import click

from ganbench.api.results import Results
from ganbench.api.running import Preparation, RunSettings
from ganbench.api.suites import SuiteRequest
from ganbench.cli.options import options_as, suite_options
from ganbench.cli.view_options import ViewOptions, view_options
from ganbench.errors import UsageError
from ganbench.report.text.terminal import print_tables


@dataclass(frozen=True)
class RunOptions(ViewOptions):
    """The options of the command, as click reads them."""

    suite: str
    sets: tuple[str, ...]
    adds: tuple[str, ...]
    plugins: tuple[Path, ...]
    results: Path
    filters: tuple[str, ...]
    shard: str | None
    seeds: str | None
    weights: Path | None
    executor: str
    device: str
    jobs: str
    timeout: float | None
    retries: int
    retry_errors: bool
    checkpoint_interval: float
    search: int | None
    trackers: tuple[str, ...]
    dry_run: bool
    force: bool
    quiet: bool

    @property
    def request(self) -> SuiteRequest:
        """Which suite."""
        return SuiteRequest(self.suite, self.sets, self.adds, self.plugins, self.weights)

    @property
    def settings(self) -> RunSettings:
        """Where and how."""
        return RunSettings(
            results=self.results, filters=self.filters, shard=self.shard, seeds=self.seeds, executor=self.executor,
            device=self.device, jobs=self.jobs, timeout=self.timeout, retries=self.retries,
            retry_errors=self.retry_errors, checkpoint_interval=self.checkpoint_interval,
            trackers=self.trackers, force=self.force, progress=not self.quiet,
        )  # fmt: skip


@click.command("run")
@suite_options
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="KIND=NAME,...",
    help="Train and show only these, for example loss=minimax,dataset=ring8.",
)
@click.option(
    "--shard",
    metavar="K/N",
    help="Train only part K of N, so that N machines can share a suite; `ganbench merge` joins their folders.",
)
@click.option(
    "--seeds",
    metavar="0-7",
    help="Train and show these seeds instead of the suite's own; the saved tables contain both.",
)
@click.option("--weights", type=click.Path(path_type=Path), help="Weight file of the feature extractor.")
@click.option(
    "--executor",
    default="local",
    show_default=True,
    metavar="local|ray[:HOST:PORT]",
    help="Where cells run: on this machine, or on the nodes of a Ray cluster.",
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="auto, cpu, cuda, cuda:1, cuda:0,1 or mps; auto: all CUDA GPUs, else the CPU.",
)
@click.option(
    "--jobs",
    default="auto",
    show_default=True,
    help="Number of worker processes; auto: one per core, or 2 to 4 per GPU.",
)
@click.option("--timeout", type=click.FloatRange(min=1), metavar="SECONDS", help="Longest time for one try of a cell.")
@click.option(
    "--retries",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Try a cell again N times if its worker died or the machine failed it.",
)
@click.option("--retry-errors", is_flag=True, help="With --retries: also after an error of a plugin.")
@click.option(
    "--checkpoint",
    "checkpoint_interval",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="Time between two checkpoints of a cell.",
)
@click.option(
    "--search",
    type=int,
    metavar="N",
    help="Also train N random draws from the suite's ranges; prints the best of k.",
)
@view_options
@click.option(
    "--tracker",
    "trackers",
    multiple=True,
    metavar="NAME",
    help="Also send signals and results to a tracker; can be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan without training anything.")
@click.option("--force", is_flag=True, help="Train finished runs again.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the table: no progress, no notices, no next steps.")
@options_as(RunOptions)
def command(options: RunOptions) -> int:
    """Train every combination of a suite that is not trained yet, and print its table.

    Finished runs are never trained again. Exit code: 0 all runs ended well, 1 at least one did not,
    2 wrong usage, suite or plugin, 3 something is missing on this machine, 4 damaged results.
    """
    if options.retry_errors and not options.retries:
        raise UsageError("--retry-errors says what --retries tries again: add --retries N")
    if options.search is not None and options.shard is not None:
        raise UsageError("--search cannot be split: leave out --shard")
    if options.search is not None:
        return _search(options, options.search)
    prepared = Preparation(options.request, options.settings)
    options.selection.check(prepared.scores)
    if options.dry_run:
        click.echo(str(prepared), nl=False)
        return 0
    results = prepared.run()
    print_tables(results.plan, options.selection(results.score_tables), results.folder, options.view)
    folder = results.folder / results.suite
    for text in results.missing:
        _say(text)
    if not options.quiet:
        _say(f"tables: {folder}/table.md, .csv, .tex, .json, runs.csv; runs: {results.store.runs}")
        if prepared.leaves_out:
            _say(
                f"not shown: the rest of the suite; `ganbench table --suite {results.suite}{_where(results)}` shows it"
            )
        _say(f"next: ganbench show {_next(results)} --results {results.folder}")
    return 0 if prepared.asked.complete else 1


def _where(results: Results) -> str:
    return "" if results.folder == Path("results") else f" --results {results.folder}"


def _next(results: Results) -> str:
    """The run to look at next: the first that did not end well, or the first."""
    ids = results.ids
    ended = {record.id for record in results.records if record.ok}
    return next((id_ for id_ in ids if id_ not in ended), ids[0])


def _search(options: RunOptions, count: int) -> int:
    from ganbench.api.searching import SearchPreparation
    from ganbench.cli.search_output import print_search

    options.refuse_with_search()
    prepared = SearchPreparation(options.request, options.settings, count, options.metrics)
    if options.dry_run:
        click.echo(str(prepared), nl=False)
        return 0
    results = prepared.run()
    print_search(results)
    if not options.quiet:
        _say(f"tables: {results.folder}/search.md, .csv, .json; runs: {results.store.runs}")
    return 0 if results.complete else 1


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
