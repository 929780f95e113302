"""`ganbench run --search N` and `ganbench table --search`: random draws, and the table of sensitivity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from ganbench.cli.options import Asked, filters, is_file, seeds
from ganbench.cli.run_command import carry_out, say, widened
from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.results.store import Store
from ganbench.suite import search
from ganbench.suite.load import named
from ganbench.suite.plan_file import plan_to_save
from ganbench.suite.search import Drawn, SavedSearch
from ganbench.suite.specs import Plan

if TYPE_CHECKING:
    from ganbench.analysis.sensitivity import Sensitivity


def run(asked: Asked, options: dict[str, Any]) -> int:
    """Train what is missing of every draw, write and print the table of sensitivity."""
    whole = search.draws(asked.suite, asked.registry, options["search"])
    own = seeds(options["seed_text"])
    drawn = [_narrowed(one, own, options["wanted"]) for one in whole]
    plan = search.merged(drawn)
    if not plan.cells:
        reasons = "; ".join(sorted({skip.reason for skip in plan.skipped})) or "the filter leaves nothing"
        raise UsageError(f"suite {plan.suite!r} has nothing to train here: {reasons}")
    _check_metrics(options["metrics"], plan, asked)
    store = Store(options["results"])
    if options["dry_run"]:
        _print_plan(drawn, plan, store, options["force"])
        return 0
    wide = [replace(one, plan=widened(one.plan, part.plan)) for one, part in zip(whole, drawn, strict=True)]
    content = search.search_to_save(wide, asked.digest)
    search.save_search(store.root, content)  # before training, so that a table can be had on the way
    carry_out(plan, asked, store, options, plan_to_save(search.merged(wide), asked.digest))
    _report(content, search.search_to_save(drawn, asked.digest), store, options["metrics"])
    ids = [cell.run(seed).id for cell in plan.cells for seed in cell.seeds]
    return 0 if all((found := store.run(id_)) is not None and found.ok for id_ in ids) else 1


def _check_metrics(metrics: Sequence[str], plan: Plan, asked: Asked) -> None:
    """Raise `UsageError` for a score that no metric of the plan gives, before anything trains."""
    evaluations = [cell.spec.evaluation for cell in plan.cells]
    made = [(asked.registry.create("metric", choice), e.extractor.name) for e in evaluations for choice in e.metrics]
    known = {name for metric, judge in made for score in metric.better for name in (score, f"{score}[{judge}]")}
    for name in metrics:
        if name not in known:
            raise UsageError(f"--metric: no score {name!r} in this suite{suggestion(name, sorted(known))}")


def _narrowed(drawn: Drawn, own: tuple[int, ...] | None, wanted: tuple[str, ...]) -> Drawn:
    """A draw's plan with the seeds and the variants asked for."""
    plan = drawn.plan
    if own:
        plan = replace(plan, cells=tuple(cell.with_seeds(own) for cell in plan.cells))
    return replace(drawn, plan=plan.filtered(filters(wanted, plan)))


def _print_plan(drawn: Sequence[Drawn], plan: Plan, store: Store, force: bool) -> None:
    from ganbench.runner.plan_summary import plan_text

    click.echo(plan_text(plan, store, force), nl=False)
    click.echo("\n" + "\n".join(f"{one.title}: {search.settings_text(one.settings())}" for one in drawn[1:]))


def _report(whole: SavedSearch, shown: SavedSearch, store: Store, metrics: tuple[str, ...]) -> None:
    from ganbench.analysis import sensitivity
    from ganbench.report.text import search as search_table

    folder = store.root / whole.suite
    search_table.write_all(folder, whole, sensitivity.build(whole, store, metrics))
    _print(shown, sensitivity.build(shown, store, metrics))
    say(f"tables: {folder}/search.md, .csv, .json; runs: {store.runs}")


def _print(content: SavedSearch, tables: list[Sensitivity]) -> None:
    from ganbench.report.text import search as search_table

    console = Console()
    if console.is_terminal:
        search_table.show(console, content, tables)
    else:
        click.echo(search_table.markdown(content, tables), nl=False)


def table(suite: str, sets: tuple[str, ...], results: Path, metrics: tuple[str, ...], form: str) -> int:
    """Print and write the table of the suite's last search in this folder, from records alone."""
    from ganbench.analysis import sensitivity
    from ganbench.report.text import search as search_table

    if form not in ("terminal", *search_table.FORMATS):
        raise UsageError(f"--search prints {', '.join(search_table.FORMATS)}, not {form}")
    name = search.search_name(named(Path(suite).stem if is_file(suite) else suite, sets))
    content = search.load_search(results, name)
    if content is None:
        raise UsageError(
            f"no search {name!r} in {str(results)!r}; 'ganbench run --suite {suite} --search 10' makes one"
        )
    tables = sensitivity.build(content, Store(results), metrics)
    search_table.write_all(results / name, content, tables)
    if form == "terminal":
        _print(content, tables)
    else:
        click.echo(search_table.FORMATS[form][1](content, tables), nl=False)
    return 0
