"""Frozen networks as extractors, and MMD as a metric."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganbench import Dataset, Features, View, hookimpl


def frozen(build: Callable[[], nn.Module]) -> nn.Module:
    """A network with random weights that are always the same, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build().eval().requires_grad_(False)


class RandomConvolutions:
    """Features of a small convolutional network whose weights were never trained."""

    version = "1"
    dims = 32
    canonical = False
    gives = ()

    def supports(self, dataset: Dataset) -> str | None:
        return None if len(dataset.shape) == 3 else "it reads images"

    def fingerprint(self) -> str:
        return "seed-0"

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        def build() -> nn.Module:
            first, second = nn.Conv2d(dataset.shape[0], 16, 3, 2, 1), nn.Conv2d(16, 32, 3, 2, 1)
            return nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())

        net = frozen(build).to(device)
        return lambda images: Features(net(images))


class Resnet18:
    """Features of torchvision's resnet18, frozen; load weights of your own in place of the random ones."""

    version = "1"
    dims = 512
    canonical = False
    gives = ()
    resize = "none"
    batch = 100

    def supports(self, dataset: Dataset) -> str | None:
        return None if len(dataset.shape) == 3 and dataset.shape[0] == 3 else "it reads images of three channels"

    def fingerprint(self) -> str:
        return "seed-0"

    def open(self, dataset: Dataset, device: torch.device) -> Callable[[Tensor], Features]:
        from torchvision.models import resnet18

        def build() -> nn.Module:
            net = resnet18()
            net.fc = nn.Identity()
            return net  # type: ignore[no-any-return]

        net = frozen(build).to(device)
        return lambda images: Features(net(images))


@dataclass(frozen=True)
class Mmd:
    """Maximum mean discrepancy with a normal kernel, squared and unbiased (Gretton et al. 2012, equation 3)."""

    width: float = 1.0

    version = "1"
    better = {"MMD": "lower"}
    uses_extractor = True

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        ours, theirs = real.features[:2000].double(), fake.features[:2000].double()
        within = [self._mean_off_diagonal(side) for side in (ours, theirs)]
        return {"MMD": float(sum(within) - 2 * self._kernel(ours, theirs).mean())}

    def _mean_off_diagonal(self, rows: Tensor) -> Tensor:
        count = len(rows)
        return (self._kernel(rows, rows).sum() - count) / (count * (count - 1))

    def _kernel(self, a: Tensor, b: Tensor) -> Tensor:
        kernel: Tensor = (-torch.cdist(a, b).square() / (2 * self.width**2)).exp()
        return kernel


@dataclass(frozen=True)
class ClassMmd:
    """The mean over classes of the maximum mean discrepancy between fakes and real samples of a class."""

    width: float = 1.0

    version = "1"
    needs = ("labels",)
    better = {"class MMD": "lower"}
    uses_extractor = True

    def __call__(self, real: View, fake: View) -> dict[str, float]:
        if real.labels is None or fake.labels is None:
            raise ValueError("MMD by class needs labeled data and a conditional architecture")
        scores = []
        for label in torch.unique(real.labels):
            sides = [view._replace(features=view.features[view.labels == label]) for view in (real, fake)]
            if min(len(side.features) for side in sides) > 1:
                scores.append(Mmd(self.width)(*sides)["MMD"])
        return {"class MMD": sum(scores) / len(scores)}


@hookimpl
def register_extractors() -> dict[str, type]:
    return {
        "random-convolutions": RandomConvolutions,
        "resnet18": Resnet18,
    }


@hookimpl
def register_metrics() -> dict[str, type]:
    return {"mmd": Mmd, "class-mmd": ClassMmd}
