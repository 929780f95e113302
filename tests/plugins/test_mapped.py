"""Arrays that processes share are those that were computed, whatever happens to their files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganbench_datasets import stacked
from ganbench_datasets.mapped import mapped
from ganbench_datasets.stacked import StackedDigits

NUMBERS = torch.arange(1000, dtype=torch.uint8).reshape(10, 100)


def test_what_was_computed_once_is_mapped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    calls = []

    def compute() -> Tensor:
        calls.append(1)
        return NUMBERS.clone()

    first, again = mapped("numbers", compute), mapped("numbers", compute)
    assert torch.equal(first, NUMBERS)
    assert torch.equal(again, NUMBERS)
    assert len(calls) == 1
    again += 1  # in memory alone
    assert torch.equal(mapped("numbers", compute), NUMBERS)
    assert sorted(path.name for path in (tmp_path / "mapped").iterdir()) == ["numbers.hash", "numbers.npy"]


@pytest.mark.parametrize("damage", ["changed", "truncated", "empty", "no seal"])
def test_a_damaged_file_is_computed_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: str) -> None:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    mapped("numbers", NUMBERS.clone)
    path = tmp_path / "mapped" / "numbers.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    if damage == "no seal":
        path.with_suffix(".hash").unlink()
    else:
        path.write_bytes({"changed": bytes(content), "truncated": bytes(content[:-50]), "empty": b""}[damage])
    assert torch.equal(mapped("numbers", NUMBERS.clone), NUMBERS)
    assert path.read_bytes()[-1] == content[-1] ^ 1


def test_without_a_cache_the_result_stays_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "file"))
    assert torch.equal(mapped("numbers", NUMBERS.clone), NUMBERS)


def test_a_stacked_set_has_the_same_samples_whether_mapped_or_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    plain = StackedDigits(300).load("train")
    monkeypatch.setattr(stacked, "MAPPED_FROM", 1)
    for _ in range(2):
        samples, labels = StackedDigits(300).load("train")
        assert torch.equal(samples, plain.samples)
        assert labels is not None
        assert plain.labels is not None
        assert torch.equal(labels, plain.labels)
    assert len(list((tmp_path / "mapped").glob("*-train.npy"))) == 1
