"""A loss as the sum of its parts."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ganbench.errors import UsageError
from ganbench.registry.contracts import Critic, Loss
from ganbench.registry.registry import Registry
from ganbench.suite.specs import RunSpec


class Sum:
    """A loss that is the sum of its parts."""

    def __init__(self, parts: Sequence[Loss]) -> None:
        self.parts = parts
        self.log_odds = any(getattr(part, "log_odds", False) for part in parts)

    def d_loss(self, critic: Critic) -> Tensor:
        return self._sum("d_loss", critic)

    def g_loss(self, critic: Critic) -> Tensor:
        return self._sum("g_loss", critic)

    def _sum(self, method: str, critic: Critic) -> Tensor:
        found: Tensor = sum(getattr(part, method)(critic) for part in self.parts if hasattr(part, method))
        return found


def whole_loss(registry: Registry, spec: RunSpec) -> Loss:
    """The loss of a run. Raises `UsageError` for what the engine cannot do yet."""
    changing = [key for part in spec.loss for key in part.schedules()]
    if spec.transforms or changing:
        raise UsageError("transforms and changing hyperparameters are not implemented")
    train = spec.train
    same = (train.d.optimizer, train.d.betas) == (train.g.optimizer, train.g.betas)
    numbers = (*train.d.betas, train.ema)
    if (
        not same
        or not all(isinstance(one, float | int) for one in numbers)
        or train.play != "alternating"
        or train.ema_half_life is not None
        or train.d.clip
        or train.g.clip
    ):
        raise UsageError("these settings of 'train' are not implemented")
    parts = [registry.create("loss", part) for part in spec.loss]
    return parts[0] if len(parts) == 1 else Sum(parts)
