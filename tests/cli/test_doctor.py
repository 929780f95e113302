"""`ganbench doctor`, `ganbench version`, and `ganbench` alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli

from ganbench.engine.trial import Trial
from ganbench.runner import inspection
from ganbench.runner.inspection import CardFacts


def test_doctor_and_version(inside: Cli, tmp_path: Path) -> None:
    done = inside("doctor", "--no-trial")
    assert done.code == 0, done.out
    assert "extractor digits16: ready" in done.out
    assert "ten steps" not in done.out
    assert inside("version").out == "0.1.0\n"
    (tmp_path / "broken.py").write_text("1/0")
    broken = inside("doctor", "--no-trial", "--plugin", "broken.py")
    assert broken.code == 3
    assert "ZeroDivisionError" in broken.out
    bare = inside()
    assert bare.code == 0
    assert len(bare.out.splitlines()) <= 14
    assert "ganbench run --suite quick" in bare.out


def _trial(path: str = "captured", engine: str = "auto", **facts: Any) -> Trial:
    return replace(Trial(engine, path, 16, "a reason", 0.8, 0.004), **facts)


CARDS = [
    CardFacts("cuda:0", "NVIDIA H100 80GB HBM3", 85_094_825_984, 80_530_636_800, "580.65.06", "13.0", "9.0"),
    CardFacts("cuda:1", "Tesla T4", 15_828_320_256, None, None, "13.0", "7.5"),
]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Trial]]:
    """A machine with two GPUs, and what ten steps say on each device, which a test may change."""
    found = {
        "cpu": [_trial("stacked"), _trial("compiled", "compiled")],
        "cuda:0": [_trial(), _trial("compiled", "compiled")],
        "cuda:1": [_trial(), _trial("compiled", "compiled")],
    }
    monkeypatch.setattr("ganbench.runner.inspection.cards", lambda: CARDS)
    monkeypatch.setattr("ganbench.runner.inspection.trials", lambda device: found[device])
    return found


def test_every_card_is_listed_with_what_ten_steps_did_there(inside: Cli, machine: object) -> None:
    done = inside("doctor")
    assert done.code == 0, done.out
    lines = done.out.splitlines()
    card = "NVIDIA H100 80GB HBM3: 79.3 GiB, 75.0 GiB free, driver 580.65.06, CUDA 13.0, compute capability 9.0"
    first = lines.index(f"ok     cuda:0 {card}")
    assert lines[first + 1 : first + 4] == [
        "ok     cuda:0: ten steps work, captured, 16 seeds at a time; 0.8 s to prepare, 0.00 s to train",
        "ok     cuda:0: ten steps work, compiled, 16 seeds at a time; 0.8 s to prepare, 0.00 s to train",
        "ok     cuda:1 Tesla T4: 14.7 GiB, driver unknown, CUDA 13.0, compute capability 7.5",
    ]
    assert "no CUDA GPU" not in done.out


def test_the_findings_are_there_as_json(inside: Cli, machine: object) -> None:
    found = json.loads(inside("doctor", "--format", "json").out)
    assert found["ok"]
    assert [card["name"] for card in found["cards"]] == ["NVIDIA H100 80GB HBM3", "Tesla T4"]
    assert found["cards"][0]["free"] == 80_530_636_800
    assert found["trials"]["cuda:1"][1]["path"] == "compiled"
    assert {"state": "ok", "text": "extractor digits16: ready", "fix": ""} in found["findings"]


def test_a_compiler_that_fails_is_a_note_and_a_card_that_fails_is_wrong(
    inside: Cli, machine: dict[str, list[Trial]]
) -> None:
    machine["cuda:0"][1] = Trial("compiled", failure="not compiled: no Triton")
    noted = inside("doctor")
    assert noted.code == 0
    assert "note   cuda:0: ten compiled steps do not work: not compiled: no Triton" in noted.out
    machine["cuda:1"] = [Trial("auto", failure="its process ended with exit code -11: Segmentation fault")]
    wrong = inside("doctor")
    assert wrong.code == 3
    assert "WRONG  cuda:1: ten steps cannot be trained: its process ended with exit code -11" in wrong.out
    assert "       -> use --device cpu" in wrong.out


def test_a_driver_that_does_not_work_is_wrong(inside: Cli, machine: object, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[CardFacts]:
        raise RuntimeError("Unexpected error from cudaGetDeviceCount(). Error 804")

    monkeypatch.setattr("ganbench.runner.inspection.cards", broken)
    done = inside("doctor")
    assert done.code == 3
    assert (
        "a GPU, and torch cannot use it: RuntimeError: Unexpected error from cudaGetDeviceCount(). Error 804"
        in done.out
    )


def test_without_a_gpu_one_line_says_so(inside: Cli, machine: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.runner.inspection.cards", list)
    assert inside("doctor").out.count("no CUDA GPU") == 1


@pytest.mark.slow
def test_ten_steps_are_trained_on_the_cpu(tmp_path: Path) -> None:
    short, long = inspection.trials("cpu")
    assert (short.worked, short.path) == (True, "stacked")
    assert (long.worked, long.path) == (True, "compiled")
    assert long.prepare_seconds > 0
    assert long.seconds > 0


def test_a_trial_that_hangs_or_crashes_is_a_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert inspection.trials("cpu", timeout=0.01)[0].failure == "ten steps took longer than 0.01 s"
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho a warning >&2\necho Bus error >&2\nexit 135\n")
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(program))
    (crashed,) = inspection.trials("cpu")
    assert not crashed.worked
    assert crashed.failure == "its process ended with exit code 135: Bus error"


@pytest.mark.parametrize(
    ("smi", "kernel", "expected"),
    [
        ("echo 580.65.06; echo 580.65.06", "", "580.65.06"),
        (
            "exit 9",
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar 5 22:23:56 UTC 2024\n",
            "550.54.15",
        ),
        ("exit 9", "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\n", "580.65.06"),
        ("exit 9", "", None),
    ],
)
def test_the_driver_is_what_nvidia_smi_or_the_kernel_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, smi: str, kernel: str, expected: str | None
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{smi}\n")
    program.chmod(0o755)
    (tmp_path / "version").write_text(kernel)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(inspection, "DRIVER_FILE", tmp_path / "version")
    assert inspection.driver_version() == expected
