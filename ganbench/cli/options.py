"""Options that several commands share, and how a suite is found and laid out by them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.registry.registry import Registry
from ganbench.results.manifest import NAME as MANIFEST
from ganbench.results.store import Store
from ganbench.suite import expand
from ganbench.suite import load as suites
from ganbench.suite.plan_file import SavedPlan, load_plan, plan_to_save, save_plan
from ganbench.suite.specs import Plan

F = TypeVar("F", bound=Callable[..., Any])
RESERVED = ("runs", "references", "published")
AXES = tuple(suites.AXES.values())

results_option = click.option(
    "--results", type=click.Path(file_okay=False, path_type=Path), default=Path("results"), show_default=True,
    help="Folder of the results.",
)  # fmt: skip
plugin_option = click.option(
    "--plugin", "plugins", multiple=True, type=click.Path(path_type=Path), metavar="FILE.py",
    help="Load plugins from a file; can be repeated.",
)  # fmt: skip

metric_option = click.option(
    "--metric", "metrics", multiple=True, metavar="SCORE",
    help="With --search: this score instead of each data set's first; can be repeated.",
)  # fmt: skip


def suite_options(function: F) -> F:
    """--suite and what is laid over a suite: --set, --add, --plugin, --results."""
    options = (
        click.option("--suite", required=True, metavar="NAME|FILE", help="A suite's name, or a YAML file."),
        click.option(
            "--set", "sets", multiple=True, metavar="KEY=VALUE", help="Change a setting everywhere: train.steps=500."
        ),
        click.option(
            "--add", "adds", multiple=True, metavar="loss=NAME", help="Add a loss (or architecture=, dataset=)."
        ),
        plugin_option,
        results_option,
    )
    for option in reversed(options):
        function = option(function)
    return function


@dataclass(frozen=True)
class Asked:
    """A suite as asked for on the command line, and the registry that goes with it."""

    suite: suites.Suite
    registry: Registry
    digest: str

    def plan(self, seeds: tuple[int, ...] | None = None) -> Plan:
        return expand.expand(self.suite, self.registry, seeds)


def is_file(suite: str) -> bool:
    """Whether a suite is named by its file."""
    return suite.endswith((".yaml", ".yml")) or "/" in suite


def find_suite(
    name: str, sets: tuple[str, ...], adds: tuple[str, ...], plugins: tuple[Path, ...], weights: Path | None = None
) -> Asked:
    """The suite by name or path, with plugins loaded. Raises `UsageError`."""
    registry = Registry.load(plugins)
    if is_file(name):
        path, source = Path(name), name
        if not path.is_file():
            raise UsageError(f"no suite file {name!r}")
        taken = [offer.thing for offer in registry.offers("suite").get(path.stem, ())]
        if path.stem in RESERVED or (taken and path.resolve() not in [own.resolve() for own in taken]):
            what = "a folder of the results" if path.stem in RESERVED else "a suite that is installed"
            raise UsageError(f"suite file {name!r} has the name of {what}; its tables would mix: rename the file")
    else:
        trouble = registry.problem_with("suite", name)
        if trouble:
            raise UsageError(trouble)
        path, source = registry.find("suite", name).thing, name
    suite = suites.adjusted(suites.load(path, source), sets, adds, weights)
    if suite.plugins:
        registry = Registry.load([*plugins, *(file for file in suite.plugins)])
    digest = hashlib.sha256("\0".join([suite.digest, *sets, *adds, *registry.files.values()]).encode()).hexdigest()
    return Asked(suite, registry, digest)


def seeds(text: str | None) -> tuple[int, ...] | None:
    """`0-7`, `3`, `0,2,5-6` as numbers. Raises `UsageError`."""
    if text is None:
        return None
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if not match:
            raise UsageError(f"--seeds {text!r}: write 3, or 0-7, or 0,2,5-6")
        low, high = int(match[1]), int(match[2] or match[1])
        if high < low or high - low >= 100_000:
            raise UsageError(f"--seeds {text!r}: {low}-{high} is no range")
        found += range(low, high + 1)
    return tuple(dict.fromkeys(found))


def filters(texts: tuple[str, ...], plan: Plan) -> dict[str, tuple[str, ...]]:
    """`loss=minimax,dataset=ring8` as labels by kind; a repeated kind means either. Raises `UsageError`."""
    combinations = (*plan.cells, *plan.skipped)
    wanted: dict[str, tuple[str, ...]] = {}
    for text in ",".join(texts).split(",") if texts else ():
        kind, equals, name = (part.strip() for part in text.partition("="))
        if kind not in AXES or not equals:
            raise UsageError(f"--filter {text!r}: write {'=NAME, '.join(AXES)}=NAME")
        labels = {one.labels[AXES.index(kind)] for one in combinations}
        if not any(label.answers_to(name) for label in labels):
            known = sorted({label.text for label in labels})
            raise UsageError(f"--filter: the suite has no {kind} {name!r}{suggestion(name, known)}")
        wanted[kind] = (*wanted.get(kind, ()), name)
    return wanted


def started(suite: str, results: Path) -> SavedPlan:
    """The layout of a suite that has run in a results folder, by its name or its file. Raises `UsageError`."""
    name = Path(suite).stem if is_file(suite) else suite
    there = Store.existing(results).suites()
    if name not in there:
        raise UsageError(
            f"suite {name!r} has not run in {results}{suggestion(name, there)}; run it first, or name its folder with "
            "--results"
        )
    kept = load_plan(results, name)
    assert kept is not None
    return kept


def planned(
    suite: str, sets: tuple[str, ...], adds: tuple[str, ...], plugins: tuple[Path, ...], results: Path
) -> SavedPlan:
    """The last run's layout where the suite is named and nothing is laid over it, else a fresh one."""
    if not (is_file(suite) or sets or adds or plugins):
        kept = load_plan(results, suite)
        if kept is not None:
            return kept
    asked = find_suite(suite, sets, adds, plugins)
    kept = load_plan(results, asked.suite.name)
    if kept is not None and kept.digest == asked.digest:
        return kept
    content = plan_to_save(asked.plan(), asked.digest)
    if kept is None and not (results / MANIFEST).exists():  # what a manifest vouches for stays as it is
        save_plan(results, content)
    return content
