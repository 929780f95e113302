"""On a device without float64, as Apple's GPUs: a cell trains to the bits of a CPU, and its scores are computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench import Data
from ganbench.conformance.pretended import Elsewhere, Held
from ganbench.engine.checkpoints import Checkpoints
from ganbench.engine.objective import Objective
from ganbench.engine.state import TrainedSeed
from ganbench.engine.trainer import Trainer
from ganbench.evaluation import placement
from ganbench.registry.registry import Registry
from ganbench.results.records import AnyRecord, Record
from ganbench.runner.worker import CheckpointSettings, Outputs, train_cell
from ganbench.suite.expand import expand
from ganbench.suite.load import load
from ganbench.suite.specs import Cell
from ganbench.suite.train_spec import TrainSpec
from ganbench_architectures.mlp import Mlp
from ganbench_losses.nonsaturating import NonSaturating
from ganbench_losses.rpgan import RpGAN
from ganbench_losses.zero_centered import R1, R2
from ganbench_transforms.noise import InstanceNoise

CPU = torch.device("cpu")
POINTS = Data(torch.randn(200, 2, generator=torch.Generator().manual_seed(0)))
OBJECTIVES = {
    "nonsaturating": Objective.of(NonSaturating()),
    "penalties and noise": Objective.of(RpGAN(), R1(), R2(), transforms=(InstanceNoise(),)),
}


class Single(Elsewhere):  # type: ignore[no-untyped-call]
    """A pretended device that refuses float64 as torch's mps does."""

    def _placed(self, made: Any, given: Sequence[Held]) -> Any:
        if isinstance(made, Tensor) and made.dtype == torch.float64:
            raise TypeError(
                "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64."
            )
        return super()._placed(made, given)


@pytest.fixture
def single() -> Iterator[Single]:
    placement.arithmetic_device.cache_clear()  # other tests pretend a device of the same name that has float64
    device = Single()
    with device:
        yield device
    placement.arithmetic_device.cache_clear()


def test_the_device_refuses_float64(single: Single) -> None:
    with pytest.raises(TypeError, match="float64"):
        torch.ones(2).to(single.device).double()


def _trained(name: str, batch: int, device: torch.device) -> list[TrainedSeed]:
    spec = TrainSpec(steps=12, batch=batch, engine="eager")
    return Trainer(OBJECTIVES[name], Mlp(width=16, depth=1), POINTS, spec, (0, 1), device).run()


@pytest.mark.parametrize("batch", [24, 32], ids=["looped", "stacked"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_cell_trains_there_to_the_bits_of_a_cpu(single: Single, name: str, batch: int) -> None:
    for ours, theirs in zip(*(_trained(name, batch, device) for device in (single.device, CPU)), strict=True):
        assert ours.params.device == CPU
        assert torch.equal(ours.params, theirs.params)
        torch.testing.assert_close(
            torch.tensor(ours.history), torch.tensor(theirs.history), rtol=0, atol=0, equal_nan=True
        )


def test_a_worker_trains_saves_and_scores_there(
    single: Single, registry: Registry, suite: Path, tmp_path: Path
) -> None:
    cell = expand(load(suite), registry).cells[0].with_seeds((0,))
    cell = replace(cell, spec=replace(cell.spec, train=replace(cell.spec.train, steps=20)))
    ours, theirs = (_record(registry, cell, device, tmp_path / device.type) for device in (single.device, CPU))
    assert ours.ok, ours.reason
    assert not ours.evaluation.missing
    assert ours.provenance.device == single.device.type
    assert ours.evaluation.metrics == pytest.approx(dict(theirs.evaluation.metrics), rel=1e-6)
    assert ours.files == theirs.files
    assert Checkpoints(tmp_path / single.device.type / "checkpoints").load(ours.id) is not None


def _record(registry: Registry, cell: Cell, device: torch.device, folder: Path) -> Record:
    records: list[AnyRecord] = []

    def stage(name: str) -> Path:
        (folder / name).mkdir(parents=True)
        return folder / name

    outputs = Outputs(stage, lambda record, folder: records.append(record))
    checkpointing = CheckpointSettings(Checkpoints(folder / "checkpoints"), 0, lambda: False)
    train_cell(registry, "small", cell, device, outputs, checkpointing)
    (record,) = records
    assert isinstance(record, Record)
    return record
