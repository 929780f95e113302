"""What the core must not name, and what must not import torch."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Cli

from ganbench.registry.registry import Registry

CORE = Path(__file__).parent.parent / "ganbench"
FILES = sorted(CORE.rglob("*.py"))


def test_the_core_names_no_plugin(registry: Registry) -> None:
    """No name of a loss, architecture, dataset, extractor or metric as a string in the code."""
    names = {
        name for kind in ("loss", "architecture", "dataset", "extractor", "metric") for name in registry.names(kind)
    }
    names -= {"modes", "folder", "clip"}  # also a field of the contracts; a word; a setting of optimizers
    for path in (path for path in FILES if "templates" not in path.parts):  # which become a user's files
        tree = ast.parse(path.read_text())
        strings = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not names & strings, f"{path.name} names {names & strings}"


@pytest.mark.parametrize(
    "module",
    [
        "ganbench",
        "ganbench.suite.load",
        "ganbench.results.store",
        "ganbench.results.diagnosis",
        "ganbench.statistics.significance",
        "ganbench.report.text.formats",
        "ganbench.cli",
        "ganbench.registry.registry",
    ],
)
def test_light_modules_do_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _without_torch(*arguments: str, cwd: Path | None = None, **environment: str) -> str:
    """What a command prints in a process of its own, in which it must succeed and not import torch."""
    code = f"""
import sys
sys.argv = ['ganbench', *{list(arguments)!r}]
from ganbench.cli import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
sys.exit('torch' in sys.modules)
"""
    command, environment = [sys.executable, "-c", code], {**os.environ, **environment}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=cwd, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("arguments", [[], ["--help"], ["run", "--help"], ["version"]])
def test_help_does_not_import_torch(arguments: list[str]) -> None:
    assert _without_torch(*arguments).strip()


def test_list_imports_torch_once_at_most(cli: Cli, tmp_path: Path) -> None:
    """The second call answers from what the first has kept, with the same words."""
    cache = str(tmp_path / "cache")
    first = cli("list", GANBENCH_CACHE=cache)
    assert _without_torch("list", GANBENCH_CACHE=cache) == first.out
    assert "minimax" not in cli("list", GANBENCH_CACHE=cache, GANBENCH_DISABLE="ganbench").out


def test_a_saved_table_is_printed_without_torch(cli: Cli, suite: Path, tmp_path: Path) -> None:
    assert cli("run", "--suite", suite, "--set", "train.steps=1").code == 0
    name = "small+train.steps=1"
    assert "minimax x mlp" in _without_torch("table", "--suite", name, cwd=tmp_path)
    assert "Too few seeds" in _without_torch("compare", "minimax", "nonsaturating", "--suite", name, cwd=tmp_path)


def test_every_paper_stands_in_one_plugin_package() -> None:
    """A shipped plugin takes another package's entry by importing it, as anyone may."""
    sources = [path.read_text() for path in (CORE.parent / "plugins").rglob("*.py")]
    keys = [key for text in sources for key in re.findall(r"^@\w+\{(\w+),", text, flags=re.MULTILINE)]
    assert len(keys) > 30
    assert sorted(set(keys)) == sorted(keys)
