"""What the device reaches at best, and how much arithmetic a step needs."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.cases import Case
from benchmarks.gpu.cases import rounding
from benchmarks.gpu.textbook import synchronize

ROUNDS = 10


def measured_peak(device: torch.device, side: int, copied: int) -> dict[str, float]:
    """The best of some large matrix products of `side` rows, in FLOP/s by precision, and of a copy, in bytes/s."""
    found = {}
    for precision in ("fp32", "tf32", "bf16"):
        kind = torch.bfloat16 if precision == "bf16" else torch.float32
        a, b = (torch.randn(side, side, device=device, dtype=kind) for _ in range(2))
        with rounding(precision):
            found[precision] = 2 * side**3 / _best(lambda a=a, b=b: torch.mm(a, b), device)  # type: ignore[misc]
    source = torch.zeros(copied, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    found["copy"] = 2 * copied / _best(lambda: target.copy_(source), device)
    return found


def _best(work: Callable[[], object], device: torch.device) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        synchronize(device)
        began = time.perf_counter()
        work()
        synchronize(device)
        best = min(best, time.perf_counter() - began)
    return best


def step_flops(case: Case) -> int:
    """Floating-point operations of one step in matrix products and convolutions, without penalties.

    Moving a player costs three times its forward pass, passing a gradient through it twice. D sees a real and a fake
    batch and is moved; G makes the fakes, then is moved through D: 8 forward passes of D and 4 of G.
    """
    generator, discriminator = case.modules()
    latent = torch.randn(case.batch, case.latent)
    with torch.no_grad():
        return 4 * forward_flops(generator, latent) + 8 * forward_flops(discriminator, generator(latent))


def forward_flops(module: nn.Module, inputs: Tensor) -> int:
    """Floating-point operations of a forward pass in linear layers and (transposed) convolutions."""
    total = 0

    def add(layer: nn.Module, given: tuple[Any, ...], result: Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Linear):
            total += 2 * result.numel() * layer.in_features
        elif isinstance(layer, nn.modules.conv._ConvTransposeNd):
            total += 2 * given[0].numel() * layer.out_channels // layer.groups * prod(layer.kernel_size)
        elif isinstance(layer, nn.modules.conv._ConvNd):
            total += 2 * result.numel() * layer.in_channels // layer.groups * prod(layer.kernel_size)

    hooks = [layer.register_forward_hook(add) for layer in module.modules()]
    try:
        module(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return total
