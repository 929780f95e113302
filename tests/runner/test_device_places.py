"""Where workers compute: GPUs by number, workers for each, GPUs that are lost."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from ganbench.engine.devices import Card, cores
from ganbench.errors import UsageError
from ganbench.registry.registry import Registry
from ganbench.runner.jobs import CellJob
from ganbench.runner.places import VISIBLE, Place, Places, place, places, step_size, workers_of
from ganbench.runner.scheduler import ordered
from ganbench.suite.expand import expand
from ganbench.suite.load import load
from ganbench.suite.specs import Cell

GIB = 1 << 30
BIG = Card("big", 80 * GIB, 270_336)


@pytest.mark.parametrize(
    ("device", "visible", "own"),
    [("cuda:0", None, "0"), ("cuda:2", None, "2"), ("cuda:1", "4,7", "7"), ("cuda:0", " 3 ,1", "3"), ("cuda", "5", "5"),
     ("cuda:1", "GPU-8932f937,MIG-aa/1/0", "MIG-aa/1/0")],
)  # fmt: skip
def test_a_worker_sees_its_own_card_alone(device: str, visible: str | None, own: str) -> None:
    environment = {"PATH": "/bin"} | ({} if visible is None else {VISIBLE: visible})
    found = place(device, environment)
    assert found.environment == {VISIBLE: own}
    assert (found.device, found.is_card) == ("cuda", True)
    assert found.name == (device if ":" in device else "cuda:0")


def test_a_cpu_and_an_apple_gpu_need_no_binding() -> None:
    assert place("cpu", {}) == Place("cpu", "cpu")
    assert place("mps", {}) == Place("mps", "mps")


@pytest.mark.parametrize(
    ("largest", "card", "expected"),
    [
        (8_192, BIG, 4),  # 16 seeds x batch 128 x 2 moves x 2 numbers
        (270_335, BIG, 4),
        (270_336, BIG, 2),
        (3_145_728, BIG, 2),  # 8 seeds x batch 64 x 2 moves x 3 x 32 x 32
        (8_192, Card("small", 11 * GIB, 69_632), 2),
        (8_192, Card("tiny", 3 * GIB, 16_384), 1),
    ],
)
def test_the_workers_of_a_card_follow_from_cells_and_card(largest: int, card: Card, expected: int) -> None:
    assert workers_of(card, largest) == expected


def _cell(suite: Path, registry: Registry) -> Cell:
    return expand(load(suite), registry).cells[0]


def test_the_numbers_of_a_step_are_those_of_all_moves_and_seeds(registry: Registry, suite: Path) -> None:
    cell = _cell(suite, registry).with_seeds((0, 1, 2))
    cell = replace(cell, spec=replace(cell.spec, train=replace(cell.spec.train, batch=32, n_dis=5)))
    assert step_size(cell, registry) == 3 * 32 * 6 * 2  # points have two coordinates


def test_workers_are_dealt_over_the_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.engine.devices.cores", lambda: 16)
    two = places(["cuda:0", "cuda:1"], "auto", [8_192], [BIG, BIG])
    assert (two.workers, two.each, two.side_by_side) == (8, 4, 2)
    assert two.text(chosen=True) == "devices cuda:0 and cuda:1 (chosen by auto), 8 worker processes, up to 4 on each"
    asked = places(["cuda:0", "cuda:1"], "3", [], [BIG, BIG])
    assert (asked.workers, asked.each) == (3, 2)
    one = places(["cuda:1"], "1", [], [BIG])
    assert one.text() == "device cuda:1, 1 worker process"
    assert one.side_by_side == 1
    monkeypatch.setattr("ganbench.engine.devices.cores", lambda: 2)
    assert places(["cuda:0"], "auto", [8_192], [BIG]).workers == 2
    assert places(["cuda:0", "cuda:1", "cuda:2"], "auto", [8_192], [BIG] * 3).workers == 3


def test_a_cpu_has_a_worker_per_core() -> None:
    found = places(["cpu"], "auto", [])
    assert found.workers == found.side_by_side == cores()
    assert 1 <= cores() <= (os.cpu_count() or 1)
    assert places(["mps"], "auto", []).workers == 1


@pytest.mark.parametrize("jobs", ["0", "-1", "two", "1.5", ""])
def test_a_number_of_workers_that_is_none_is_refused(jobs: str) -> None:
    with pytest.raises(UsageError, match="--jobs"):
        places(["cpu"], jobs, [])


def test_a_card_that_is_lost_twice_is_not_used_again() -> None:
    first, second = place("cuda:0", {}), place("cuda:1", {})
    pool = Places([first, second], 4)
    assert pool.lost(first, "no answer") == ""
    assert pool.candidates("cuda:0") == [second]
    assert pool.lost(first, "no answer") == "cuda:0 is no longer used, cuda:1 is left"
    assert pool.usable == pool.candidates("cuda:1") == [second]
    assert pool.refused(second, "fell off the bus") == ""
    assert pool.refused(second, "fell off the bus") == "cuda:1 is no longer used, cuda:0 is left"
    pool.refused(first, "no answer")
    assert pool.refused(first, "no answer") == "cuda:0 is no longer used, no GPU is left"
    assert pool.usable == []
    assert pool.nothing_left.startswith("no GPU is left (cuda:0: no answer; cuda:1: fell off the bus); ")


def test_a_loss_that_a_job_caused_is_taken_back() -> None:
    only = place("cuda:0", {})
    other = place("cuda:1", {})
    pool = Places([only, other], 1)
    for _ in range(5):
        assert pool.lost(only, "died") == ""
        pool.forgive("cuda:0")
    assert pool.usable == [only, other]


def test_the_only_card_that_answers_is_used_whatever_was_lost_there() -> None:
    only = place("cuda:0", {})
    pool = Places([only], 1)
    assert [pool.lost(only, "died") for _ in range(5)] == [""] * 5
    assert pool.usable == [only]


def test_a_job_has_as_many_parts_as_gain_from_being_apart(registry: Registry, suite: Path) -> None:
    job = CellJob("small", _cell(suite, registry).with_seeds((0, 1, 2, 3)))
    for parts, expected in ((1, [4]), (2, [2, 2]), (3, [2, 1, 1])):
        found = ordered([job], registry, parts)
        assert [len(one.cell.seeds) for one in found if isinstance(one, CellJob)] == expected
