"""How a trained generator is sampled: latents that are cut off, labels by frequencies, statistics computed anew."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from ganbench.engine.networks import initial
from ganbench.engine.state import TrainedSeed
from ganbench.evaluation.generate import Sampling, batches, generate, labels_at, truncated

CPU = torch.device("cpu")


class Echo:
    """A conditional pair whose G returns its latents and, in the last place, the label."""

    latent = 3
    conditional = True

    def generator(self, shape: tuple[int, ...], classes: int = 0) -> nn.Module:
        self.classes = classes
        return _Echo()

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Linear(4, 1)

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return None


class _Echo(nn.Module):
    def forward(self, latent: Tensor, labels: Tensor) -> Tensor:
        return torch.cat([latent, labels[:, None].float()], dim=1)


class Normalized:
    """G is batch normalization alone, so that its statistics are those of the latents."""

    latent = 2

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.BatchNorm1d(2)

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Linear(2, 1)

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return None


class Psi(Normalized):
    """G truncates in its own way."""

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        return _Psi()


class _Psi(nn.Module):
    truncation = 1.0

    def forward(self, latent: Tensor) -> Tensor:
        return self.truncation * latent


def test_truncated_latents_have_the_truncated_normal_distribution() -> None:
    latent = torch.randn(20_000, generator=torch.Generator().manual_seed(0))
    for threshold in (0.3, 1.0, 2.5):
        cut = truncated(latent, threshold)
        assert float(cut.abs().max()) <= threshold
        assert bool((cut[latent.argsort()].diff() >= 0).all())
        assert stats.kstest(cut.numpy(), stats.truncnorm(-threshold, threshold).cdf).pvalue > 0.01
    assert torch.allclose(truncated(latent, 9.0), latent, atol=1e-6)
    assert torch.allclose(truncated(torch.tensor([50.0, -50.0]), 2.0), torch.tensor([2.0, -2.0]))


def test_labels_have_the_frequencies_of_the_data() -> None:
    uniform = torch.tensor([0.0, 0.0999, 0.1, 0.9999, 0.35])
    assert labels_at(uniform, (1, 0, 3, 6)).tolist() == [0, 0, 2, 3, 2]
    made = generate(Echo(), (4,), TrainedSeed(1), Sampling(4000, class_counts=(100, 0, 300)), CPU)
    assert made.labels is not None
    assert torch.equal(made.samples[:, 3].long(), made.labels)
    counts = np.bincount(made.labels.numpy(), minlength=3)
    assert counts[1] == 0
    assert abs(counts[0] / 4000 - 0.25) < 0.03


def test_labels_that_are_asked_for_are_given_batch_by_batch() -> None:
    wanted = torch.arange(1234) % 3
    architecture = Echo()
    parts = list(
        batches(architecture, (4,), TrainedSeed(1), Sampling(1234, class_counts=(1, 1, 1), labels=wanted), CPU)
    )
    assert architecture.classes == 3
    assert [len(part.samples) for part in parts] == [500, 500, 234]
    assert torch.equal(torch.cat([part.samples[:, 3] for part in parts]).long(), wanted)


def test_standing_statistics_are_those_of_the_latents() -> None:
    _, params, buffers = initial(lambda: nn.BatchNorm1d(2), 1, "generator")
    wrong = {"running_mean": torch.tensor([5.0, -5.0]), "running_var": torch.tensor([9.0, 9.0])}
    trained = TrainedSeed(1, params=params, buffers={**buffers, **wrong})
    plain = generate(Normalized(), (2,), trained, Sampling(5000), CPU).samples
    standing = generate(Normalized(), (2,), trained, Sampling(5000, standing=200), CPU).samples
    latent = plain * (9 + 1e-5) ** 0.5 + torch.tensor([5.0, -5.0])
    assert torch.allclose(standing, latent, atol=0.05)  # mean 0 and variance 1 up to the error of 20,000 latents
    assert trained.buffers["running_mean"].tolist() == [5.0, -5.0]
    halved = generate(Normalized(), (2,), trained, Sampling(5000, standing=200, truncation=0.5), CPU).samples
    assert halved.std().item() == pytest.approx(1, abs=0.03)


def test_a_generator_may_truncate_in_its_own_way() -> None:
    trained = TrainedSeed(1)
    plain, own = (generate(Psi(), (2,), trained, Sampling(50, truncation=psi), CPU).samples for psi in (None, 0.25))
    assert torch.allclose(own, plain / 4)


def test_a_batch_of_samples_that_memory_does_not_suffice_for_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    """The samples are the same; so are those of labels, which are halved with the latents."""
    sampling = Sampling(70, class_counts=(3, 5))
    wanted = generate(Echo(), (4,), TrainedSeed(1), sampling, CPU)
    plain, sizes = _Echo.forward, list[int]()

    def narrow(self: _Echo, latent: Tensor, labels: Tensor) -> Tensor:
        sizes.append(len(latent))
        if len(latent) > 20:
            raise torch.OutOfMemoryError("too little")
        return plain(self, latent, labels)

    monkeypatch.setattr(_Echo, "forward", narrow)
    found = generate(Echo(), (4,), TrainedSeed(1), sampling, CPU)
    assert torch.equal(found.samples, wanted.samples)
    assert sizes == [70, 35, 18, 17, 35, 18, 17]
