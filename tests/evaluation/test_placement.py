"""Where scores are computed: on the device for metrics that can, on the CPU for others and where memory is short."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from evaluators import digits_like, evaluator_of
from torch import Tensor

from ganbench import Dataset, Features, View
from ganbench.conformance.pretended import Elsewhere
from ganbench.evaluation import extraction, placement
from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.extraction import NotFinite, features_of
from ganbench.evaluation.neighbor_grid import neighbor_grid
from ganbench.registry.registry import Registry
from ganbench_extractors.digits16 import Digits16

CPU = torch.device("cpu")
PROTOCOL = ["fid", "inception-score", "precision-recall", "coverage-density", "memorisation", "modes", "spread"]


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with torch.no_grad(), Elsewhere() as mode:
        yield mode


def _on(device: torch.device, like: Evaluator, metrics: dict[str, Any] | None = None) -> Evaluator:
    """An evaluator of the same protocol on another device."""
    return Evaluator(like.dataset, like.evaluation, like.extractor, metrics or like.metrics, device, like.splits)


def test_the_scores_of_another_device_are_those_of_a_cpu(registry: Registry, elsewhere: Elsewhere) -> None:
    """Extraction, honest samples, verdict and histogram too; nothing large comes back."""
    here, fake = evaluator_of(registry, "digits", 1000, PROTOCOL), digits_like(1000)
    there = _on(elsewhere.device, here)
    wanted, found = (one.scores(fake).evaluation for one in (here, there))
    assert there.real.features.device == elsewhere.device
    assert dict(found.metrics) == pytest.approx(dict(wanted.metrics), rel=1e-6)
    assert found.at_reference_counts is not None
    assert wanted.at_reference_counts is not None
    assert dict(found.at_reference_counts.honest) == pytest.approx(dict(wanted.at_reference_counts.honest), rel=1e-6)
    assert (found.verdict, found.histogram) == (wanted.verdict, wanted.histogram)
    pictures = [neighbor_grid(one, fake) for one in (here, there)]
    assert pictures[0] is not None
    assert pictures[0] == pictures[1]


@dataclass(frozen=True)
class Seen:
    """Where a metric's inputs are, as 1 for the CPU."""

    better = {"here": "higher"}
    uses_extractor = True

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        assert real.other is not None
        sides = (real, fake, real.other())
        given = [one for side in sides for one in (side.features, side.logits, side.modes, side.labels, side.samples)]
        (device,) = {one.device.type for one in given if one is not None}
        return {"here": float(device == "cpu")}

    def statistics(self, real: View, count: int) -> dict[str, Tensor]:
        return {"mean": real.features.mean(dim=0)}


@dataclass(frozen=True)
class SeenThere(Seen):
    """The same, on the device of the run."""

    on_device = True


@dataclass(frozen=True)
class Short(Seen):
    """Takes more memory than a device has."""

    on_device = True

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        if real.features.device.type != "cpu":
            raise torch.OutOfMemoryError("too little")
        return super().__call__(real, fake)


def _seen(registry: Registry, device: torch.device, metric: Any) -> float:
    like = evaluator_of(registry, "digits", 300, ["spread"])
    scores = _on(device, like, {"spread": metric}).scores(digits_like(300), labels=torch.arange(300) % 10)
    scores.require_some()
    return scores.values["here[digits16]"]


def test_a_metric_gets_tensors_on_the_device_only_if_it_says_so(registry: Registry, elsewhere: Elsewhere) -> None:
    assert _seen(registry, elsewhere.device, Seen()) == 1
    assert _seen(registry, elsewhere.device, SeenThere()) == 0
    assert _seen(registry, CPU, SeenThere()) == 1


def test_a_metric_that_runs_out_of_memory_is_computed_on_the_cpu(
    registry: Registry, elsewhere: Elsewhere, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _seen(registry, elsewhere.device, Short()) == 1
    assert "metric 'spread': the memory of meta does not suffice; computed on the CPU" in capsys.readouterr().err


def test_features_that_a_device_has_no_room_for_stay_on_the_cpu(
    registry: Registry, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placement, "free_bytes", lambda _: 100_000)
    assert _seen(registry, elsewhere.device, SeenThere()) == 1


def test_a_device_without_float64_extracts_features_only(
    registry: Registry, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = torch.zeros

    def zeros(*size: Any, **given: Any) -> Tensor:
        if given.get("dtype") == torch.float64 and given.get("device") == elsewhere.device:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        return made(*size, **given)

    monkeypatch.setattr(torch, "zeros", zeros)
    placement.arithmetic_device.cache_clear()
    try:
        assert _seen(registry, elsewhere.device, SeenThere()) == 1
    finally:
        placement.arithmetic_device.cache_clear()


def test_what_a_device_computes_is_kept_apart_from_what_a_cpu_does(
    registry: Registry, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Features and statistics have other last digits there."""
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path))
    here = evaluator_of(registry, "digits", 300, ["spread"])
    here.scores(digits_like(300), with_verdict=False)
    kept = set((tmp_path / "features").iterdir())
    _on(elsewhere.device, here).scores(digits_like(300), with_verdict=False)
    everything = set((tmp_path / "features").iterdir())
    assert len(everything) == 2 * len(kept)
    _on(elsewhere.device, here).scores(digits_like(300), with_verdict=False)
    assert set((tmp_path / "features").iterdir()) == everything


def test_a_device_gets_its_own_size_of_batches(registry: Registry, elsewhere: Elsewhere) -> None:
    sizes: list[int] = []

    class Counting(Digits16):
        batch, device_batch = 50, 250

        def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
            extract = super().open(dataset, device)

            def counted(images: Tensor) -> Features:
                sizes.append(len(images))
                return extract(images)

            return counted

    like = evaluator_of(registry, "digits", 300, ["spread"])
    like.extractor = Counting()
    for device, wanted in ((CPU, [50] * 6), (elsewhere.device, [250, 50])):
        evaluator = _on(device, like)
        sizes.clear()
        evaluator.features(digits_like(300))
        assert sizes == wanted


def _mean(images: Tensor) -> Features:
    return Features(images.flatten(1).mean(dim=1, keepdim=True))


def test_a_batch_that_memory_does_not_suffice_for_is_halved() -> None:
    sizes: list[int] = []

    def narrow(images: Tensor) -> Features:
        sizes.append(len(images))
        if len(images) > 30:
            raise torch.OutOfMemoryError("too little")
        return _mean(images)

    samples = torch.arange(100.0).reshape(100, 1)
    found = features_of(narrow, samples, 100, CPU, CPU)
    assert torch.equal(found.features, samples)
    assert sizes == [100, 50, 25, 25, 25, 25]
    with pytest.raises(torch.OutOfMemoryError):
        features_of(lambda _: narrow(torch.zeros(31, 1)), samples, 4, CPU, CPU)


def test_bytes_are_converted_on_the_device(elsewhere: Elsewhere) -> None:
    samples = torch.arange(256, dtype=torch.uint8).reshape(256, 1)
    found = features_of(_mean, samples, 100, elsewhere.device, elsewhere.device)
    assert found.features.device == elsewhere.device
    torch.testing.assert_close(found.features.cpu(), samples.float() / 127.5 - 1)
    assert elsewhere.largest <= 4 * 256  # no batch and no feature is copied as floats on the CPU first


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("worst", [float("nan"), float("inf")])
def test_what_is_not_finite_is_found_on_every_device(device: str, worst: float, elsewhere: Elsewhere) -> None:
    there = torch.device(device)
    samples = torch.ones(100, 3)
    samples[77, 1] = worst
    with pytest.raises(NotFinite, match="samples"):
        features_of(_mean, samples, 40, there, there)
    with pytest.raises(NotFinite, match="features"):
        features_of(lambda x: Features(x / 0), torch.ones(100, 3), 40, there, there)


def test_features_are_never_rounded_to_tf32() -> None:
    """A run trained in TF32 is measured as all others are, and trains on as before."""
    flags: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [flag.allow_tf32 for flag in flags]
    seen: list[bool] = []

    def watched(images: Tensor) -> Features:
        seen.extend(flag.allow_tf32 for flag in flags)
        return _mean(images)

    try:
        for flag in flags:
            flag.allow_tf32 = True
        features_of(watched, torch.ones(3, 2), 5, CPU, CPU)
        assert seen == [False, False]
        assert all(flag.allow_tf32 for flag in flags)
    finally:
        for flag, value in zip(flags, before, strict=True):
            flag.allow_tf32 = value


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_batches_pass_through_page_locked_memory_unchanged() -> None:
    samples = torch.randint(256, (1003, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    parts = list(extraction.batches(samples, 100, torch.device("cuda")))
    assert torch.equal(torch.cat(parts).cpu(), samples)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_scores_on_a_gpu_are_those_of_a_cpu(registry: Registry) -> None:
    here, fake = evaluator_of(registry, "digits", 1000, [*PROTOCOL, "kid"]), digits_like(1000)
    wanted, found = (one.scores(fake).values for one in (here, _on(torch.device("cuda"), here)))
    assert dict(found) == pytest.approx(dict(wanted), rel=1e-4)  # of features that differ by 1e-6 themselves
