"""Finds the local modules that a plugin file imports, by reading the code, and hashes them with it."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

GROUP = "ganbench"
"""The group of entry points by which installed plugins are found."""

INSTALLED = {"site-packages", "dist-packages"}
OWN = "."
"""The name of the plugin file's folder as a package: its module `helper` is `.helper`."""


def local_modules(file: Path, search: Sequence[str]) -> dict[str, Path]:
    """The files of the local modules that a plugin file imports, and that these import, by name.

    A module is local if it is found beside the file or on `search`, and not among installed packages, in
    the standard library, or in a package that registers plugins, which has a version of its own. Relative
    imports have names such as `.helper`, which do not depend on where the folder is. Imports inside
    functions count, and so do `import_module` and `__import__` with a literal name.
    """
    scan = _Scan(list(search), {OWN: [str(file.parent)]})
    if (file.parent / "__init__.py").is_file() and any(name.startswith(OWN) for name in _imported(file, OWN)):
        scan.follow(OWN, file.parent / "__init__.py", OWN)
    scan.follow("", file, OWN)
    return {name: path for name, path in scan.found.items() if path != file}


def code_hash(file: Path, modules: Mapping[str, Path]) -> str:
    """SHA-256, 12 hex digits, of a file and its local modules' names and bytes; of the file alone if it has none."""
    digest = hashlib.sha256(file.read_bytes())
    for name, path in sorted(modules.items()):
        digest.update(f"\0{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def file_hash(path: Path) -> str:
    """SHA-256 of a file, 12 hex digits."""
    return code_hash(path, {})


@dataclass
class _Scan:
    """The modules found so far, and the folders of the packages among all that were looked up."""

    search: list[str]
    folders: dict[str, list[str]]
    found: dict[str, Path] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def follow(self, name: str, file: Path, package: str) -> None:
        """Add a module's file, and look up what it imports."""
        if name:
            self.found[name] = file
        for imported in _imported(file, package):
            for part in _parts(imported):
                if not self._look_up(part):
                    break

    def _look_up(self, name: str) -> bool:
        """Whether there may be local modules inside a module, which is followed if it is local."""
        if name in self.seen:
            return name in self.folders
        self.seen.add(name)
        parent = _parent(name)
        spec = _found(name, self.folders[parent] if parent else self.search)
        if spec is None:
            return False
        if spec.submodule_search_locations is not None:
            self.folders[name] = list(spec.submodule_search_locations)
        file = Path(spec.origin).resolve() if spec.origin and spec.has_location else None
        if file is not None and file.is_file():
            if not name.startswith(OWN) and not _editable(file):
                self.folders.pop(name, None)
                return False
            self.follow(name, file, name if name in self.folders else parent)
        return name in self.folders


def _found(name: str, folders: Sequence[str]) -> ModuleSpec | None:
    top = name.partition(".")[0]
    if top and (top in sys.stdlib_module_names or top in _with_versions()):
        return None
    with suppress(ImportError, AttributeError, ValueError, OSError):
        return PathFinder.find_spec(name, list(folders))
    return None


@lru_cache
def _with_versions() -> frozenset[str]:
    """Packages whose code has a version: ganbench, and those that register plugins."""
    points = importlib.metadata.entry_points(group=GROUP)
    return frozenset({"ganbench", *(point.module.partition(".")[0] for point in points)})


@lru_cache
def _standard() -> tuple[Path, ...]:
    return tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib"))


def _editable(file: Path) -> bool:
    """Whether a file is local code, not part of an installed package or the standard library."""
    return not INSTALLED & set(file.parts) and not any(file.is_relative_to(folder) for folder in _standard())


def _parts(name: str) -> Iterator[str]:
    """A module's packages, outermost first, then itself: `a.b` gives `a`, `a.b`; `.a.b` gives `.a`, `.a.b`."""
    own, rest = (OWN, name[1:]) if name.startswith(OWN) else ("", name)
    parts = rest.split(".") if rest else []
    for count in range(1, len(parts) + 1):
        yield own + ".".join(parts[:count])


def _parent(name: str) -> str:
    """The package that a module is in; empty for a module of its own."""
    above = name.rpartition(".")[0]
    return OWN if name.startswith(OWN) and not above else above


def _join(package: str, name: str) -> str:
    if not name or not package:
        return package or name
    return package + name if package == OWN else f"{package}.{name}"


def _imported(file: Path, package: str) -> Iterator[str]:
    """The names of the modules that a file may import, relative ones made absolute in their package."""
    try:
        tree = ast.parse(file.read_bytes()) if file.suffix == ".py" else ast.Module([], [])
    except (SyntaxError, ValueError):  # it cannot be imported either, and importing it says why
        return
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = package
                for _ in range(level - 1):
                    base = _parent(base) if base not in ("", OWN) else ""
                if level and not base:
                    continue
                stem = _join(base, module or "") if level else module or ""
                yield stem
                yield from (_join(stem, alias.name) for alias in names if alias.name != "*")
            case ast.Call(func=func, args=[ast.Constant(value=str(name)), *_]):
                called = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
                if called in ("import_module", "__import__") and not name.startswith("."):
                    yield name
