"""A transform of D for ganbench: what stands between a sample and the discriminator."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ganbench import Discriminator, hookimpl, normal


@dataclass(frozen=True)
class Template:
    """Normal noise on everything that D sees, to be changed: say here in one sentence what yours does."""

    sigma: float = 0.1

    noise = {"eps": normal("sample")}

    def __call__(
        self, discriminator: Discriminator, x: Tensor, noise: Mapping[str, Tensor], memory: Mapping[str, Tensor]
    ) -> Tensor:
        return discriminator(x + self.sigma * noise["eps"])  # change this line: what D sees


@hookimpl
def register_transforms() -> dict[str, type]:
    return {"template-name": Template}
