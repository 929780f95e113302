"""A large architecture is checked in a smaller configuration, which supports the same samples."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ganbench.conformance.architectures import SHAPES, architecture_findings
from ganbench.conformance.smaller import parameters, smaller
from ganbench.engine.backend import MAX_LANE_PARAMETERS
from ganbench.engine.purity import LARGE
from ganbench_architectures.mlp import Mlp
from ganbench_architectures.r3gan import R3gan


def test_a_large_architecture_is_halved_until_it_is_small() -> None:
    large = R3gan()
    small = smaller(large, SHAPES)
    assert isinstance(small, R3gan)
    assert [small.supports(shape) for shape in SHAPES] == [large.supports(shape) for shape in SHAPES]
    before, after = parameters(large, (1, 16, 16)), parameters(small, (1, 16, 16))
    assert before is not None
    assert before > 10**7
    assert after is not None
    assert MAX_LANE_PARAMETERS < after <= LARGE
    assert small.width < large.width


def test_parameters_are_counted_without_building_them() -> None:
    mlp = Mlp(width=64, depth=3, latent=2)
    built = (mlp.generator((2,)), mlp.discriminator((2,)))
    assert parameters(mlp, (2,)) == sum(p.numel() for network in built for p in network.parameters())
    assert smaller(mlp, SHAPES) is mlp


@dataclass(frozen=True)
class Wide:
    """Networks that are wrong in one point: as they are, or in every configuration."""

    width: int = 700
    latent: int = 4
    whole_only: bool = True

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return None if len(shape) == 1 else "it is for points"

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(nn.Linear(4, self.width), nn.Linear(self.width, self.width), nn.Linear(self.width, 2))

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        outputs = 2 if self.width == 700 and self.whole_only else 1
        layers = nn.Linear(2, self.width), nn.Linear(self.width, outputs)
        return nn.Sequential(*layers) if self.whole_only else nn.Sequential(*layers, Hidden())


class Hidden(nn.Module):
    """A random tensor that is no buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = torch.randn(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.hidden


def test_faults_of_the_whole_and_of_every_configuration_are_found() -> None:
    assert parameters(Wide(), (2,)) is not None
    assert smaller(Wide(), SHAPES) != Wide()
    assert [finding.rule for finding in architecture_findings(Wide())] == ["logits"]
    assert [finding.rule for finding in architecture_findings(Wide(whole_only=False))] == ["hidden-tensor"]
