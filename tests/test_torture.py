"""A part of `make torture`: nothing is lost, nothing damaged is accepted, nothing hangs, nothing prints a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("part", ["kills", "damage", "disk", "crowd", "plugins", "strangers"])
def test_a_part_of_the_torture_costs_nothing(part: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.torture", "--quick", "--only", part],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert "| what | tries | lost |" in done.stdout
