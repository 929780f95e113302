"""LeCam regularization: D's logits stay near moving averages of the other side's."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench import Critic
from ganbench_transforms.limits import at_least, decays

TSENG = r"""
@inproceedings{tseng2021regularizing,
  author    = {Tseng, Hung-Yu and Jiang, Lu and Liu, Ce and Yang, Ming-Hsuan and Yang, Weilong},
  title     = {Regularizing Generative Adversarial Networks under Limited Data},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  eprint    = {2104.03310},
  archivePrefix = {arXiv},
  year      = {2021},
}
"""


@dataclass(frozen=True)
class LeCam:
    """LeCam regularization: weight (E |D(x) - a_fake|^2 + E |D(G(z)) - a_real|^2).

    Tseng et al. 2021, section 3. a_real and a_fake are moving averages of D's mean logits before this move,
    corrected for their start at 0, as Adam's are; there is no penalty in the first move.
    """

    weight: float = 0.3
    decay: float = 0.99

    version = "1"
    reference = TSENG
    game = False

    def __post_init__(self) -> None:
        at_least(0, weight=self.weight)
        decays(decay=self.decay)

    def d_loss(self, critic: Critic) -> Tensor:
        seen = critic.memory["seen"]
        share = torch.where(seen > 0, seen, 1.0)
        real, fake = critic.memory["real"] / share, critic.memory["fake"] / share
        distance = (critic.real - fake).square().mean() + (critic.fake - real).square().mean()
        return self.weight * torch.where(seen > 0, distance, 0.0)

    def memory(self, params: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: torch.zeros(()) for name in ("real", "fake", "seen")}

    def remember(self, critic: Critic) -> dict[str, Tensor]:
        memory, keep = critic.memory, self.decay
        return {
            "real": keep * memory["real"] + (1 - keep) * critic.real.mean(),
            "fake": keep * memory["fake"] + (1 - keep) * critic.fake.mean(),
            "seen": keep * memory["seen"] + (1 - keep),
        }
