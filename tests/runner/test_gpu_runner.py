"""On a machine with a GPU: what doctor finds, whole runs on every card, memory that is too small."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import ganbench as gb
from ganbench.results.store import Store
from ganbench.runner import inspection
from ganbench.runner.events import Event, JobRetried

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine"),
    pytest.mark.slow,
]
GREEDY = """
from dataclasses import dataclass

import torch
from ganbench import hookimpl
from ganbench_losses.minimax import Minimax


class Greedy(Minimax):
    "Asks for more memory than any GPU has."

    def d_loss(self, critic):
        if critic.real.is_cuda:  # the check for hidden state runs on the CPU
            torch.empty(1 << 44, dtype=torch.uint8, device=critic.real.device)
        return super().d_loss(critic)


@hookimpl
def register_losses():
    return {"greedy": Greedy}
"""


def test_every_card_is_listed_and_trains_ten_steps() -> None:
    found = inspection.cards()
    assert [card.device for card in found] == [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    for index, card in enumerate(found):
        assert card.name == torch.cuda.get_device_name(index)
        assert card.free is not None
        assert 0 < card.free <= card.memory
        assert card.driver is not None
        for one in inspection.trials(card.device):
            assert one.worked, one


def test_a_run_names_its_card_by_the_model(suite: Path, tmp_path: Path) -> None:
    gb.run(suite, results=tmp_path / "results", device="cuda")
    names = {f"cuda ({torch.cuda.get_device_name(index)})" for index in range(torch.cuda.device_count())}
    records = list(Store(tmp_path / "results").all_runs())
    assert records
    assert all(record.ok and record.provenance.device in names for record in records)


def test_what_needs_more_than_a_card_has_fails_in_one_sentence(suite: Path, tmp_path: Path) -> None:
    (tmp_path / "greedy.py").write_text(GREEDY)
    suite.write_text(suite.read_text().replace("[minimax, nonsaturating]", "[greedy]") + "plugins: [greedy.py]\n")
    seen: list[Event] = []
    gb.run(suite, results=tmp_path / "results", device="cuda:0", on_event=seen.append)
    records = list(Store(tmp_path / "results").all_runs())
    assert {record.status for record in records} == {"out-of-memory"}
    assert all("does not fit into the memory of cuda:0: 16384.00 GiB more were needed" in one.reason for one in records)
    assert any(isinstance(event, JobRetried) and "trying 1" in event.text for event in seen)
