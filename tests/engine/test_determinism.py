"""`train: {deterministic: ...}`: torch's settings while a GPU trains, nothing on a CPU, and no other run id."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from factories import make_spec

from ganbench.engine.determinism import SETTINGS, arithmetic
from ganbench.runner.process_state import ProcessState
from ganbench.runner.worker_process import _environment
from ganbench.suite.train_spec import TrainSpec, resolved_train

CPU, CARD = torch.device("cpu"), torch.device("cuda")


def _now() -> dict[str, object]:
    return {name: setting.read() for name, setting in SETTINGS.items()}


@pytest.mark.parametrize("precision", ["fp32", "tf32"])
@pytest.mark.parametrize("deterministic", [True, False])
def test_a_gpu_computes_as_the_spec_says_and_the_process_is_as_before(precision: str, deterministic: bool) -> None:
    before, rounded = _now(), precision == "tf32"
    state = ProcessState()
    state.begin()
    with arithmetic(TrainSpec(precision=precision, deterministic=deterministic), CARD):
        assert torch.are_deterministic_algorithms_enabled() is deterministic
        assert torch.is_deterministic_algorithms_warn_only_enabled() is deterministic
        assert torch.backends.cudnn.deterministic is deterministic
        assert torch.backends.cudnn.benchmark is False
        assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == (rounded, rounded)
    assert _now() == before
    assert state.changes() == []


def test_a_cpu_is_left_alone() -> None:
    before = _now()
    with arithmetic(TrainSpec(precision="bf16"), CPU):
        assert _now() == before


def test_what_a_plugin_changes_meanwhile_is_still_seen() -> None:
    state = ProcessState()
    state.begin()
    try:
        with arithmetic(TrainSpec(), CARD):
            torch.backends.cudnn.benchmark = True
        assert any("cuDNN" in change for change in state.changes())
    finally:
        torch.backends.cudnn.benchmark = False


def test_settings_are_restored_after_an_error() -> None:
    before = _now()
    with pytest.raises(ZeroDivisionError), arithmetic(TrainSpec(), CARD):
        raise ZeroDivisionError
    assert _now() == before


def test_a_worker_starts_with_what_cublas_needs() -> None:
    assert _environment()["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_the_default_is_in_no_identity_and_the_choice_is() -> None:
    spec = make_spec()
    chosen = replace(spec, train=replace(spec.train, deterministic=False))
    assert "deterministic" not in resolved_train(spec.train)
    assert resolved_train(chosen.train)["deterministic"] is False
    assert spec.id != chosen.id
    assert "deterministic" not in spec.train.text
    assert "deterministic False" in chosen.train.text
