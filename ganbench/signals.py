"""What the training signals mean, and what they are at equilibrium, where D cannot tell fakes from reals."""

from __future__ import annotations

from math import log

SIGNALS = (
    "d_loss", "g_loss", "d_real", "d_fake", "accuracy_real", "accuracy_fake",
    "p_real_above_fake", "value", "js", "d_gradient", "g_gradient", "diversity",
)  # fmt: skip
"""The training signals of a run, in the order of the columns of its history."""

MEANING = {
    "d_loss": "loss of D", "g_loss": "loss of G", "d_real": "mean D(x)", "d_fake": "mean D(G(z))",
    "accuracy_real": "accuracy of D on real", "accuracy_fake": "accuracy of D on fake",
    "p_real_above_fake": "P(D(x) > D(G(z)))", "value": "V(D, G), nats", "js": "JS from D, nats",
    "d_gradient": "gradient norm of D", "g_gradient": "gradient norm of G", "diversity": "diversity of a batch",
}  # fmt: skip
"""Each signal in words, by its column in history.csv."""
LEVELS = {
    "d_real": 0.5, "d_fake": 0.5, "accuracy_real": 0.5, "accuracy_fake": 0.5, "p_real_above_fake": 0.5,
    "value": -2 * log(2), "js": 0.0, "diversity": 1.0,
}  # fmt: skip
"""Each signal at equilibrium (Goodfellow et al. 2014, section 4)."""
