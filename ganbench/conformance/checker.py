"""Checks whole sources: every plugin of a file, plugins by name, or everything that is installed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ganbench.conformance.architectures import architecture_findings
from ganbench.conformance.datasets import dataset_findings
from ganbench.conformance.extractors import extractor_findings, missing, suited, suited_if_there
from ganbench.conformance.findings import Collector, Finding, Report
from ganbench.conformance.losses import loss_findings
from ganbench.conformance.members import form_findings, member_findings, network_findings
from ganbench.conformance.metrics import metric_findings
from ganbench.conformance.paths import paths_of
from ganbench.conformance.trackers import tracker_findings
from ganbench.conformance.transforms import transform_findings
from ganbench.errors import PLUGIN_ERRORS, ContractError, GanbenchError, MissingError, UsageError, describe_error
from ganbench.formatting import suggestion
from ganbench.registry import effects
from ganbench.registry.choice import Kind
from ganbench.registry.discovery import HOOKS, Offer, Source, entry_points, from_file, registered
from ganbench.registry.hookspecs import hookimpl
from ganbench.registry.registry import Registry
from ganbench.results import literature
from ganbench.suite.expand import expand
from ganbench.suite.load import load

PATHS: tuple[Kind, ...] = ("loss", "transform", "architecture")
"""The kinds that decide how a step is run."""


def check_source(path: Path, with_paths: bool = False) -> list[Report]:
    """Check every plugin of a file, or a suite's YAML file; a file that cannot be loaded is one report."""
    if path.suffix in (".yaml", ".yml"):
        return [Report(str(path), "suite", path.stem, _suite(path, Registry.load()))]
    try:
        source = from_file(path)
    except GanbenchError as error:
        text = str(error).removeprefix(f"plugin {path.resolve()}: ")
        return [Report(str(path), findings=[Finding("loads", text, _how_it_loads(text))])]
    reports, sound = _forms(source)
    others = [one for one in entry_points() if getattr(one.module, "__file__", None) != str(source.file)]
    registry = Registry([*others, sound])  # without the file itself, if it is installed too
    own = [
        offer for kind in HOOKS for same in registry.offers(kind).values() for offer in same if offer.source == sound
    ]
    for offer in own:
        report = check_offer(offer, registry, with_paths)
        for other in registry.offers(offer.kind)[offer.name]:
            if other.source != sound:
                seen = f"{other.source} offers {offer.kind} {offer.name!r} too"
                report.findings.append(Finding("clash", seen, "rename yours in the hook"))
        reports.append(report)
    if not reports:
        reports.append(Report(str(path), findings=[Finding("hook", "its hooks offer nothing", "return {name: class}")]))
    return reports


def _how_it_loads(text: str) -> str:
    if "mutable default" in text:
        return "a hyperparameter is a number, a string, a boolean or a tuple of these: write a tuple"
    return "nothing of it is checked before it can be loaded"


def _forms(source: Source) -> tuple[list[Report], Source]:
    """The reports of plugins that cannot be used at all, and a source of the others."""
    reports, sound = [], ModuleType("sound")
    for kind, hook in HOOKS.items():
        try:
            with effects.noted():
                things = registered(source, kind)
        except PLUGIN_ERRORS as error:  # a third-party hook may raise anything
            said = str(error) if isinstance(error, ContractError) else f"{hook} raised {describe_error(error)}"
            reports.append(Report(str(source.file), findings=[Finding("hook", said, "return {name: class}")]))
            continue
        kept = {}
        for name, thing in things.items():
            found = form_findings(kind, name, thing)
            if found:
                reports.append(Report(str(source.file), kind, str(name), found))
            else:
                kept[name] = thing
        if kept:
            setattr(sound, hook, hookimpl(_hook(kept)))
    return reports, dataclasses.replace(source, module=sound)


def _hook(things: Mapping[object, object]) -> Callable[[], Mapping[object, object]]:
    def hook() -> Mapping[object, object]:
        return things

    return hook


def check_named(words: Iterable[str], registry: Registry, with_paths: bool = False) -> list[Report]:
    """Check plugins by name, `NAME` or `KIND:NAME`. Raises `UsageError` for unknown and ambiguous names."""
    return [check_offer(offer, registry, with_paths) for offer in [_named(word, registry) for word in words]]


def _named(word: str, registry: Registry) -> Offer:
    wanted, colon, name = word.rpartition(":")
    kinds = [kind for kind in HOOKS if not colon or kind == wanted]
    if not kinds:
        raise UsageError(f"there is no kind {wanted!r}{suggestion(wanted, list(HOOKS))}")
    having = [kind for kind in kinds if name in registry.names(kind)]
    if len(having) > 1:
        shown = " or ".join(f"{kind}:{name}" for kind in having)
        raise UsageError(f"{name!r} names plugins of {len(having)} kinds; write {shown}")
    if not having:
        known = sorted({one for kind in kinds for one in registry.names(kind)})
        raise UsageError(f"there is no plugin {word!r}, and no such file{suggestion(name, known)}")
    return registry.find(having[0], name)


def check_installed(registry: Registry, with_paths: bool = False) -> Iterator[Report]:
    """Check everything that is installed, one plugin after the other; what is broken is one report each."""
    for name, why in registry.broken().items():
        yield Report(name, findings=[Finding("loads", why, f"fix it, or uninstall {name.partition(':')[0]}")])
    for kind in HOOKS:
        for name in registry.names(kind):
            trouble = registry.problem_with(kind, name)
            if trouble:
                yield Report("", kind, name, [Finding("clash", trouble)])
            else:
                yield check_offer(registry.find(kind, name), registry, with_paths)


def check_offer(offer: Offer, registry: Registry, with_paths: bool = False) -> Report:
    """Check one plugin with its default hyperparameters; `with_paths`, which takes seconds, finds its paths too."""
    report = Report(str(offer.source), offer.kind, offer.name, list(member_findings(offer)))
    found = Collector()
    try:
        with effects.noted(), found.catching(f"{offer.kind} {offer.name!r}"):
            unset = [key for key, value in offer.defaults().items() if value is dataclasses.MISSING]
            if unset:
                report.unchecked = f"{unset[0]} has no default: its methods are not called"
            else:
                found.extend(_checked(offer, registry))
                if (
                    with_paths
                    and offer.kind in PATHS
                    and not any(finding.level == "fault" for finding in found.findings)
                ):
                    report.paths = paths_of(offer.kind, offer.thing(**offer.defaults()), found)
    except MissingError as error:
        report.unchecked = str(error)
    report.findings += [finding for finding in found.findings if finding not in report.findings]
    return report


def _checked(offer: Offer, registry: Registry) -> list[Finding]:
    """The findings of a plugin's own kind. Raises `MissingError` if something is not on this machine."""
    if offer.kind in ("suite", "published"):
        return _file(offer, registry)
    made: Any = offer.thing(**offer.defaults())
    return [*network_findings(offer.kind, made), *_own_findings(offer, made, registry)]


def _own_findings(offer: Offer, made: Any, registry: Registry) -> list[Finding]:
    match offer.kind:
        case "loss":
            return loss_findings(made)
        case "transform":
            return transform_findings(made)
        case "architecture":
            return architecture_findings(made)
        case "dataset":
            getattr(made, "prepare", lambda: None)()
            return dataset_findings(made, registry, offer.name)
        case "extractor":
            lacks = missing(made)
            if lacks is not None:
                raise MissingError(lacks)
            dataset = suited(registry, made)
            absent = None if dataset else suited_if_there(registry, made)
            if absent:
                raise MissingError(f"it reads dataset {absent!r}, whose data are not on this machine")
            if dataset is None:
                fix = "let supports return None for what it can read, or call testing.check_extractor with a dataset"
                return [Finding("supports", "it supports no dataset on this machine", fix)]
            return extractor_findings(made, dataset)
        case "metric":
            return metric_findings(made, offer.name, registry)
        case _:
            return tracker_findings(made)


def _file(offer: Offer, registry: Registry) -> list[Finding]:
    """The problems of a suite or of published values, with their lines."""
    if offer.kind == "suite":
        return _suite(offer.thing, registry)
    try:
        literature.load(offer.thing)
    except GanbenchError as error:
        return [Finding("file", line) for line in str(error).splitlines()]
    return []


def _suite(path: Path, registry: Registry) -> list[Finding]:
    """The problems of a suite with their lines, and those of its product with the plugins that are there."""
    try:
        suite = load(path)
        expand(suite, registry.extended(suite.plugins))
    except GanbenchError as error:
        return [Finding("file", line) for line in str(error).splitlines()]
    return []
