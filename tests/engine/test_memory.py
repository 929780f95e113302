"""What may be made at a time: the cache of a CPU, a share of a device's free memory."""

from __future__ import annotations

import pytest
import torch

import ganbench
from ganbench.engine import memory

CPU, GPU = torch.device("cpu"), torch.device("meta")


@pytest.mark.parametrize(
    ("free", "wanted"),
    [(0, 2), (20, 2), (64, 8), (100, 8), (127, 8), (128, 16), (4095, 256), (4096, 512), (80_000, 512)],
)
def test_a_chunk_is_an_eighth_of_what_is_free_as_a_power_of_two(
    free: int, wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In MiB; small changes of what is free do not change it."""
    monkeypatch.setattr(memory, "free_bytes", lambda _: free << 20)
    assert ganbench.chunk_bytes(GPU) == wanted << 20
    assert ganbench.chunk_bytes(CPU) == 2 << 20


def test_what_is_free_on_a_gpu_includes_what_this_process_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1000, 9000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 500)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 200)
    assert memory.free_bytes(torch.device("cuda", 1)) == 1300
    assert memory.free_bytes(GPU) == memory.UNKNOWN
