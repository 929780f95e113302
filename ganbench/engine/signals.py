"""Training signals of one step: the balance between discriminator and generator."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ganbench.engine.step import Trace

SIGNAL_ROWS = 100
"""Training signals are recorded every steps // SIGNAL_ROWS steps."""


def cadence(steps: int) -> int:
    """The number of steps from one recorded signal to the next, in a training of `steps` steps."""
    return max(1, steps // SIGNAL_ROWS)


def signal_function(lanes: int, log_odds: bool) -> Callable[[Trace], Tensor]:
    """A function that computes the signals of one seed (12,) or of a stack (S, 12)."""

    def one(trace: Trace) -> Tensor:
        return observe(trace, log_odds)

    return one if lanes == 1 else torch.vmap(one)


def observe(trace: Trace, log_odds: bool) -> Tensor:
    """The signals `ganbench.signals.SIGNALS` of one seed at one step, (12,).

    `d_real`, `d_fake`: mean D(x), D(G(z)); accuracies at D = 1/2; `p_real_above_fake`:
    P(D(x) > D(G(z))) over all pairs; `value`: V(D, G) of Goodfellow et al. 2014 in nats;
    `js` = (V + 2 log 2) / 2, the Jensen-Shannon divergence if D is optimal and a lower bound
    otherwise. Both are NaN if the logits are not log-odds. Gradients: Euclidean norms. `diversity`: mean
    pairwise distance of fakes over that of reals.
    """
    d_real, d_fake = trace.real_logits, trace.fake_logits
    value = logsigmoid(d_real).mean() + logsigmoid(-d_fake).mean()
    value = value if log_odds else value * float("nan")
    pairs = d_real[:, None] - d_fake[None, :]
    above = (pairs > 0).float().mean() + 0.5 * (pairs == 0).float().mean()
    return torch.stack(
        [
            trace.d_loss,
            trace.g_loss,
            d_real.sigmoid().mean(),
            d_fake.sigmoid().mean(),
            (d_real > 0).float().mean(),
            (d_fake < 0).float().mean(),
            above,
            value,
            (value + 2 * log(2)) / 2,
            trace.d_grad.norm(),
            trace.g_grad.norm(),
            spread(trace.fake) / spread(trace.real),
        ]
    )


def spread(x: Tensor) -> Tensor:
    """The mean Euclidean distance between distinct samples of x (N, *shape)."""
    flat = x.flatten(1)
    norms = flat.square().sum(dim=1)
    squares = norms[:, None] + norms[None, :] - 2 * flat @ flat.T
    count = flat.shape[0]
    return squares.clamp(min=0).sqrt().sum() / (count * (count - 1))
