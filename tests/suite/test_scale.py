"""Plans of very many runs: what seeds share is worked out once, and the ids are those of each run alone."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

from conftest import Cli

from ganbench.api.suites import SuiteRequest, resolve
from ganbench.files import digest
from ganbench.suite.plan_file import plan_to_save
from ganbench.suite.specs import PROTOCOL, RunSpec


def _suite(folder: Path, widths: int, seeds: int) -> str:
    architectures = ", ".join(f"{{mlp: {{width: {8 + i}}}}}" for i in range(widths))
    path = folder / "many.yaml"
    path.write_text(
        "about: many\nlosses: [nonsaturating, {loss: [hinge, {r1: {gamma: 0.5}}], transforms: [instance-noise]}]\n"
        f"architectures: [{architectures}]\ndatasets: [ring8]\nseeds: {seeds}\ntrain: {{steps: 50}}\n"
    )
    return str(path)


def _alone(spec: RunSpec) -> str:
    """The id as it is defined: a digest of the whole run."""
    return digest({"spec": spec.resolved(), "code": spec.code(), "protocol": PROTOCOL})


def test_the_ids_of_a_cell_are_those_of_its_runs(tmp_path: Path) -> None:
    plan = resolve(SuiteRequest(_suite(tmp_path, 2, 12))).plan()
    for cell in plan.cells:
        assert cell.ids == {seed: _alone(replace(cell.spec, seed=seed)) for seed in cell.seeds}
        assert cell.ids == {seed: cell.run(seed).id for seed in cell.seeds}
        assert cell.with_seeds((7, 10**12)).ids == {seed: _alone(cell.run(seed)) for seed in (7, 10**12)}


def test_40000_runs_are_planned_in_seconds_and_little_memory(tmp_path: Path) -> None:
    asked = resolve(SuiteRequest(_suite(tmp_path, 20, 1000)))
    tracemalloc.start()
    begin = time.process_time()
    saved = plan_to_save(asked.plan())
    seconds, most = time.process_time() - begin, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len({id_ for row in saved.rows for id_ in row.runs.values()}) == 40_000
    assert seconds < 10
    assert most < 40 << 20


def test_a_dry_run_counts_the_steps_of_some_kinds_of_cells_and_says_of_how_many(inside: Cli, tmp_path: Path) -> None:
    few = inside("run", "--dry-run", "--suite", _suite(tmp_path, 4, 2))
    many = inside("run", "--dry-run", "--suite", _suite(tmp_path, 12, 2))
    assert (few.code, many.code) == (0, 0)
    assert "kinds of cells" not in few.out
    assert "in 12 of 24 kinds of cells" in many.out
