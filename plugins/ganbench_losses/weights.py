"""Penalties on the parameters themselves: orthogonal rows, and a small distance to their past average."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import Critic
from ganbench_losses.papers import SALIMANS
from ganbench_transforms.limits import at_least

BROCK = r"""
@inproceedings{brock2019large,
  author    = {Brock, Andrew and Donahue, Jeff and Simonyan, Karen},
  title     = {Large Scale {GAN} Training for High Fidelity Natural Image Synthesis},
  booktitle = {International Conference on Learning Representations},
  eprint    = {1809.11096},
  archivePrefix = {arXiv},
  year      = {2019},
}
"""
COUNT = "count"
PAST = "past."


@dataclass(frozen=True)
class Orthogonal:
    """Orthogonal regularization of G: weight times the sum of squares of W W^T off its diagonal, over all W.

    Brock et al. 2019, equation 3 (BigGAN). W are the parameters of two or more dimensions, as matrices with a row for
    each index of the first one.
    """

    weight: float = 1e-4

    version = "1"
    reference = BROCK
    game = False

    def __post_init__(self) -> None:
        at_least(0, weight=self.weight)

    def g_loss(self, critic: Critic) -> Tensor:
        matrices = [value.flatten(1) for value in critic.params.values() if value.dim() > 1]
        total = critic.fake_samples.new_zeros(())
        for matrix in matrices:
            products = matrix @ matrix.T
            total = total + (products - torch.diag(products.diagonal())).square().sum()
        return self.weight * total


@dataclass(frozen=True)
class HistoricalAveraging:
    """Historical averaging of D: weight times the squared distance of its parameters to their average so far.

    Salimans et al. 2016, section 3.3. A part remembers one player's parameters; `historical-averaging-g` is G's.
    """

    weight: float = 1.0

    version = "1"
    reference = SALIMANS
    game = False

    def __post_init__(self) -> None:
        at_least(0, weight=self.weight)

    def d_loss(self, critic: Critic) -> Tensor:
        return self.weight * _distance(critic)

    def memory(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return _first(params)

    def remember(self, critic: Critic) -> dict[str, Tensor]:
        return _next(critic)


@dataclass(frozen=True)
class HistoricalAveragingG:
    """Historical averaging of G: weight times the squared distance of its parameters to their average so far.

    Salimans et al. 2016, section 3.3.
    """

    weight: float = 1.0

    version = "1"
    reference = SALIMANS
    game = False

    def __post_init__(self) -> None:
        at_least(0, weight=self.weight)

    def g_loss(self, critic: Critic) -> Tensor:
        return self.weight * _distance(critic)

    def memory(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return _first(params)

    def remember(self, critic: Critic) -> dict[str, Tensor]:
        return _next(critic)


def _distance(critic: Critic) -> Tensor:
    """The squared distance of the moving player's parameters to their average over past moves."""
    total = critic.memory[COUNT].new_zeros(())
    for name, value in critic.params.items():
        total = total + (value - critic.memory[PAST + name]).square().sum()
    return total


def _first(params: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The average before any move: the parameters, of no weight."""
    return {COUNT: torch.zeros(()), **{PAST + name: value for name, value in params.items()}}


def _next(critic: Critic) -> dict[str, Tensor]:
    """The average over this move's parameters too."""
    count = critic.memory[COUNT] + 1
    after = {COUNT: count}
    for name, value in critic.params.items():
        past = critic.memory[PAST + name]
        after[PAST + name] = past + (value - past) / count
    return after
