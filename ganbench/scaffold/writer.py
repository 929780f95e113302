"""Writes a new plugin from its template: one file, or a package that can be installed."""

from __future__ import annotations

import importlib.util
import keyword
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ganbench.errors import UsageError
from ganbench.files import named_as_file
from ganbench.registry.choice import Kind

KINDS: tuple[Kind, ...] = ("loss", "transform", "architecture", "dataset", "extractor", "metric", "suite")
"""The kinds that have a template."""
NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*")


@dataclass(frozen=True)
class Written:
    """What was written: the files, and the file that is to be edited."""

    paths: tuple[Path, ...]
    edit: Path


def write(kind: Kind, name: str, folder: Path, package: bool = False, penalty: bool = False) -> Written:
    """Write a plugin of a kind into a folder. Raises `UsageError` for a bad name, or if something is there already."""
    _check_name(name, package)
    texts, edit = (_package if package else _file)(kind, name, "penalty" if penalty else kind)
    if named_as_file(folder):
        raise UsageError(f"--to {folder} has the name of a file; name the folder to write {next(iter(texts))} into")
    top = folder / next(iter(texts)).parts[0]
    if top.exists() or top.is_symlink():
        raise UsageError(f"{top} is there already, and nothing is overwritten; choose another name or --to FOLDER")
    for path, text in texts.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    return Written(tuple(folder / path for path in texts), folder / edit)


def module_of(name: str) -> str:
    """The Python module of a plugin's file."""
    return re.sub(r"[-.]", "_", name)


def _check_name(name: str, package: bool) -> None:
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for a plugin: a name begins with a lowercase letter and has lowercase letters and "
            "digits, in words joined by '-', '_' or '.', such as my-loss"
        )
    module = module_of(name)
    if not package and (keyword.iskeyword(module) or module in sys.stdlib_module_names):
        raise UsageError(f"{module}.py would hide Python's own {module!r} from other code; choose another name")
    if package and importlib.util.find_spec(f"ganbench_{module}") is not None:
        raise UsageError(f"there is a package ganbench_{module} already; choose another name")


def _file(kind: Kind, name: str, template: str) -> tuple[Mapping[Path, str], Path]:
    """The text of one file; of a suite the YAML file alone, which needs no hook."""
    path = Path(f"{name}.yaml" if kind == "suite" else f"{module_of(name)}.py")
    return {path: _text(f"{template}{path.suffix}", kind, name)}, path


def _package(kind: Kind, name: str, template: str) -> tuple[Mapping[Path, str], Path]:
    """The texts of a package with an entry point, a test and a README."""
    module = f"ganbench_{module_of(name)}"
    top = Path(f"ganbench-{name}")
    edit = top / module / (f"{name}.yaml" if kind == "suite" else "__init__.py")
    texts = {
        top / "pyproject.toml": _text("pyproject.toml", kind, name),
        top / "README.md": _text("README.md", kind, name),
        top / module / "__init__.py": _text(f"{template}.py", kind, name),
        top / "tests" / f"test_{module}.py": _text("test_package.txt", kind, name),
    }
    if kind == "suite":
        texts[edit] = _text("suite.yaml", kind, name)
    return texts, edit


def _text(template: str, kind: Kind, name: str) -> str:
    """A template with the plugin's names in it."""
    text = files("ganbench.scaffold.templates").joinpath(template).read_text(encoding="utf-8")
    for old, new in (
        ("template-distribution", f"ganbench-{name}"),
        ("template_module", f"ganbench_{module_of(name)}"),
        ("template-kind", kind),
        ("template-word", f"{kind}:{name}"),
        ("template-name", name),
        ("Template", "".join(word.capitalize() for word in re.split(r"[-_.]", name))),
    ):
        text = text.replace(old, new)
    return text
