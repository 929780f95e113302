"""The floors of the house: who may import whom, and what must not cost torch."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

CORE = Path(__file__).parent.parent / "ganbench"
FLOORS = {
    0: "contracts hookspecs errors files strict_yaml optimisers settings specs suite rng checkpoints records"
    " layout cards verdicts numbers published identity live meaning shape",
    1: "sources registry catalogue expansion networks draws step program stack signals cache devices"
    " diagnosis stats ranking bootstrap rows ranges search best_of figures densities kernels histograms"
    " respec",
    2: "trainer evaluator references pictures provenance outcome worker testing theory tables notes overall"
    " comparison wording budget formats sensitivity search_table theory_picture players surface manifest"
    " integrity films neighbours citations telling paper sameness states changes moved plots",
    3: "runner progress executors site scaffold replay watch shelf handler server trackers",
    4: "cli __main__",
}
FLOOR = {module: floor for floor, modules in FLOORS.items() for module in modules.split()}
PLUGINS = {path.name for path in (CORE.parent / "plugins").iterdir() if path.is_dir()}


def _imports(path: Path) -> set[str]:
    """Every module that a file imports, inside functions too, outside `if TYPE_CHECKING`."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


FILES = sorted(CORE.rglob("*.py"))


def _module(path: Path) -> str:
    return path.relative_to(CORE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORE)))
def test_modules_import_downwards_only_and_never_a_plugin(path: Path) -> None:
    own = FLOOR.get(_module(path), 0 if path.name == "__init__.py" else None)
    assert own is not None, f"{path.name} stands on no floor; add it to FLOORS"
    for name in _imports(path):
        top, _, rest = name.partition(".")
        assert top not in PLUGINS
        target = rest.split(".")[0]
        if top == "ganbench" and target in FLOOR:
            assert FLOOR[target] <= own, f"{path.name} (floor {own}) imports {target} (floor {FLOOR[target]})"


def test_the_core_names_no_plugin(registry) -> None:
    """No name of a loss, architecture, data set, extractor or metric as a string in the code."""
    names = {
        name for kind in ("loss", "architecture", "dataset", "extractor", "metric") for name in registry.names(kind)
    }
    names.remove("modes")  # also a field of the contracts
    for path in FILES:
        tree = ast.parse(path.read_text())
        strings = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not names & strings, f"{path.name} names {names & strings}"


@pytest.mark.parametrize(
    "module",
    [
        "ganbench",
        "ganbench.suite",
        "ganbench.records",
        "ganbench.diagnosis",
        "ganbench.stats",
        "ganbench.formats",
        "ganbench.cli",
        "ganbench.registry",
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


def test_list_imports_torch_once_at_most(cli, tmp_path: Path) -> None:
    """The second call answers from what the first has kept, with the same words."""
    cache = str(tmp_path / "cache")
    first = cli("list", GANBENCH_CACHE=cache)
    assert _without_torch("list", GANBENCH_CACHE=cache) == first.out
    assert "minimax" not in cli("list", GANBENCH_CACHE=cache, GANBENCH_DISABLE="ganbench").out


def test_a_saved_table_is_printed_without_torch(cli, suite, tmp_path) -> None:
    assert cli("run", "--suite", suite, "--set", "train.steps=1").code == 0
    name = "small+train.steps=1"
    assert "minimax x mlp" in _without_torch("table", "--suite", name, cwd=tmp_path)
    assert "Too few seeds" in _without_torch("compare", "minimax", "nonsaturating", "--suite", name, cwd=tmp_path)
