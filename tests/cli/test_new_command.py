"""`ganbench new` writes plugins that pass `ganbench check` as they are, and overwrites nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Cli

from ganbench.scaffold.writer import KINDS, write
from ganbench.testing import check_file, reports

TEMPLATES = [*((kind, False) for kind in KINDS), ("loss", True)]


@pytest.mark.parametrize(("kind", "penalty"), TEMPLATES)
@pytest.mark.parametrize("package", [False, True])
def test_what_is_written_passes_the_kit(kind: str, penalty: bool, package: bool, tmp_path: Path) -> None:
    written = write(kind, "my-own.one2", tmp_path, package, penalty)  # type: ignore[arg-type]
    file = next((path for path in written.paths if path.name == "__init__.py"), written.edit)
    if package and kind != "suite":
        assert check_file(file) == [f"{kind} my-own.one2"]
    else:
        assert [(report.kind, report.findings) for report in reports(file)] == [(kind, [])]
    assert all("emplate" not in path.read_text() for path in written.paths)
    if kind != "suite":
        assert written.edit.read_text().count("change this line") == 1


def test_a_written_file_is_formatted_and_type_checked(tmp_path: Path) -> None:
    for kind, penalty in TEMPLATES:
        write(kind, "a-name-of-usual-length" + "-p" * penalty, tmp_path / kind, True, penalty)
    for tool in (["ruff", "check"], ["ruff", "format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", *tool, "--line-length=120", tmp_path], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


def test_the_next_steps_are_commands_that_exist(inside: Cli, tmp_path: Path) -> None:
    done = inside("new", "loss", "my-loss")
    assert (done.code, (tmp_path / "my_loss.py").is_file()) == (0, True)
    assert "next: edit my_loss.py, at the line that says so" in done.out
    assert "ganbench run --suite quick --plugin my_loss.py --add loss=my-loss" in done.out
    checked = inside("check", "my_loss.py", "--format", "json")
    assert checked.code == 0
    (report,) = json.loads(checked.out)
    assert (report["kind"], report["name"], report["ok"], report["findings"]) == ("loss", "my-loss", True, [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("loss", "minimax"), "there is a loss 'minimax' already, from ganbench"),
        (("loss", "My Loss"), "is no name for a plugin"),
        (("loss", "../x"), "is no name for a plugin"),
        (("loss", "my-loss", "--to", "mine.py"), "--to mine.py has the name of a file; name the folder"),
        (("loss", "random"), "random.py would hide Python's own 'random'"),
        (("loss", "losses", "--package"), "there is a package ganbench_losses already"),
        (("metric", "x", "--penalty"), "--penalty is for a loss, not for a metric"),
        (("loss", "mine"), "mine.py is there already, and nothing is overwritten"),
    ],
)
def test_what_cannot_be_written_is_refused(inside: Cli, tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    (tmp_path / "mine.py").write_text("mine")
    done = inside("new", *arguments)
    assert done.code == 2
    assert said in done.err
    assert [path.name for path in tmp_path.iterdir() if path.suffix or path.name.startswith("ganbench")] == ["mine.py"]
    assert (tmp_path / "mine.py").read_text() == "mine"
