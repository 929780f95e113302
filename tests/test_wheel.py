"""The wheel, installed in an environment of its own, far from the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `ganbench` command of a fresh environment that shares only the installed dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    left_out = {"results", "shared", "dist", "build"}  # of the root: `ganbench/results` is a package
    hidden = shutil.ignore_patterns(".*")
    shutil.copytree(
        ROOT, source, ignore=lambda at, names: hidden(at, names) | (left_out if Path(at) == ROOT else set())
    )
    shutil.copy(ROOT / ".gitignore", source)  # hatchling leaves out what git ignores
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run(build, check=True, capture_output=True, timeout=360)
    shutil.rmtree(source)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True, timeout=360
    )
    here = f"lib/python{sysconfig.get_python_version()}/site-packages"
    # a plain path line: the dependencies become importable, the editable install of ganbench does not
    (folder / "env" / here / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "env" / "bin" / "ganbench"


def _run(command: Path, cwd: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    asked = [str(command), *map(str, arguments)]
    return subprocess.run(asked, cwd=cwd, capture_output=True, text=True, env=environment, timeout=240)


def test_the_wheel_finds_its_plugins_by_entry_points(installed: Path, tmp_path: Path) -> None:
    done = _run(installed, tmp_path, "list", "--json")
    assert done.returncode == 0, done.stderr
    found = {(entry["kind"], entry["name"]) for entry in json.loads(done.stdout)}
    assert {("loss", "minimax"), ("metric", "fid"), ("suite", "baseline"), ("extractor", "digits16")} <= found
    code = "import ganbench, ganbench_losses; print(ganbench.__file__, ganbench_losses.__file__)"
    where = _run(installed.parent / "python", tmp_path, "-c", code).stdout
    assert where.count(str(installed.parent.parent)) == 2


@pytest.mark.slow
def test_the_wheel_runs_the_quick_suite(installed: Path, tmp_path: Path) -> None:
    done = _run(installed, tmp_path, "run", "--suite", "quick")
    assert done.returncode == 0, done.stderr
    for text in ("## ring8", "## digits", "| minimax x mlp", "2/2", "| real data", "FID\\[digits16\\] ↓"):
        assert text in done.stdout
