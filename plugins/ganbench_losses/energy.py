"""Games with an auto-encoder as D: its logit is minus the reconstruction error of a sample."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import normalize, relu

from ganbench import Critic
from ganbench_losses.papers import BERTHELOT, ZHAO
from ganbench_transforms.limits import above, at_least, shares


@dataclass(frozen=True)
class BEGAN:
    """Boundary equilibrium: D reconstructs real samples well and fakes badly, with a weight k that keeps a balance.

    Berthelot et al. 2017, section 3.4. With the reconstruction error L(x) = -D(x), D minimizes E L(real) - k E L(fake),
    G minimizes E L(fake), and k, which starts at 0 and stays in [0, 1], moves by rate * (gamma E L(real) - E L(fake))
    after each of D's moves: gamma is the ratio of the errors that it holds. The fakes are those of D's own move.
    """

    gamma: float = 0.5
    rate: float = 0.001

    version = "1"
    reference = BERTHELOT
    needs = ("reconstruction",)

    def __post_init__(self) -> None:
        shares(gamma=self.gamma)
        at_least(0, rate=self.rate)

    def memory(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"k": next(iter(params.values())).new_zeros(())}

    def d_loss(self, critic: Critic) -> Tensor:
        return critic.memory["k"] * critic.fake.mean() - critic.real.mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return -critic.fake.mean()

    def remember(self, critic: Critic) -> dict[str, Tensor]:
        balance = critic.fake.mean() - self.gamma * critic.real.mean()
        return {"k": (critic.memory["k"] + self.rate * balance).clamp(0, 1)}


@dataclass(frozen=True)
class EBGAN:
    """Energy-based: D's energy is its reconstruction error, low for real samples and at least a margin for fakes.

    Zhao et al. 2017, equations 1 and 2, with the energy L(x) = -D(x): D minimizes E L(real) + E max(0, margin -
    L(fake)), G minimizes E L(fake) + pulling_away * PT, where PT (section 2.4) is the mean squared cosine between the
    codes of different fakes of the batch.
    """

    margin: float = 1.0
    pulling_away: float = 0.1

    version = "1"
    reference = ZHAO
    needs = ("reconstruction", "code")

    def __post_init__(self) -> None:
        above(0, margin=self.margin)
        at_least(0, pulling_away=self.pulling_away)

    def d_loss(self, critic: Critic) -> Tensor:
        return relu(self.margin + critic.fake).mean() - critic.real.mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return self.pulling_away * self._likeness(critic.fake_extras["code"].flatten(1)) - critic.fake.mean()

    @staticmethod
    def _likeness(codes: Tensor) -> Tensor:
        """The mean squared cosine between different rows (B, C)."""
        directions, count = normalize(codes), len(codes)
        cosines = directions @ directions.T
        return (cosines.square().sum() - cosines.diagonal().square().sum()) / max(count * (count - 1), 1)
