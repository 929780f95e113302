"""`ganbench run`: train what is missing, write the tables, print them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ganbench.cli.options import Asked, filters, find_suite, metric_option, seeds, suite_options
from ganbench.errors import UsageError
from ganbench.report.text.terminal import print_tables
from ganbench.results.store import Store
from ganbench.suite.plan_file import SavedPlan, plan_to_save, save_plan
from ganbench.suite.specs import Plan


@click.command("run")
@suite_options
@click.option(
    "--filter", "wanted", multiple=True, metavar="KIND=NAME,...", help="Only these: loss=minimax,dataset=ring8."
)
@click.option(
    "--seeds",
    "seed_text",
    metavar="0-7",
    help="Run and show these seeds instead of the suite's own; saved tables hold both.",
)
@click.option("--weights", type=click.Path(path_type=Path), help="Weight file of the feature extractor.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
@click.option("--jobs", default="auto", show_default=True, help="Worker processes; auto: one a core, one on a GPU.")
@click.option("--timeout", type=click.FloatRange(min=1), metavar="SECONDS", help="Longest time for one cell.")
@click.option(
    "--checkpoint",
    "every",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="Time between two checkpoints of a cell.",
)
@click.option(
    "--search", type=int, metavar="N", help="Also N random draws from the suite's ranges; prints the best of k."
)
@metric_option
@click.option(
    "--tracker", "trackers", multiple=True, metavar="NAME", help="Also send signals and results to a tracker."
)
@click.option("--dry-run", is_flag=True, help="Print the plan, train nothing.")
@click.option("--force", is_flag=True, help="Train again what is finished.")
def command(**options: Any) -> int:
    """Train every combination of a suite that is not trained yet, and print its table.

    Finished runs are never trained again. Exit code: 0 all runs ok, 1 some run is not, 2 wrong
    usage, suite or plugin, 3 something is missing on this machine, 4 damaged results.
    """
    if options["metrics"] and options["search"] is None:
        raise UsageError("--metric chooses the score of --search; without --search all scores are shown")
    asked = find_suite(options["suite"], options["sets"], options["adds"], options["plugins"], options["weights"])
    if options["trackers"]:
        from ganbench.runner import trackers

        options["trackers"] = trackers.choose_trackers(options["trackers"], asked.registry)
    if options["search"] is not None:
        from ganbench.cli import search_run

        return search_run.run(asked, options)
    whole = asked.plan()
    own = seeds(options["seed_text"])
    plan = asked.plan(own) if own else whole
    plan = plan.filtered(filters(options["wanted"], plan))
    if not plan.cells:
        reasons = "; ".join(sorted({skip.reason for skip in plan.skipped})) or "the filter leaves nothing"
        raise UsageError(f"suite {plan.suite!r} has nothing to train here: {reasons}")
    store = Store(options["results"])
    if options["dry_run"]:
        from ganbench.runner.plan_summary import plan_text

        click.echo(plan_text(plan, store, options["force"]), nl=False)
        return 0
    content = plan_to_save(widened(whole, plan), asked.digest)
    carry_out(plan, asked, store, options, content)
    return _report(content, plan_to_save(plan, asked.digest), store)


def carry_out(plan: Plan, asked: Asked, store: Store, options: dict[str, Any], content: SavedPlan) -> None:
    """Train and measure what is missing; every result is stored as it comes.

    `content`, the suite's layout, is saved before anything trains, so that tables can be had on the way.
    """
    from ganbench.engine import devices
    from ganbench.runner import progress, scheduler, trackers
    from ganbench.runner.background import BackgroundObserver
    from ganbench.runner.live_writer import LiveWriter
    from ganbench.runner.local import LocalExecutor
    from ganbench.runner.worker_process import WorkerSettings

    device = devices.resolve(options["device"])
    workers = devices.workers(options["jobs"], device)
    with store.writing():
        todo = scheduler.todo(plan, store, options["force"])
        states = todo.states
        again = f", {states['resumable']} go on from a checkpoint" if states["resumable"] else ""
        again += f", {states['failed before']} failed before and are tried again" if states["failed before"] else ""
        left_out = f"; {len(plan.skipped)} combinations not applicable" if plan.skipped else ""
        say(f"suite {plan.suite}: {states['done']} runs done, {states['new']} new{again}{left_out}")
        save_plan(store.root, content)
        if not todo.jobs:
            if options["trackers"]:
                say("nothing is sent to trackers: all runs were finished before; --force trains them again")
            return
        chosen = " (chosen by auto)" if options["device"] == "auto" else ""
        say(f"device {device}{chosen}, {workers} worker process{'es' if workers > 1 else ''}")
        note = devices.check(device, (cell.spec.train for cell in plan.cells))
        if note:
            say(note)
        tracking = trackers.prepared_trackers(options["trackers"], asked.registry, store.root)
        scheduler.prepare(todo.jobs, asked.registry)
        jobs = scheduler.ordered(todo.jobs, asked.registry, workers)
        weights = [(job, scheduler.weight(job, asked.registry)) for job in jobs]
        if options["force"]:
            for run_id in (cell.run(seed).id for cell in plan.cells for seed in cell.seeds):
                scheduler.checkpoints(store).drop(run_id)
        settings = WorkerSettings(
            device, asked.registry.files, store.staging, scheduler.checkpoints(store).root, options["every"]
        )
        executor = LocalExecutor(workers, settings, options["timeout"])
        live = BackgroundObserver("the live state", LiveWriter(store.root, plan.suite))
        writer = scheduler.run(weights, store, executor, progress.progress_display(), live, *tracking)
        for text in writer.reference_failures:
            say(f"not measured: {text}")


def widened(whole: Plan, plan: Plan) -> Plan:
    """The whole suite, with the seeds asked for beside its own: a filter hides no row for good."""
    extra = {cell.labels: cell.seeds for cell in plan.cells}
    cells = [cell.with_seeds(tuple(sorted({*cell.seeds, *extra.get(cell.labels, ())}))) for cell in whole.cells]
    return replace(whole, cells=tuple(cells))


def _report(whole: SavedPlan, shown: SavedPlan, store: Store) -> int:
    from ganbench.analysis import tables
    from ganbench.report.text import formats

    folder = store.root / whole.suite
    formats.write_all(folder, whole, tables.build(whole, store))
    built = tables.build(shown, store)
    print_tables(shown, built)
    say(f"tables: {folder}/table.md, .csv, .tex, .json; runs: {store.runs}")
    if whole.rows != shown.rows:
        say("the saved tables hold the whole suite, with the seeds asked for here beside its own")
    ids = [id_ for row in shown.rows for id_ in row.runs.values()]
    failed = (id_ for id_ in ids if (found := store.run(id_)) is None or not found.ok)
    say(f"next: ganbench show {next(failed, ids[0])} --results {store.root}")
    complete = all(row.n_ok == row.n for table in built for row in table.rows)
    return 0 if complete else 1


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
