"""Zero-centered gradient penalties: D's slope at real samples, or at fake ones."""

from dataclasses import dataclass

from torch import Tensor

from ganbench import Critic
from ganbench_losses.papers import HUANG, MESCHEDER
from ganbench_transforms.limits import at_least


@dataclass(frozen=True)
class R1:
    """A penalty on D's slope at real samples: gamma / 2 E |grad D(x)|^2.

    Mescheder et al. 2018, equation 9. `every: 16` takes it at every 16th step, with 16 times the weight.
    """

    gamma: float = 0.1
    every: int = 1

    version = "1"
    reference = MESCHEDER
    game = False

    def __post_init__(self) -> None:
        at_least(0, gamma=self.gamma)
        at_least(1, every=self.every)

    def d_loss(self, critic: Critic) -> Tensor:
        return self.gamma / 2 * critic.gradient(critic.real_samples).square().sum(dim=1).mean()


@dataclass(frozen=True)
class R2:
    """A penalty on D's slope at fake samples: gamma / 2 E |grad D(G(z))|^2.

    Mescheder et al. 2018, equation 10; with R1 in Huang et al. 2024, equation 4. `every: 16` takes it at every 16th
    step, with 16 times the weight.
    """

    gamma: float = 0.1
    every: int = 1

    version = "1"
    reference = (MESCHEDER, HUANG)
    game = False

    def __post_init__(self) -> None:
        at_least(0, gamma=self.gamma)
        at_least(1, every=self.every)

    def d_loss(self, critic: Critic) -> Tensor:
        return self.gamma / 2 * critic.gradient(critic.fake_samples).square().sum(dim=1).mean()
