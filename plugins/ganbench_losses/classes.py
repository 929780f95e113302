"""Losses of class logits, which D returns as the extra "class_logits"."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, relu

from ganbench import Critic
from ganbench_losses.papers import KAVALEROV, ODENA
from ganbench_transforms.limits import at_least


class MultiHinge:
    """The hinge loss over K classes and one for fakes: the right class wins by a margin.

    Kavalerov et al. 2019, section 3. The K + 1 class logits C(x) are D's extra "class_logits" (B, K) and, for fakes,
    minus its logit. With h_k(x) = max(0, 1 - C_k(x) + max_{j != k} C_j(x)), D minimizes E h_y(real) + E h_{K+1}(fake),
    G minimizes E h_y(fake), where y is the label of the sample.
    """

    version = "1"
    reference = KAVALEROV
    needs = ("labels", "class_logits")

    def d_loss(self, critic: Critic) -> Tensor:
        real = self._joined(critic.real_extras["class_logits"], critic.real)
        fake = self._joined(critic.fake_extras["class_logits"], critic.fake)
        last = torch.full_like(critic.fake_labels, fake.shape[1] - 1)
        return self._margin(real, critic.real_labels) + self._margin(fake, last)

    def g_loss(self, critic: Critic) -> Tensor:
        fake = self._joined(critic.fake_extras["class_logits"], critic.fake)
        return self._margin(fake, critic.fake_labels)

    @staticmethod
    def _joined(classes: Tensor, logits: Tensor) -> Tensor:
        """The logits (B, K + 1) of the classes and, last, of fakes."""
        return torch.cat([classes, -logits[:, None]], dim=1)

    @staticmethod
    def _margin(logits: Tensor, labels: Tensor) -> Tensor:
        """The mean hinge of the label's logit over the largest other one."""
        chosen = labels[:, None] == torch.arange(logits.shape[1], device=logits.device)
        own = logits.masked_fill(~chosen, 0).sum(dim=1)
        best_other = logits.masked_fill(chosen, -torch.inf).amax(dim=1)
        return relu(1 - own + best_other).mean()


@dataclass(frozen=True)
class ACGAN:
    """An auxiliary classifier: both players make D's class logits right for the labels.

    Odena et al. 2017, equation 3 (L_C), added to a game (L_S): D minimizes the cross-entropy of its extra
    "class_logits" (B, K) at real and at fake samples, G minimizes that at fake ones, both times `weight`.
    """

    weight: float = 1.0

    version = "1"
    reference = ODENA
    game = False
    needs = ("labels", "class_logits")

    def __post_init__(self) -> None:
        at_least(0, weight=self.weight)

    def d_loss(self, critic: Critic) -> Tensor:
        real = cross_entropy(critic.real_extras["class_logits"], critic.real_labels)
        return self.weight * (real + cross_entropy(critic.fake_extras["class_logits"], critic.fake_labels))

    def g_loss(self, critic: Critic) -> Tensor:
        return self.weight * cross_entropy(critic.fake_extras["class_logits"], critic.fake_labels)
