"""`ganbench doctor`: does this machine have everything that runs need?"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import MISSING, asdict
from pathlib import Path

import click

from ganbench.cli.doctor_devices import Devices, Finding, inspected
from ganbench.cli.options import plugin_option, results_option
from ganbench.errors import PLUGIN_ERRORS, GanbenchError, MissingError, describe_error
from ganbench.files import KEPT, cache_folder, programs_folder
from ganbench.registry.discovery import HOOKS
from ganbench.registry.registry import Registry

NEEDED = 1 << 30
MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


@click.command("doctor")
@plugin_option
@results_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--trial/--no-trial", default=True, show_default=True, help="Train ten steps on every device.")
def command(plugins: tuple[Path, ...], results: Path, form: str, trial: bool) -> int:
    """Check this installation. Exit code: 0 everything is in order, 3 something is wrong.

    Ten steps are trained on every device, once as a short cell runs and once compiled. The first time this takes up to
    a minute per device, later some seconds.
    """
    found = inspected(trial)
    findings = [*_software(), *found.findings, *_plugins(plugins), *_folders(results)]
    if form == "json":
        click.echo(_json(findings, found))
    else:
        for finding in findings:
            click.echo(f"{MARKS[finding.state]}  {finding.text}")
            if finding.fix:
                click.echo(f"       -> {finding.fix}")
    return 3 if any(finding.state == "wrong" for finding in findings) else 0


def _json(findings: list[Finding], found: Devices) -> str:
    content = {
        "ok": all(finding.state != "wrong" for finding in findings),
        "findings": [finding._asdict() for finding in findings],
        "cards": [asdict(card) for card in found.cards],
        "trials": {device: [asdict(one) for one in tried] for device, tried in found.trials.items()},
    }
    return json.dumps(content, indent=1)


def _software() -> Iterator[Finding]:
    yield Finding("ok", f"Python {platform.python_version()} at {sys.executable}")
    for name in ("ganbench", "torch", "torchvision", "torch-fidelity", "numpy", "scikit-learn"):
        try:
            yield Finding("ok", f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            yield Finding("wrong", f"{name} is not installed", f"pip install {name}")


def _plugins(files: tuple[Path, ...]) -> Iterator[Finding]:
    try:
        registry = Registry.load(files)
    except GanbenchError as error:
        yield Finding("wrong", str(error), "fix the file")
        return
    broken = registry.broken()
    for name, why in broken.items():
        distribution = name.split(":")[0]
        fix = f"fix or uninstall it, or set GANBENCH_DISABLE={distribution} to ignore this distribution"
        yield Finding("wrong", f"plugin {name}: {why}", fix)
    for kind in HOOKS:
        names = registry.names(kind)
        yield (
            Finding("ok", f"{kind}: {', '.join(names)}")
            if names
            else Finding("wrong", f"no {kind} is registered", "reinstall ganbench")
        )
        for name in names:
            if len(registry.offers(kind)[name]) > 1:
                yield Finding("wrong", str(registry.problem_with(kind, name)), "nothing else is affected")
    yield from _extractors(registry)


def _extractors(registry: Registry) -> Iterator[Finding]:
    """Whether each extractor's weights are on this machine; missing ones are downloaded on first use."""
    for name in registry.names("extractor"):
        if registry.problem_with("extractor", name):
            continue
        needed = [key for key, value in registry.find("extractor", name).defaults().items() if value is MISSING]
        if needed:
            yield Finding("note", f"extractor {name}: for a suite that gives its {' and '.join(needed)}")
            continue
        try:
            path = getattr(registry.create("extractor", registry.choose("extractor", name, {})), "path", None)
            lacking = path is not None and not path().is_file()
            where = path() if lacking and path is not None else ""
        except MissingError as error:
            yield Finding("note", f"extractor {name}: {error}")
            continue
        except PLUGIN_ERRORS as error:  # a third-party plugin may raise anything
            said = str(error) if isinstance(error, GanbenchError) else describe_error(error)
            yield Finding("wrong", f"extractor {name}: {said}", f"ganbench check extractor:{name}")
            continue
        if lacking:
            said = f"no weights at {where}; they are downloaded on first use, or pass --weights PATH"
            yield Finding("note", f"extractor {name}: {said}")
        else:
            yield Finding("ok", f"extractor {name}: ready")


def _folders(results: Path) -> Iterator[Finding]:
    for what, folder in (("results", results), ("cache", cache_folder())):
        place = folder.absolute()
        while not place.exists():
            place = place.parent
        try:
            with tempfile.TemporaryFile(dir=place):
                free = shutil.disk_usage(place).free
        except OSError as error:
            yield Finding(
                "wrong", f"{what} folder {folder} cannot be written: {error.strerror}", "choose another folder"
            )
            continue
        if free < NEEDED:
            yield Finding("wrong", f"{what} folder {folder}: only {free >> 20} MiB free", "free at least 1 GiB")
        else:
            yield Finding("ok", f"{what} folder {folder}: {free >> 30} GiB free")
    yield _programs()


def _programs() -> Finding:
    """How many compiled programs are kept, and how they are removed."""
    folder = programs_folder()
    try:
        sizes = [path.stat().st_size for path in (folder / KEPT).glob("*.zip")]
    except OSError as error:
        return Finding("note", f"compiled programs in {folder} cannot be read: {error.strerror}")
    if not sizes:
        return Finding("ok", f"compiled programs: none in {folder}")
    size = f"{len(sizes)}, {-(-sum(sizes) >> 20)} MiB"
    return Finding("ok", f"compiled programs: {size} in {folder}; delete the folder to compile anew")
