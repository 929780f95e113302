"""`ganbench check`: text and JSON, exit codes, names of several kinds, everything that is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Cli
from planted import LOSSES


def test_a_broken_file_ends_with_2_and_says_what_to_do(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(LOSSES["autograd"].text())
    done = inside("check", "mine.py")
    assert done.code == 2
    assert done.out.splitlines() == [
        "loss mine: 1 fault",
        "  fault [autograd] mine.py:19 calls torch.autograd.grad",
        "    -> use critic.gradient(x); the step itself differentiates what a method returns",
        "1 plugin, 1 with faults",
    ]
    found = json.loads(inside("check", "mine.py", "--format", "json").out)
    assert found[0]["findings"][0]["rule"] == "autograd"


def test_what_is_slow_is_allowed(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(LOSSES["branch"].text())
    done = inside("check", "mine.py")
    assert done.code == 0
    assert "loss mine: ok, slow" in done.out
    assert "(looped), about five times slower" in done.out
    assert "points (2,): looped, mine.py:19 decides by the value of a tensor" in done.out


def test_plugins_are_checked_by_name_and_kind(inside: Cli) -> None:
    done = inside("check", "loss:minimax", "mlp")
    assert (done.code, done.err) == (0, "")
    assert "loss minimax: ok" in done.out
    assert "architecture mlp: ok" in done.out
    unknown = inside("check", "loss:minimx")
    assert unknown.code == 2
    assert "there is no plugin 'loss:minimx', and no such file. Did you mean 'minimax'?" in unknown.err
    assert "there is no kind 'los'. Did you mean 'loss'?" in inside("check", "los:minimax").err
    assert inside("check", "nowhere.py").code == 2


def test_a_suite_is_checked_with_the_plugins_that_it_names(inside: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(LOSSES["branch"].text())
    text = "plugins: [mine.py]\nlosses: [mine]\narchitectures: [mlp]\ndatasets: [ring8]\nseeds: 1\n"
    (tmp_path / "mine.yaml").write_text(text)
    assert inside("check", "mine.yaml").code == 0
    (tmp_path / "mine.yaml").write_text(text.replace("[mlp]", "[mlpp]"))
    done = inside("check", "mine.yaml")
    assert done.code == 2
    assert "fault [file]" in done.out
    assert "mine.yaml:3:17: unknown architecture 'mlpp'" in done.out


def test_a_loss_that_maps_and_compiles_says_so(inside: Cli) -> None:
    done = inside("check", "minimax")
    assert "points (2,): compiled (4 seeds at a time), small networks fill a core four at a time" in done.out
    assert "points (2,), few steps: stacked (16 seeds at a time), stacking seeds changes no bit" in done.out
    assert "images (1, 16, 16), few steps: looped, convolutions run faster seed by seed" in done.out


NEED_FILES = {
    "mnist", "fashion-mnist", "cifar10", "cifar100", "svhn", "stl10", "celeba", "folder", "huggingface",
    "stacked-mnist", "stacked-fashion", "classifier", "stacked-classifier", "stacked-mnist32", "stacked-fashion32",
    "inception", "clip", "dinov2", "vgg16",
}  # fmt: skip
"""Checked where their files are made."""

NEED_EXTRAS = {"mlflow", "wandb"}
"""Not installed by `make env`, and the second needs a key besides: checked offline by their own tests."""


@pytest.mark.slow
def test_everything_that_ships_is_checked_and_takes_a_known_path(inside: Cli) -> None:
    done = inside("check", "--format", "json")
    assert (done.code, done.err) == (0, "")
    reports = json.loads(done.out)
    assert len(reports) > 50
    assert {report["name"] for report in reports if report["not_run"]} <= NEED_FILES | NEED_EXTRAS
    for report in reports:
        assert not [one for one in report["findings"] if one["level"] != "note"], report
        if report["kind"] in ("loss", "transform", "architecture"):
            assert report["paths"], report
            assert not [path for path in report["paths"] if "vmap" in path["reason"]], report
