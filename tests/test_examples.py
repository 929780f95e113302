"""The packages under `examples/` are installed into a fresh environment, used, and uninstalled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "examples" / "ganbench-smoothing"


class Environment:
    """A fresh environment that sees the installed libraries and this source tree, but no plugin of its own."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder / "venv", with_pip=True)
        self.folder, self.python = folder, folder / "venv" / "bin" / "python"
        (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
        # addsitedir follows the .pth file of an editable installation, which a mere path does not
        (site / "libraries.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")

    def __call__(self, *command: str | Path, code: int = 0) -> str:
        """What a command of this environment's Python prints; it must end with a code."""
        paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        kept = {"PYTHONPATH": os.pathsep.join(paths), "GANBENCH_CACHE": str(self.folder / "cache"), "NO_COLOR": "1"}
        done = subprocess.run(
            [self.python, "-m", *command], cwd=self.folder, env={**os.environ, **kept}, check=False,
            capture_output=True, encoding="utf-8",
        )  # fmt: skip
        assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    def install(self, package: Path) -> None:
        """Install a package from its folder, without the network."""
        self("pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index", package)

    def names(self, kind: str) -> set[str]:
        return {row["name"] for row in json.loads(self("ganbench", "list", kind, "--json"))}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the environment's folders have other names")
def test_a_package_is_installed_discovered_run_published_and_uninstalled(tmp_path: Path) -> None:
    there = Environment(tmp_path)
    assert "smoothed" not in there.names("losses")
    copy = tmp_path / "package"
    subprocess.run(["cp", "-r", PACKAGE, copy], check=True)  # the build writes beside the sources
    there.install(copy)
    assert "smoothed" in there.names("losses")
    assert "smoothing" in there.names("suites")
    there("pytest", "-q", "-p", "no:cacheprovider", copy / "tests")
    assert "loss smoothed: ok" in there("ganbench", "check", "loss:smoothed", "suite:smoothing")
    few = ("--seeds", "0-1", "--set", "train.steps=20", "--set", "evaluation.samples=200")
    table = there("ganbench", "run", "--suite", "smoothing", *few, "--set", "evaluation.real_samples=200")
    assert "smoothed(eps=0.3)" in table
    (name,) = (path.name for path in (tmp_path / "results").iterdir() if path.name.startswith("smoothing"))
    there("ganbench", "publish", "--suite", name, "--to", "site")
    assert "Salimans" in (tmp_path / "site" / name / "citation.bib").read_text()
    assert "smoothed(eps=0.3)" in (tmp_path / "site" / name / "table.md").read_text()
    there("pip", "uninstall", "-q", "-y", "ganbench-smoothing")
    assert "smoothed" not in there.names("losses")
    there("ganbench", "run", "--suite", "smoothing", code=2)
