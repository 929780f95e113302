"""Loads a plugin file as a module of its folder, together with the local modules that it imports."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

from ganbench.errors import PLUGIN_ERRORS, UsageError, describe_error
from ganbench.registry import effects
from ganbench.registry.local_modules import OWN, code_hash, file_hash, local_modules

HOW_TWO = (
    "A plugin of several files keeps them in one folder and imports them with 'from . import helper' or 'import "
    "helper'; the code of a package is imported by the package's full name"
)


@dataclass(frozen=True)
class LoadedFile:
    """A plugin file's module, its local modules' files by name, and the hash of all of them."""

    module: ModuleType
    modules: Mapping[str, Path]
    version: str


_loaded: dict[str, tuple[Path, str, Path]] = {}
"""The local modules in this process that plugin files imported: file, its hash then, and the plugin file."""


class _Uncached(SourceFileLoader):
    """Compiles the source itself: cached bytecode may be older than the file, and the hash is the file's."""

    def path_stats(self, path: str) -> Mapping[str, float]:
        raise OSError


def load_file(path: Path) -> LoadedFile:
    """Load a plugin file. Raises `UsageError` with the reason if that fails.

    While it loads, its folder is importable, after all other entries of `sys.path`; the folder is also a
    package, so that relative imports work. Local modules that have changed since another plugin file
    imported them are imported again.
    """
    package, name = _names(path)
    _forget_changed(package, local_modules(path, [*sys.path, str(path.parent)]))
    spec = importlib.util.spec_from_file_location(name, path, loader=_Uncached(name, str(path)))
    assert spec is not None
    module, error, search = importlib.util.module_from_spec(spec), None, []
    with effects.noted(), _importable(path.parent):
        try:
            sys.modules[package] = _folder(package, path)
            sys.modules[name] = module
            _Uncached(name, str(path)).exec_module(module)
        except PLUGIN_ERRORS as failure:  # third-party code may raise anything
            for half in (name, package):
                sys.modules.pop(half, None)
            error = failure
        search = list(sys.path)
    modules = local_modules(path, search)
    clash = _clash(path, package, modules)
    if not clash:
        _loaded.update({_real(own, package): (file, file_hash(file), path) for own, file in modules.items()})
    if clash or error is not None:
        raise UsageError(clash or f"plugin {path}: {_reason(error, package)}") from error
    return LoadedFile(module, modules, code_hash(path, modules))


def _names(path: Path) -> tuple[str, str]:
    """The names under which a file's folder and the file are modules; no two folders share one."""
    package = f"ganbench_file_{hashlib.sha256(str(path.parent).encode()).hexdigest()[:8]}"
    return package, f"{package}.{re.sub(r'[^0-9A-Za-z_-]', '_', path.stem)}"


def _real(name: str, package: str) -> str:
    """The name of a local module in `sys.modules`."""
    return package if name == OWN else package + name if name.startswith(OWN) else name


def _folder(package: str, path: Path) -> ModuleType:
    """The folder of a plugin file as a package; its `__init__.py` is run if the plugin imports relatively."""
    init = path.parent / "__init__.py"
    if package in sys.modules:
        return sys.modules[package]
    module = ModuleType(package)
    module.__path__ = [str(path.parent)]
    if OWN in local_modules(path, []):
        sys.modules[package] = module
        module.__file__ = str(init)
        exec(compile(init.read_bytes(), str(init), "exec"), vars(module))
    return module


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Import from the clean `sys.path` and, last, from a folder; no bytecode is cached, which could become stale."""
    before, cached = list(sys.path), sys.dont_write_bytecode
    clean = effects.search_path()
    sys.path[:] = [*clean, *([str(folder)] if str(folder) not in clean else [])]
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.dont_write_bytecode = cached
        sys.path[:] = [*before, *(entry for entry in sys.path if entry not in before)]


def _forget_changed(package: str, modules: Mapping[str, Path]) -> None:
    """Take a plugin file's local modules out of `sys.modules` if one of them has changed since it was imported."""
    known = {name: _loaded[name] for own in modules if (name := _real(own, package)) in _loaded}
    if any(not file.is_file() or file_hash(file) != then for file, then, _ in known.values()):
        for name in known:
            sys.modules.pop(name, None)
            del _loaded[name]
        sys.modules.pop(package, None)


def _clash(path: Path, package: str, modules: Mapping[str, Path]) -> str:
    """Why a plugin file has the wrong module under a name that it imports; empty if it has its own."""
    for own, file in modules.items():
        found = getattr(sys.modules.get(_real(own, package)), "__file__", None)
        if found is None or Path(found).resolve() == file:
            continue
        known, top = _loaded.get(own), own.partition(".")[0]
        whose = f" for plugin {known[2]}" if known else ""
        return (
            f"plugin {path}: it imports {own!r} from {file}, but this process has {own!r} from {found} already{whose}; "
            f"rename one of the two, or import it relatively ('from . import {top}'), which takes the plugin's own"
        )
    return ""


def _reason(error: BaseException | None, package: str) -> str:
    """What an import raised, in terms of the plugin's folder, with how a plugin of two files is made if that helps."""
    text = describe_error(error) if error is not None else ""
    if isinstance(error, ImportError) and (package in text or "relative import" in text):
        named = text.replace(f"{package!r} (unknown location)", "the plugin's folder").replace(package, "")
        return f"{named}. {HOW_TWO}"
    return text
