"""An architecture for ganbench: a generator and a discriminator."""

from dataclasses import dataclass
from math import prod

from torch import nn

from ganbench import hookimpl


@dataclass(frozen=True)
class Template:
    """Two layers in each network, for any samples, to be changed: say here in one sentence what yours is."""

    width: int = 64
    latent: int = 16

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return None  # or the reason why it cannot make samples of this shape

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        out = nn.Tanh() if len(shape) == 3 else nn.Identity()  # images lie in [-1, 1]
        layers = nn.Linear(self.latent, self.width), nn.ReLU(), nn.Linear(self.width, prod(shape))
        return nn.Sequential(*layers, out, nn.Unflatten(1, shape))

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        layers = nn.Linear(prod(shape), self.width), nn.LeakyReLU(0.2)  # change this line: D's layers
        return nn.Sequential(nn.Flatten(), *layers, nn.Linear(self.width, 1))


@hookimpl
def register_architectures() -> dict[str, type]:
    return {"template-name": Template}
