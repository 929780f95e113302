"""The Wasserstein game, and the clipping of D's weights."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ganbench import Critic
from ganbench_losses.papers import ARJOVSKY
from ganbench_transforms.limits import above


class Wasserstein:
    """The difference of D's means, which D maximizes and G minimizes.

    Arjovsky et al. 2017, equations 2 and 3: D minimizes E D(fake) - E D(real), G minimizes -E D(fake). It is a multiple
    of the Wasserstein distance only if D's slope is bounded: add `weight-clipping` or a gradient penalty.
    """

    version = "1"
    reference = ARJOVSKY

    def d_loss(self, critic: Critic) -> Tensor:
        return critic.fake.mean() - critic.real.mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return -critic.fake.mean()


@dataclass(frozen=True)
class WeightClipping:
    """Every parameter of D is cut at -bound and bound after each of its moves.

    Arjovsky et al. 2017, algorithm 1, line 7 (c = 0.01). The suitable bound depends on D's width and depth: D's slope
    is at most a product over its layers.
    """

    bound: float = 0.01

    version = "1"
    reference = ARJOVSKY
    game = False

    def __post_init__(self) -> None:
        above(0, bound=self.bound)

    def project(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: value.clamp(-self.bound, self.bound) for name, value in params.items()}
