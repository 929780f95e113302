"""`ganbench doctor`: does this machine have everything that runs need?"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from ganbench.cli.options import plugin_option, results_option
from ganbench.engine import devices
from ganbench.errors import GanbenchError, describe_error
from ganbench.files import cache_folder
from ganbench.registry.discovery import HOOKS
from ganbench.registry.registry import Registry

NEEDED = 1 << 30


class Finding(NamedTuple):
    """One line: `ok`, a `note`, or `wrong` with what to do about it."""

    state: str
    text: str
    fix: str = ""


@click.command("doctor")
@plugin_option
@results_option
def command(plugins: tuple[Path, ...], results: Path) -> int:
    """Check this installation. Exit code: 0 everything is in order, 3 something is wrong."""
    findings = [*_software(), *_devices(), *_plugins(plugins), *_folders(results)]
    marks = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}
    for finding in findings:
        click.echo(f"{marks[finding.state]}  {finding.text}")
        if finding.fix:
            click.echo(f"       -> {finding.fix}")
    return 3 if any(finding.state == "wrong" for finding in findings) else 0


def _software() -> Iterator[Finding]:
    yield Finding("ok", f"Python {platform.python_version()} at {sys.executable}")
    for name in ("ganbench", "torch", "torchvision", "torch-fidelity", "numpy", "scikit-learn"):
        try:
            yield Finding("ok", f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            yield Finding("wrong", f"{name} is not installed", f"pip install {name}")


def _devices() -> Iterator[Finding]:
    try:
        import torch
        import torchvision
    except Exception as error:
        yield Finding(
            "wrong", f"torch or torchvision does not import: {error}", "reinstall both, versions that belong together"
        )
        return
    del torchvision
    yield Finding("ok", f"CPU with {os.cpu_count()} cores")
    missing = devices.missing_compiler()
    if missing:
        yield Finding("note", f"{missing}: long cells run uncompiled, two to three times slower")
    else:
        yield Finding("ok", "a C++ compiler: long cells are compiled")
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            yield Finding("ok", f"cuda:{index} {torch.cuda.get_device_name(index)}")
    else:
        yield Finding("note", "no CUDA GPU: image suites at 32 pixels and more will be slow")


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
        try:
            path = getattr(registry.create("extractor", registry.choose("extractor", name, {})), "path", None)
            lacking = path is not None and not path().is_file()
            where = path() if lacking and path is not None else ""
        except Exception as error:  # a third-party plugin may raise anything
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
