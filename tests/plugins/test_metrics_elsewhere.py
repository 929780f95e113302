"""Every shipped metric computes where its inputs are: the same scores there, within the memory that it may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import scipy.linalg
import torch
from torch import Tensor

import ganbench_metrics
import ganbench_metrics.distances
import ganbench_metrics.fidelity
from ganbench import View
from ganbench.conformance.pretended import Elsewhere
from ganbench.evaluation.placement import moved
from ganbench_metrics.fidelity import Fid

DIMS, REALS, FAKES = 8, 700, 900
SMALL = 1 << 16
"""Bytes of a chunk: tiles of 90 rows, with which every loop has several turns."""
SETTINGS: dict[str, dict[str, Any]] = {"kid": {"subsets": 10, "subset_size": 200}, "spread": {"count": 600}}
METRICS = {name: made(**SETTINGS.get(name, {})) for name, made in ganbench_metrics.register_metrics().items()}


class Labeled:
    """Three classes that are the modes too."""

    shape = (DIMS,)
    modes = classes = 3

    def log_density(self, x: Tensor) -> Tensor:
        """Up to a constant."""
        centers = 4 * torch.eye(3, DIMS, device=x.device)
        return torch.stack([-(x - center).square().sum(dim=1) / 2 for center in centers]).logsumexp(dim=0)


def _side(count: int, seed: int, scale: float = 1.0) -> View:
    """Points around three centers, which are their modes and labels; the classifier is right for most."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    points = 4 * torch.eye(3, DIMS)[labels] + scale * torch.randn(count, DIMS, generator=generator)
    logits = points[:, :3] + 0.5 * torch.randn(count, 3, generator=generator)
    return View(points, points, logits, logits.argmax(dim=1), labels, Labeled())  # type: ignore[arg-type]


def _sides() -> tuple[View, View]:
    held_out = _side(400, 2)
    real = _side(REALS, 0)._replace(split="train", other=lambda: held_out)
    fake = _side(FAKES, 1, 0.8)
    copied = torch.cat([real.stored[:90], fake.stored[90:]])
    return real, fake._replace(stored=copied, features=copied)


def _scores(metric: Any, real: View, fake: View, device: torch.device) -> Mapping[str, float]:
    """As the evaluator computes them: the statistics of the real side come from a cache."""
    if hasattr(metric, "statistics"):
        known = {name: one.cpu().to(device) for name, one in metric.statistics(real, fake.size).items()}
        real = real._replace(statistics=known)
    found: Mapping[str, float] = metric(real, fake)
    return found


def _there(metric: Any) -> tuple[Mapping[str, float], Elsewhere]:
    real, fake = _sides()
    with torch.no_grad(), Elsewhere() as mode:
        found = _scores(metric, moved(real, mode.device), moved(fake, mode.device), mode.device)
    return found, mode


def _chunks_of(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ganbench_metrics.distances, ganbench_metrics.fidelity):
        monkeypatch.setattr(module, "chunk_bytes", lambda _: size)


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("chunk", [None, SMALL], ids=["all at once", "in chunks"])
def test_scores_are_those_of_a_cpu(name: str, chunk: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    metric = METRICS[name]
    assert metric.on_device
    wanted = _scores(metric, *_sides(), torch.device("cpu"))
    if chunk is not None:
        _chunks_of(chunk, monkeypatch)
    found, _ = _there(metric)
    assert wanted
    assert found == pytest.approx(dict(wanted), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_no_tensor_is_larger_than_a_chunk_and_nothing_large_is_fetched(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The inputs in float64 are allowed; all distances at once would take 5 MB."""
    _chunks_of(SMALL, monkeypatch)
    _, mode = _there(METRICS[name])
    inputs = 8 * max(REALS, FAKES) * (DIMS if name != "sliced-wasserstein" else 64)  # at least 32 lines at a time
    assert 0 < mode.largest <= max(2 * SMALL, 8 * max(REALS, FAKES) * 2 * 32 if "wasserstein" in name else inputs)
    assert mode.fetched < 10_000


def test_fid_elsewhere_is_scipys() -> None:
    real, fake = (side.features.double().numpy() for side in _sides())
    means = [side.mean(axis=0) for side in (real, fake)]
    covariances = [torch.from_numpy(side).T.cov().numpy() for side in (real, fake)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    wanted = ((means[0] - means[1]) ** 2).sum() + sum(map(_trace, covariances)) - 2 * _trace(root)
    assert _there(Fid())[0]["FID"] == pytest.approx(wanted, rel=1e-9)


def _trace(matrix: Any) -> float:
    return float(matrix.trace())


def test_a_pretended_device_holds_numbers_and_mixes_with_no_other() -> None:
    here = torch.arange(6.0).reshape(2, 3)
    with torch.no_grad(), Elsewhere() as mode:
        there = here.to(mode.device)
        assert there.device.type != "cpu"
        made = torch.zeros(2, 3, device=mode.device)
        made[0] = there[1]
        assert made.tolist() == [[3.0, 4.0, 5.0], [0.0, 0.0, 0.0]]
        assert there[there > 3].tolist() == [4.0, 5.0]
        assert torch.tensor([1.0], device=mode.device).item() == 1.0
        kept = torch.zeros(2, 3).copy_(there)
        assert kept.device.type == "cpu"
        with pytest.raises(RuntimeError, match="some on the CPU"):
            there + here
        with pytest.raises(RuntimeError, match="some on the CPU"):
            torch.cat([there, here])
        for convert in (Tensor.numpy, __import__("numpy").asarray):
            with pytest.raises(TypeError, match="numpy"):
                convert(there)
        assert mode.fetched >= there.nbytes


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
@pytest.mark.parametrize("name", METRICS)
def test_scores_on_a_gpu_are_those_of_a_cpu(name: str) -> None:
    here, there = torch.device("cpu"), torch.device("cuda", 0)
    metric, (real, fake) = METRICS[name], _sides()
    found = _scores(metric, moved(real, there), moved(fake, there), there)
    near = 1e-5 if name == "kid" else 1e-6
    assert found == pytest.approx(dict(_scores(metric, real, fake, here)), rel=near, abs=1e-9)
