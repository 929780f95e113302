"""The dual contrastive game: D tells one real sample from a batch of fakes, and one fake from a batch of reals."""

from torch import Tensor
from torch.nn.functional import softplus

from ganbench import Critic
from ganbench_losses.papers import YU


class DualContrastive:
    """Dual contrast: D tells each real sample from all fakes of the batch, and each fake from all real samples.

    Yu et al. 2021, section 3.3: V = -E_i log(1 + sum_j exp(D(fake_j) - D(real_i))) - E_j log(1 + sum_i
    exp(D(fake_j) - D(real_i))), which D maximizes and G minimizes. The logits are not log-odds: only differences
    between them are meaningful.
    """

    version = "1"
    reference = YU

    def d_loss(self, critic: Critic) -> Tensor:
        one_real = softplus(critic.fake.logsumexp(dim=0) - critic.real).mean()
        one_fake = softplus((-critic.real).logsumexp(dim=0) + critic.fake).mean()
        return one_real + one_fake

    def g_loss(self, critic: Critic) -> Tensor:
        return -self.d_loss(critic)
