"""Which suite is meant: found by name or file, with plugins loaded, settings changed and its plan made."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ganbench.errors import UsageError
from ganbench.formatting import suggestion
from ganbench.registry.registry import Registry
from ganbench.results.manifest import NAME as MANIFEST
from ganbench.results.store import Store
from ganbench.suite import expand
from ganbench.suite import load as suites
from ganbench.suite.contents import Contents
from ganbench.suite.labels import picked
from ganbench.suite.plan_file import SavedPlan, load_plan, plan_to_save, save_plan
from ganbench.suite.plan_union import united
from ganbench.suite.specs import Plan

RESERVED = ("runs", "references", "published")
"""Folders of the results, so no names of suites."""
AXES = tuple(suites.AXES.values())
MAX_SEEDS = 100_000


@dataclass(frozen=True)
class SuiteRequest:
    """A suite's name or YAML file, and the changes that were asked for.

    `sets` are texts such as `train.steps=500`, `adds` such as `loss=hinge`; `weights` is a weight
    file for every extractor that takes one.
    """

    suite: str
    sets: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    plugins: tuple[Path, ...] = ()
    weights: Path | None = None

    @property
    def unchanged(self) -> bool:
        """Whether the suite is named and nothing about it is changed."""
        return not (is_file(self.suite) or self.sets or self.adds or self.plugins)


@dataclass(frozen=True)
class ResolvedSuite:
    """A suite with its changes, the registry that goes with it, and a digest of everything that shapes its plan."""

    suite: suites.Suite
    registry: Registry
    digest: str

    def expanded(self, seeds: tuple[int, ...] | None = None) -> Plan:
        """The expanded suite, with other seeds if some are given; its ids are those without the data's content."""
        return expand.expand(self.suite, self.registry, seeds)

    @cached_property
    def contents(self) -> Contents:
        """The fingerprints of the suite's data, each computed once."""
        return Contents(self.registry)

    def plan(self, seeds: tuple[int, ...] | None = None) -> Plan:
        """The expanded suite with its final ids. Raises `MissingError` if data are not there."""
        return self.contents.filled(self.expanded(seeds))


def is_file(suite: str) -> bool:
    """Whether a suite is given by its file rather than by its name."""
    return suite.endswith((".yaml", ".yml")) or "/" in suite


def suite_name(suite: str) -> str:
    """The name of a suite that is given by name or by file."""
    return Path(suite).stem if is_file(suite) else suite


def resolve(request: SuiteRequest) -> ResolvedSuite:
    """Find the suite and load all plugins, the suite's own included. Raises `UsageError`."""
    registry = Registry.load(request.plugins)
    if is_file(request.suite):
        path = _suite_file(request.suite, registry)
    else:
        problem = registry.problem_with("suite", request.suite)
        if problem:
            raise UsageError(problem)
        path = registry.find("suite", request.suite).thing
    suite = suites.adjusted(suites.load(path, request.suite), request.sets, request.adds, request.weights)
    registry = registry.extended(suite.plugins)
    parts = [suite.digest, *request.sets, *request.adds, *registry.files.values()]
    return ResolvedSuite(suite, registry, hashlib.sha256("\0".join(parts).encode()).hexdigest())


def _suite_file(name: str, registry: Registry) -> Path:
    """A suite file whose name is not taken. Raises `UsageError`."""
    path = Path(name)
    if not path.is_file():
        raise UsageError(f"no suite file {name!r}")
    installed = [offer.thing.resolve() for offer in registry.offers("suite").get(path.stem, ())]
    if path.stem in RESERVED or (installed and path.resolve() not in installed):
        what = "a folder of the results" if path.stem in RESERVED else "an installed suite"
        raise UsageError(f"suite file {name!r} has the name of {what}; its tables would mix: rename the file")
    return path


def parse_seeds(text: str) -> tuple[int, ...]:
    """`0-7`, `3`, `0,2,5-6` as numbers. Raises `UsageError`."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if not match:
            raise UsageError(f"--seeds {text!r}: write 3, or 0-7, or 0,2,5-6")
        low, high = int(match[1]), int(match[2] or match[1])
        if high < low or high - low >= MAX_SEEDS:
            raise UsageError(f"--seeds {text!r}: {low}-{high} is not a range")
        found += range(low, high + 1)
    return tuple(dict.fromkeys(found))


def _split(text: str) -> list[str]:
    """The parts of a filter, at commas before `KIND=`; others are part of a name: `r1(gamma=2, every=4)`."""
    parts: list[str] = []
    for part in text.split(","):
        inside = bool(parts) and ("=" not in part or parts[-1].count("(") > parts[-1].count(")"))
        parts[-1:] = [f"{parts[-1]},{part}"] if inside else [*parts[-1:], part]
    return parts


def parse_filters(texts: Iterable[str], plan: Plan) -> dict[str, tuple[str, ...]]:
    """`loss=minimax,dataset=ring8` as names by kind; a repeated kind means either. Raises `UsageError`."""
    combinations = (*plan.cells, *plan.skipped)
    wanted: dict[str, tuple[str, ...]] = {}
    for text in (part for given in texts for part in _split(given)):
        kind, equals, name = (part.strip() for part in text.partition("="))
        if kind not in AXES or not equals:
            raise UsageError(f"--filter {text!r}: write {'=NAME, '.join(AXES)}=NAME")
        labels = {one.labels[AXES.index(kind)] for one in combinations}
        if not picked(labels, name):
            known = sorted({label.text for label in labels})
            raise UsageError(f"--filter: the suite has no {kind} {name!r}{suggestion(name, known)}")
        wanted[kind] = (*wanted.get(kind, ()), name)
    return wanted


def saved_plan(results: Path, suite: str | None = None) -> SavedPlan:
    """The saved plan of a suite, given by name or file, that has run in a results folder.

    Without a suite, the only one that has run there. Raises `UsageError` if there is no such suite
    or more than one, `ResultsError` if the plan is damaged.
    """
    there = Store.existing(results).suites()
    if suite is None and len(there) != 1:
        if not there:
            raise UsageError(f"{results} holds no suite; is it a results folder?")
        raise UsageError(f"{results} holds the suites {', '.join(there)}; name one with --suite")
    name = there[0] if suite is None else suite_name(suite)
    if name not in there:
        raise UsageError(
            f"suite {name!r} has not run in {results}; run it first, or name its folder with --results"
            f"{suggestion(name, there)}"
        )
    plan = load_plan(results, name)
    assert plan is not None
    return plan


def current_plan(request: SuiteRequest, results: Path) -> SavedPlan:
    """The plan of a suite in a results folder; if it has not run as asked for, with what is asked for.

    A first plan is saved, except beside a manifest, which lists every file of its folder.
    """
    if request.unchanged and (saved := load_plan(results, request.suite)) is not None:
        return saved
    resolved = resolve(request)
    saved = load_plan(results, resolved.suite.name)
    if saved is not None and saved.digest == resolved.digest:
        return saved
    plan = united(plan_to_save(resolved.plan(), resolved.digest), saved)
    if saved is None and not (results / MANIFEST).exists():
        save_plan(results, plan)
    return plan
