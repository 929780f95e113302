"""The software of a machine as far as results depend on it, and where that of a node differs from the driver's."""

from __future__ import annotations

import hashlib
import importlib.metadata
import pickle
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

from ganbench.errors import describe_error
from ganbench.registry.choice import Choice, Kind
from ganbench.registry.registry import Needed, Registry
from ganbench.results import provenance

Software = Mapping[str, str]
"""Versions and hashes by the name of what they belong to."""
Choices = tuple[tuple[Kind, Choice], ...]
SOURCES, PLUGINS = "the source code of ganbench", "its plugins"


def software(registry: Registry, choices: Choices) -> Software:
    """Python, the libraries, ganbench's own sources and those of the plugins, as they are on this machine."""
    found = libraries() | {f"plugin file {path}": version for path, version in registry.files.items()}
    for key, origin in provenance.plugins(registry, choices).items():
        found[f"plugin {key}"] = f"{origin.distribution} {origin.version} (source {origin.source})"
    return found


def libraries() -> dict[str, str]:
    """The versions of Python and of the libraries, and a hash of ganbench's own sources."""
    found = {"Python": platform.python_version()}
    found |= {name: importlib.metadata.version(name) for name in provenance.LIBRARIES}
    return found | {SOURCES: _hash_of(Path(provenance.__file__).parents[1])}


def _hash_of(folder: Path) -> str:
    content = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        content.update(f"{path.relative_to(folder).as_posix()}\n".encode() + path.read_bytes())
    return content.hexdigest()[:16]


def question(needed: Needed, choices: Choices) -> bytes:
    """What a node is asked, for `answer`."""
    return pickle.dumps((needed, choices))


def answer(asked: bytes) -> dict[str, str]:
    """The software of this node; what cannot be loaded here is named with the reason."""
    found = libraries()
    try:
        needed, choices = pickle.loads(asked)
        return found | dict(software(Registry.of(needed), choices))
    except Exception as error:  # another ganbench may not understand the question, and a plugin may raise anything
        return found | {PLUGINS: f"cannot be loaded: {describe_error(error)}"}


def differences(driver: Software, node: Software) -> list[str]:
    """What differs on a node, in words."""
    found = [
        f"{name} is {node.get(name, 'missing')} there and {version} here"
        for name, version in driver.items()
        if node.get(name) != version and (name in node or PLUGINS not in node)
    ]
    return found or ([f"{PLUGINS} {node[PLUGINS]}"] if PLUGINS in node else [])


def unique(pairs: Iterable[tuple[Kind, Choice]]) -> Choices:
    """Each plugin once."""
    return tuple({(kind, choice.name): (kind, choice) for kind, choice in pairs}.values())
