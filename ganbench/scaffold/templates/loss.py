"""A loss for ganbench."""

from torch import Tensor
from torch.nn.functional import softplus

from ganbench import Critic, hookimpl


class Template:
    """The non-saturating loss, to be changed: say here in one sentence what yours is."""

    def d_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.real).mean() + softplus(critic.fake).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.fake).mean()  # change this line: what G minimizes


@hookimpl
def register_losses() -> dict[str, type]:
    return {"template-name": Template}
