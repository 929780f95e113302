"""The least-squares game."""

from dataclasses import dataclass

from torch import Tensor

from ganbench import Critic
from ganbench_losses.papers import MAO


@dataclass(frozen=True)
class LSGAN:
    """Least squares: D fits the label b to real and a to fake samples, G makes D(fake) equal c.

    Mao et al. 2017, equation 2: D minimizes (E (D(real) - b)^2 + E (D(fake) - a)^2) / 2, G minimizes
    E (D(fake) - c)^2 / 2. The default labels are those of the paper's equation 9; a = -1, b = 1, c = 0 (its equation 8)
    minimizes a Pearson chi-squared divergence.
    """

    a: float = 0.0
    b: float = 1.0
    c: float = 1.0

    version = "1"
    reference = MAO

    def __post_init__(self) -> None:
        if self.a == self.b:
            raise ValueError(f"a and b, what D fits to fake and to real samples, must differ, got {self.a!r} for both")

    def d_loss(self, critic: Critic) -> Tensor:
        return ((critic.real - self.b).square().mean() + (critic.fake - self.a).square().mean()) / 2

    def g_loss(self, critic: Critic) -> Tensor:
        return (critic.fake - self.c).square().mean() / 2
