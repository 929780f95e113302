"""Spectral normalization that works under torch.vmap and torch.func.grad, alone and nested."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

START = 15
"""Power iterations when a layer is built, as many as torch's own spectral norm takes."""
LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
PLAYERS = ("none", "d", "both")
"""Whose layers are normalized: nobody's, D's, or those of both players."""


class SpectralNorm(nn.Module):
    """A weight divided by its largest singular value, W / sigma(W) with sigma(W) = u' W v (Miyato et al. 2018).

    W is the weight with the dimension of its outputs first and all others joined. One power iteration at every call in
    training moves the vectors u (outputs,) and v (inputs,), which are buffers; gradients do not pass through them.
    `torch.nn.utils.parametrizations.spectral_norm` computes the same values, but writes with `out=`, which
    `torch.vmap` refuses.
    """

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor, dim: int = 0) -> None:
        super().__init__()
        self.dim = dim
        with torch.no_grad():
            matrix = self._matrix(weight)
            u = normalize(torch.randn(matrix.shape[0]), dim=0)
            v = normalize(torch.randn(matrix.shape[1]), dim=0)
            for _ in range(START):
                u, v = _iterate(matrix, v)
        self.register_buffer("u", u)
        self.register_buffer("v", v)

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.transpose(0, self.dim).flatten(1)

    def forward(self, weight: Tensor) -> Tensor:
        matrix = self._matrix(weight)
        u, v = self.u, self.v
        if self.training:
            u, v = _iterate(matrix.detach(), v)
            self.u.copy_(u)
            self.v.copy_(v)
        return weight / torch.dot(u, torch.mv(matrix, v))


def _iterate(matrix: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """One power iteration: the next u and v."""
    u = normalize(torch.mv(matrix, v), dim=0)
    return u, normalize(torch.mv(matrix.T, u), dim=0)


def normalize_layers(module: nn.Module) -> None:
    """Give every linear layer, every convolution and what says `normalizable` spectral normalization."""
    for layer in list(module.modules()):
        if isinstance(layer, LAYERS) or getattr(layer, "normalizable", False):
            weight: Tensor = getattr(layer, "weight")  # noqa: B009
            dim = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
            parametrize.register_parametrization(layer, "weight", SpectralNorm(weight, dim))


def check_players(spectral_norm: str) -> None:
    """Raises `ValueError` if the field has another value."""
    if spectral_norm not in PLAYERS:
        raise ValueError(f"spectral_norm must be one of {', '.join(PLAYERS)}, got {spectral_norm!r}")
