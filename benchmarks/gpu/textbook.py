"""The plain loop on a GPU as it is usually written, and the same step captured by hand as one CUDA graph."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.gpu.cases import PENALTIES, GpuCase

WARM_UPS = 3


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Textbook:
    """Goodfellow et al. 2014, algorithm 1, with `torch.optim.Adam`; the relativistic loss with R1 and R2 on request."""

    def __init__(self, one: GpuCase, device: torch.device, captured: bool = False) -> None:
        self.case, self.device, self.penalized = one.case, device, one.loss == PENALTIES
        self.bf16 = one.precision == "bf16"
        torch.manual_seed(0)
        self.generator, self.discriminator = (module.to(device) for module in one.case.modules())
        capturable = captured and device.type == "cuda"
        self.d_optimizer, self.g_optimizer = (
            torch.optim.Adam(module.parameters(), one.case.lr, betas=one.case.betas, capturable=capturable)
            for module in (self.discriminator, self.generator)
        )
        self.bce = nn.BCEWithLogitsLoss()
        self.ones = torch.ones(one.case.batch, 1, device=device)
        self.zeros = torch.zeros(one.case.batch, 1, device=device)

    def _latent(self) -> Tensor:
        return torch.randn(self.case.batch, self.case.latent, device=self.device)

    def _logits(self, samples: Tensor) -> Tensor:
        with self._cast():
            found: Tensor = self.discriminator(samples)
        return found.float()

    def _fakes(self) -> Tensor:
        with self._cast():
            found: Tensor = self.generator(self._latent())
        return found.float()

    def _cast(self) -> torch.autocast | nullcontext[None]:
        return torch.autocast(self.device.type, torch.bfloat16) if self.bf16 else nullcontext()

    def d_loss(self, real: Tensor) -> Tensor:
        with torch.no_grad():
            fake = self._fakes()
        if not self.penalized:
            return self.bce(self._logits(real), self.ones) + self.bce(self._logits(fake), self.zeros)  # type: ignore[no-any-return]
        real, fake = real.detach().requires_grad_(), fake.requires_grad_()
        on_real, on_fake = self._logits(real), self._logits(fake)
        return softplus(on_fake - on_real).mean() + self._penalty(on_real, real) + self._penalty(on_fake, fake)

    @staticmethod
    def _penalty(logits: Tensor, samples: Tensor) -> Tensor:
        (gradient,) = torch.autograd.grad(logits.sum(), samples, create_graph=True)
        return gradient.square().flatten(1).sum(1).mean() / 2

    def g_loss(self, real: Tensor) -> Tensor:
        on_fake = self._logits(self._fakes())
        if not self.penalized:
            return self.bce(on_fake, self.ones)  # type: ignore[no-any-return]
        return softplus(self._logits(real) - on_fake).mean()

    def step(self, real: Tensor) -> tuple[Tensor, Tensor]:
        """One step of D and one of G, by the usual calls."""
        self.d_optimizer.zero_grad()
        d_loss = self.d_loss(real)
        d_loss.backward()  # type: ignore[no-untyped-call]
        self.d_optimizer.step()
        self.g_optimizer.zero_grad()
        g_loss = self.g_loss(real)
        g_loss.backward()  # type: ignore[no-untyped-call]
        self.g_optimizer.step()
        return d_loss, g_loss


def textbook_rate(one: GpuCase, device: torch.device, seconds: float) -> float:
    """Steps per second of the loop with a DataLoader and two `.item()` a step, over at least `seconds`."""
    loop = Textbook(one, device)
    loader = DataLoader(TensorDataset(one.case.data()), batch_size=one.case.batch, shuffle=True, drop_last=True)
    log: list[tuple[float, float]] = []
    steps, began = -WARM_UPS, time.perf_counter()
    while True:
        for (real,) in loader:
            d_loss, g_loss = loop.step(real.to(device))
            log.append((d_loss.item(), g_loss.item()))
            steps += 1
            if steps == 0:
                began = time.perf_counter()
            elif steps > 0 and time.perf_counter() - began >= seconds:
                return steps / (time.perf_counter() - began)


def captured_rate(one: GpuCase, device: torch.device, seconds: float) -> float:
    """Steps per second of the whole step as one CUDA graph: batch and latents are drawn in it, no loss is read.

    On a CPU, which captures nothing, the step is called.
    """
    loop, data = Textbook(one, device, captured=True), one.case.data().to(device)

    def body() -> None:
        loop.step(data[torch.randint(len(data), (one.case.batch,), device=device)])

    replay = _captured(body, device)
    return repeated(replay, device, seconds, at_once=20 if device.type == "cuda" else 1)


def _captured(body: Callable[[], None], device: torch.device) -> Callable[[], None]:
    if device.type != "cuda":
        body()
        return body
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UPS):
            body()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        body()
    return graph.replay


def repeated(work: Callable[[], object], device: torch.device, seconds: float, at_once: int = 20) -> float:
    """Calls per second, waiting for the device after every `at_once` of them, over at least `seconds`."""
    work()
    synchronize(device)
    calls, began = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - began < seconds:
        for _ in range(at_once):
            work()
        synchronize(device)
        calls += at_once
    return calls / (time.perf_counter() - began)
