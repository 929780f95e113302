"""The plain loop: GAN training as in a textbook, in its own process."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.cases import Case


class PlainLoop:
    """Goodfellow et al. 2014, algorithm 1: two modules, two optimizers, a DataLoader, `.item()`."""

    def __init__(self, case: Case, generator: nn.Module, discriminator: nn.Module) -> None:
        self.case, self.generator, self.discriminator = case, generator, discriminator
        self.d_optimizer = torch.optim.Adam(discriminator.parameters(), case.lr, betas=case.betas)
        self.g_optimizer = torch.optim.Adam(generator.parameters(), case.lr, betas=case.betas)
        self.bce = nn.BCEWithLogitsLoss()
        kind = next(discriminator.parameters()).dtype
        self.ones, self.zeros = torch.ones(case.batch, 1, dtype=kind), torch.zeros(case.batch, 1, dtype=kind)
        self.log: list[tuple[float, float]] = []

    def step(self, real: Tensor, latent: Callable[[], Tensor]) -> None:
        """D on a real and a fake batch, then G by the non-saturating loss on new latents."""
        self.d_optimizer.zero_grad()
        with torch.no_grad():
            fake = self.generator(latent())
        d_loss = self.bce(self.discriminator(real), self.ones) + self.bce(self.discriminator(fake), self.zeros)
        d_loss.backward()
        self.d_optimizer.step()
        self.g_optimizer.zero_grad()
        g_loss = self.bce(self.discriminator(self.generator(latent())), self.ones)
        g_loss.backward()
        self.g_optimizer.step()
        self.log.append((d_loss.item(), g_loss.item()))

    def run(self, loader: DataLoader[tuple[Tensor, ...]], seconds: float) -> float:
        """Steps per second, over at least `seconds`."""
        latents = _fresh(self.case)
        steps, began = 0, time.perf_counter()
        while True:
            for (real,) in loader:
                self.step(real, latents)
                steps += 1
                if steps % 5 == 0 and time.perf_counter() - began >= seconds:
                    return steps / (time.perf_counter() - began)


def _fresh(case: Case) -> Callable[[], Tensor]:
    size = (case.batch, case.latent)
    return lambda: torch.randn(size)


def losses(case: Case, modules: tuple[nn.Module, nn.Module], batches: Iterator[tuple[Tensor, Tensor]]) -> Tensor:
    """D's and G's losses (steps, 2) for given batches: (real batch, the step's two latent batches)."""
    loop = PlainLoop(case, *modules)
    for real, latent in batches:
        loop.step(real, iter(latent).__next__)
    return torch.tensor(loop.log, dtype=torch.float64)


def serve(pipe: Connection, case: Case, threads: int | None) -> None:
    """A process that measures on request: it receives a number of seconds and sends steps per second."""
    if threads:
        torch.set_num_threads(threads)
    torch.manual_seed(0)
    loop = PlainLoop(case, *case.modules())
    loader = DataLoader(TensorDataset(case.data()), batch_size=case.batch, shuffle=True, drop_last=True)
    loop.run(loader, 0.5)
    pipe.send(torch.get_num_threads())
    while (seconds := pipe.recv()) is not None:
        loop.log.clear()
        rate = loop.run(loader, seconds)
        pipe.send((rate, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))
