"""The benchmark of a GPU, on a CPU in small: every part works, nothing counts as measured on a GPU."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import nn
from warm import Warm

from benchmarks.gpu import goals
from benchmarks.gpu.__main__ import PARTS, main
from benchmarks.gpu.budget import Budget
from benchmarks.gpu.cases import GPU_CASES, small
from benchmarks.gpu.commands import LOSSES, campaign, write_idx
from benchmarks.gpu.peak import forward_flops, step_flops
from benchmarks.tables import TABLES
from ganbench.registry.registry import Registry
from ganbench.suite.expand import expand
from ganbench.suite.load import load
from ganbench_datasets.idx_sets import FashionMnist

TINY = ("--device", "cpu", "--tiny", "--to")


def _parts(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "gpu.json").read_text())["rows"]
    return found


def _check_goals(folder: Path) -> None:
    text = (folder / "gpu.md").read_text()
    assert text.count(goals.NOT_MEASURED) >= len(goals.GOALS)
    assert "| met |" not in text
    assert "| missed |" not in text


def test_training_is_measured_in_small(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [*TINY, str(tmp_path), "--part", "kernels", "--case", "2-D"])
    assert done.exit_code == 0, done.output
    part = _parts(tmp_path)["kernels"]
    assert part["left_out"] == {}
    (case,) = part["found"]["cases"]
    (side,) = case["sides"]
    assert case["textbook"] > 0
    assert case["captured"] > 0
    assert side["run"] > 0
    assert side["ratio"] == pytest.approx(side["run"] / side["pure"])
    assert side["bits"] == {"rerun": True, "alone": True}
    assert case["loss_difference"] == 0  # the same program on the same device
    _check_goals(tmp_path)


def test_scores_are_measured_in_small_and_merged_with_what_is_there(tmp_path: Path) -> None:
    CliRunner().invoke(main, [*TINY, str(tmp_path), "--part", "kernels", "--case", "nothing"])
    done = CliRunner().invoke(main, [*TINY, str(tmp_path), "--part", "evaluation"])
    assert done.exit_code == 0, done.output
    parts = _parts(tmp_path)
    assert list(parts) == ["kernels", "evaluation"]
    (row,) = parts["evaluation"]["found"]["rows"]
    assert max(row["difference_from_cpu"].values()) == 0
    assert max(row["relative_difference"].values()) < 1e-4  # torch-fidelity computes in float32
    _check_goals(tmp_path)


@pytest.mark.slow
def test_every_part_and_every_case_works_in_small(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.gpu", *TINY, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    parts = _parts(tmp_path)
    assert list(parts) == list(PARTS)
    assert {name: part["left_out"] for name, part in parts.items()} == {name: {} for name in PARTS}
    assert [case["case"] for case in parts["kernels"]["found"]["cases"]] == [one.title for one in GPU_CASES]
    assert all(case["sides"] for case in parts["kernels"]["found"]["cases"])
    assert [(one["suite"], one["kind"]) for one in parts["commands"]["found"]["runs"]] == [
        ("quick", "cold"),
        ("quick", "warm"),
    ]
    _check_goals(tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU on this machine")
def test_without_a_gpu_it_says_so_in_one_sentence(warm: Warm) -> None:
    code, out, err = warm.python("-m", "benchmarks.gpu", folder=Path(__file__).parents[2])
    assert (code, out) == (3, "")
    assert err.count("\n") == 1
    assert "needs a CUDA GPU" in err


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_does_not_fit_into_the_budget_is_not_begun() -> None:
    clock = Clock()
    budget = Budget(100, clock)

    def takes(seconds: float) -> str:
        clock.now += seconds
        return "measured"

    def fails() -> str:
        raise ValueError("no kernel image\nand more")

    assert budget.measure("first", 50, lambda: takes(70)) == "measured"
    assert budget.measure("second", 50, lambda: takes(1)) is None
    assert budget.measure("third", 20, lambda: takes(1)) == "measured"
    assert budget.measure("fourth", 1, fails) is None
    assert budget.left_out == {
        "second": "not measured: it needs about 50 s, and 30 s were left",
        "fourth": "not measured: ValueError: no kernel image",
    }


def _side(seeds: int, run: float, ratio: float = 0.95, **changes: Any) -> dict[str, Any]:
    side = {"seeds": seeds, "run": run, "ratio": ratio, "deterministic": True, "bits": {"rerun": True, "alone": True}}
    return {**side, **changes}


def _state(parts: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {row["what"]: (row["found"], row["state"]) for row in goals.rows(parts)}


def test_goals_are_met_missed_or_not_measured() -> None:
    states = _state({})
    assert set(states.values()) == {("", goals.NOT_MEASURED)}
    recipe = {"case": "2-D recipe", "sides": [_side(64, 130_000), _side(64, 90_000, ratio=0.8), _side(256, 270_000)]}
    other = {"rerun": True, "alone": False}
    digits = {"case": "digits DCGAN w16", "loss_difference": 0.1}
    digits["sides"] = [_side(16, 7_000, bits=other), _side(16, 11_000, deterministic=False, bits=other)]
    commands = {
        "runs": [
            {"suite": "quick", "kind": "warm", "seconds": 9.0},
            {"suite": "quick", "kind": "cold", "seconds": 24.0},
        ]
    }
    states = _state({"kernels": {"cases": [recipe, digits]}, "commands": commands})
    assert states["run / pure, worst case"] == ("0.80", "missed")
    assert states["2-D recipe, 64 seeds, seed-steps/s"] == ("130,000", "met")
    assert states["2-D recipe, 256 seeds, seed-steps/s"] == ("270,000", "missed")
    assert states["digits DCGAN, 16 seeds, fp32, equal bits"] == ("0", "missed")  # fast, with other bits
    assert states["digits DCGAN, 16 seeds, fp32, without equal bits"] == ("11,000", "met")
    assert states["quick suite, cold, s"] == ("24", "met")
    assert states["baseline, cold, s"] == ("", goals.NOT_MEASURED)
    assert states["ways of training whose bits differ in a rerun or alone"] == ("1", "missed")


def test_the_table_without_any_measurement_says_so_for_each_goal() -> None:
    text = TABLES["gpu"]({})
    assert text.count(goals.NOT_MEASURED) == len(goals.GOALS)


def test_arithmetic_is_counted_by_hand() -> None:
    assert forward_flops(nn.Linear(3, 5), torch.zeros(2, 3)) == 2 * 2 * 5 * 3
    assert forward_flops(nn.Conv2d(3, 8, 3, padding=1), torch.zeros(2, 3, 4, 4)) == 2 * 2 * 8 * 16 * 3 * 9
    # each of 2 x 8 x 4 x 4 inputs is multiplied by a 4 x 4 kernel for each of 3 channels
    transposed = nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1)
    assert forward_flops(transposed, torch.zeros(2, 8, 4, 4)) == 2 * (2 * 8 * 16) * (4 * 4 * 3)


def test_the_step_of_the_2d_recipe_is_28_million_operations() -> None:
    """3x64 MLPs, batch 128, latent 2: 4 forward passes of G and 8 of D."""
    layers = 2 * 64 + 64 * 64 * 2
    wanted = 2 * 128 * (4 * (layers + 64 * 2) + 8 * (layers + 64))
    assert step_flops(GPU_CASES[0].case) == pytest.approx(wanted, rel=0.05)


def test_small_cases_are_small_and_of_the_same_kind() -> None:
    for one in map(small, GPU_CASES):
        generator, discriminator = one.case.modules()
        assert sum(p.numel() for p in (*generator.parameters(), *discriminator.parameters())) < 100_000
        assert one.steps <= 10


def test_made_images_are_read_as_fashion_mnist(tmp_path: Path) -> None:
    write_idx(tmp_path / "FashionMNIST" / "raw", 40, 20)
    dataset = FashionMnist(root=str(tmp_path))
    dataset.prepare()
    train, test = dataset.load("train"), dataset.load("test")
    assert (train.samples.shape, test.samples.shape) == ((40, 1, 32, 32), (20, 1, 32, 32))
    assert train.labels is not None
    assert len(set(train.labels.tolist())) > 5
    blob = 255 * 2 * math.pi * 3**2  # the sum of a Gaussian of width 3; some of it is beyond the border
    assert train.samples.float().mean() == pytest.approx(blob / 32**2, rel=0.2)


@pytest.mark.slow
def test_the_campaign_is_a_suite_of_twelve_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANBENCH_DATA", str(tmp_path / "data"))
    write_idx(tmp_path / "data" / "FashionMNIST" / "raw", 40, 20)
    (tmp_path / "fashion.yaml").write_text(json.dumps(campaign(tmp_path)))
    plan = expand(load(tmp_path / "fashion.yaml"), Registry.load())
    assert not plan.skipped
    assert sum(len(cell.seeds) for cell in plan.cells) == 3 * len(LOSSES)
