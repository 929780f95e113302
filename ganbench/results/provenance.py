"""Provenance of a result: plugins, libraries, machine, revision."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from ganbench.registry.choice import Choice, Kind, plugin_key
from ganbench.registry.registry import Registry
from ganbench.results.records import PluginOrigin, Provenance
from ganbench.suite.specs import PROTOCOL

LIBRARIES = ("ganbench", "torch", "torchvision", "torch-fidelity", "numpy")


def plugins(registry: Registry, choices: Iterable[tuple[Kind, Choice]]) -> dict[str, PluginOrigin]:
    """Each named plugin's distribution, version and source hash."""
    found = {}
    for kind, choice in choices:
        offer = registry.find(kind, choice.name)
        source = offer.source
        origin = PluginOrigin(source.distribution, source.version, choice.code, offer.source_hash())
        found[plugin_key(kind, choice.name)] = origin
    return found


@lru_cache
def machine() -> Provenance:
    """Versions of Python and libraries, processor, and the git revision of ganbench's own tree."""
    return Provenance(
        protocol=PROTOCOL,
        python=platform.python_version(),
        libraries={name: importlib.metadata.version(name) for name in LIBRARIES},
        platform=f"{platform.system()} {platform.machine()}",
        processor=processor(),
        cores=os.cpu_count(),
        revision=_revision(),
    )


def processor() -> str:
    """The processor's name from `/proc/cpuinfo`, or from Python elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def _revision() -> str | None:
    """The commit that ganbench runs from, with `+` if the tree has changes; None outside a checkout."""
    folder = Path(__file__).parents[2]
    if not (folder / ".git").exists():
        return None
    try:
        git = ["git", "-C", str(folder)]
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True)
        changed = subprocess.run(
            [*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return head.stdout.strip()[:12] + ("+" if changed.stdout.strip() else "")
