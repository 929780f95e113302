"""A penalty for ganbench: a part of a loss that is added to a game."""

from dataclasses import dataclass

from torch import Tensor

from ganbench import Critic, hookimpl


@dataclass(frozen=True)
class Template:
    """A penalty on the slope of D at real samples, to be changed: say here in one sentence what yours is."""

    weight: float = 1.0

    def d_loss(self, critic: Critic) -> Tensor:
        slopes = critic.gradient(critic.real_samples).square().sum(dim=1)
        return self.weight * slopes.mean()  # change this line: what D minimizes beside the game


@hookimpl
def register_losses() -> dict[str, type]:
    return {"template-name": Template}
