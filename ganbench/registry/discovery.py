"""Finds plugins in entry points and in files named by the user, each loaded in isolation."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import inspect
import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from ganbench.errors import PLUGIN_ERRORS, ContractError, UsageError
from ganbench.formatting import suggestion
from ganbench.registry import effects, hookspecs
from ganbench.registry.choice import Kind
from ganbench.registry.loading import load_file
from ganbench.registry.local_modules import GROUP, file_hash

DISABLE = "GANBENCH_DISABLE"

HOOKS: dict[Kind, str] = {
    "loss": "register_losses",
    "transform": "register_transforms",
    "architecture": "register_architectures",
    "dataset": "register_datasets",
    "extractor": "register_extractors",
    "metric": "register_metrics",
    "suite": "register_suites",
    "published": "register_published",
    "tracker": "register_trackers",
}

FILES: tuple[Kind, ...] = ("suite", "published")
"""Kinds whose plugins are files, not classes."""

REQUIRED: dict[Kind, tuple[str, ...]] = {
    "loss": (),
    "transform": ("__call__",),
    "architecture": ("latent", "generator", "discriminator", "supports"),
    "dataset": ("shape", "modes", "extractor", "metrics", "load"),
    "extractor": ("dims", "canonical", "gives", "fingerprint", "open"),
    "metric": ("better", "uses_extractor", "__call__"),
    "suite": (),
    "published": (),
    "tracker": ("on_signals", "on_record", "close"),
}
PART_METHODS = ("d_loss", "g_loss", "project")
"""The methods of a part of a loss, of which it has at least one."""


@dataclasses.dataclass(frozen=True)
class Source:
    """An origin of plugins: an entry point of a distribution, or a file.

    The version of a file is its hash when it was loaded, together with the local modules that it imports;
    `modules` are their files by name.
    """

    name: str
    distribution: str
    version: str
    module: ModuleType | None = None
    file: Path | None = None
    modules: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    error: str = ""

    def __str__(self) -> str:
        return str(self.file) if self.file else f"{self.distribution} {self.version}"


@dataclasses.dataclass(frozen=True)
class Offer:
    """One plugin of a source: a class, or the path of a suite or of published values."""

    kind: Kind
    name: str
    thing: Any
    source: Source

    @property
    def about(self) -> str:
        """The first sentence of the docstring, on one line."""
        doc = inspect.getdoc(self.thing) if inspect.isclass(self.thing) else ""
        generated = doc and doc.startswith(f"{self.thing.__name__}(")
        return "" if not doc or generated else " ".join(doc.split("\n\n")[0].split())

    def fields(self) -> dict[str, dataclasses.Field[object]]:
        if not dataclasses.is_dataclass(self.thing):
            return {}
        return {field.name: field for field in dataclasses.fields(self.thing) if field.init}

    def defaults(self) -> dict[str, object]:
        """Hyperparameters with their defaults."""
        return {name: _default(field) for name, field in self.fields().items()}

    def locations(self) -> frozenset[str]:
        """The names of the hyperparameters that say where data are, which are not part of a run's id."""
        return frozenset(name for name, one in self.fields().items() if not one.metadata.get("identity", True))

    @property
    def code(self) -> str:
        """The version of the code that a run's id depends on.

        The hash of a local file and the local modules that it imports (edit one and its runs are new
        runs); of an installed plugin, the `version` that its class declares or inherits, else its
        distribution's.
        """
        if self.source.file:
            return self.source.version
        declared = getattr(self.thing, "version", None) if "version" not in self.fields() else None
        return self.source.version if declared is None else str(declared)

    @property
    def references(self) -> tuple[str, ...]:
        """What to cite for the plugin: its class attribute `reference`, a text or several."""
        found = getattr(self.thing, "reference", ()) if "reference" not in self.fields() else ()
        texts = (found,) if isinstance(found, str) else found if isinstance(found, tuple | list) else ()
        return tuple(text for text in map(str, texts) if text.strip())

    def source_hash(self) -> str:
        """SHA-256 of the file that defines the plugin, 12 hex digits; of a local file, with its local modules."""
        file = self.thing if isinstance(self.thing, Path) else inspect.getsourcefile(self.thing)
        if file and Path(file).resolve() in (self.source.file, *self.source.modules.values()):
            return self.source.version
        return file_hash(Path(file)) if file else ""


def _default(field: dataclasses.Field[object]) -> object:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return dataclasses.MISSING


def entry_points(wanted: Collection[str] | None = None) -> list[Source]:
    """All installed entry points, or those of the names given, as sources. A broken one has its error.

    Distributions in `$GANBENCH_DISABLE` are left out.
    """
    sources = []
    for point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda point: (point.value, point.name)):
        distribution = point.dist.name if point.dist else "unknown"
        version = point.dist.version if point.dist else "0"
        if distribution in disabled():
            continue
        name = f"{distribution}:{point.name}"
        if wanted is not None and name not in wanted:
            continue
        try:
            with effects.noted():
                module = point.load()
            error = _misspelt(module)
        except PLUGIN_ERRORS as failure:  # a third-party module may raise anything
            module, error = None, f"{type(failure).__name__}: {failure}"
        sources.append(Source(name, distribution, version, module, error=error))
    return sources


def from_file(path: Path) -> Source:
    """A local plugin file. Raises `UsageError` if it cannot be loaded or registers nothing."""
    path = path.resolve()
    if not path.is_file():
        raise UsageError(f"plugin {str(path)!r} is not a file")
    if path.suffix != ".py":
        raise UsageError(f"plugin {path} is not a Python file; its name must end in .py")
    loaded = load_file(path)
    error_text = _misspelt(loaded.module)
    if error_text:
        raise UsageError(f"plugin {path}: {error_text}")
    return Source(str(path), path.name, loaded.version, loaded.module, path, loaded.modules)


def _misspelt(module: ModuleType) -> str:
    """The error in a module's hooks, or an empty string."""
    known = list(HOOKS.values())
    marked = [name for name, value in vars(module).items() if hasattr(value, "ganbench_impl")]
    for name in marked:
        if name not in known:
            return f"unknown hook {name!r}{suggestion(name, known)}"
    unmarked = [name for name in known if name not in marked and callable(getattr(module, name, None))]
    if unmarked:
        return f"{unmarked[0]!r} is not marked with @hookimpl"
    return "" if marked else "it registers no plugins: define a hook such as register_losses and mark it with @hookimpl"


def registered(source: Source, kind: Kind) -> dict[object, object]:
    """What the hook of one kind returns, unchecked; empty if the source has no such hook. Raises `ContractError`.

    Each source has its own plugin manager, so that every plugin is known to come from it.
    """
    manager = pluggy.PluginManager("ganbench")
    manager.add_hookspecs(hookspecs)
    manager.register(source.module)
    things: dict[object, object] = {}
    for mapping in getattr(manager.hook, HOOKS[kind])():
        if not isinstance(mapping, Mapping):
            raise ContractError(
                f"{HOOKS[kind]} must return a mapping from names to plugins, got {type(mapping).__name__}"
            )
        things.update(mapping)
    return things


def offered(source: Source, kind: Kind) -> list[Offer]:
    """The plugins of one kind that a source registers. Raises `ContractError` with the first fault of one.

    Those that `$GANBENCH_DISABLE` names are left out.
    """
    things = registered(source, kind)
    for name, thing in things.items():
        for _, text in wrong_form(kind, name, thing):
            raise ContractError(text)
    hidden = {name for name in things if f"{source.distribution}:{kind}:{name}" in disabled()}
    return [Offer(kind, str(name), thing, source) for name, thing in things.items() if name not in hidden]


def disabled() -> frozenset[str]:
    """What `$GANBENCH_DISABLE` names: distributions, and single plugins as DISTRIBUTION:KIND:NAME."""
    return frozenset(name.strip() for name in os.environ.get(DISABLE, "").split(","))


def is_plugin_name(name: object) -> bool:
    """Whether a plugin may have this name."""
    return isinstance(name, str) and bool(name) and all(char.isalnum() or char in "-_." for char in name)


def wrong_form(kind: Kind, name: object, thing: object) -> Iterator[tuple[str, str]]:
    """What a plugin breaks of the part of the contract that does not require running it: rules and sentences."""
    if not is_plugin_name(name):
        yield "name", f"the name of a {kind} may contain only letters, digits, '-', '_' and '.', got {name!r}"
    if kind in FILES:
        if not isinstance(thing, Path):
            yield "class", f"{kind} {name!r} must be a pathlib.Path, got {type(thing).__name__}"
        return
    if not inspect.isclass(thing):
        yield "class", f"{kind} {name!r} must be a class, got {type(thing).__name__}"
        return
    if not dataclasses.is_dataclass(thing) and thing.__init__ is not object.__init__:
        how = "make it a @dataclass(frozen=True), whose fields are its hyperparameters"
        yield "class", f"{kind} {name!r} takes arguments; {how}"
    fields = dataclasses.fields(thing) if dataclasses.is_dataclass(thing) else ()
    for field in fields:
        default = _default(field)
        try:
            json.dumps(None if default is dataclasses.MISSING else default, allow_nan=False)
        except (TypeError, ValueError):
            yield (
                "hyperparameter",
                f"{kind} {name!r}: the default of {field.name} is {default!r}; "
                "a hyperparameter must be a finite number, a string, a boolean or a tuple of these",
            )
    own = {field.name for field in fields}
    lacking = [part for part in REQUIRED[kind] if part not in own and not hasattr(thing, part)]
    if lacking:
        yield "members", f"{kind} {name!r} is missing {', '.join(lacking)}"
    if kind == "loss" and not any(hasattr(thing, part) for part in PART_METHODS):
        yield "members", f"loss {name!r} has none of {', '.join(PART_METHODS)}: it adds nothing to a loss"
