"""The training signals: their names, labels, values at equilibrium, scales and panels."""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Literal


@dataclass(frozen=True)
class Signal:
    """One training signal, a column of `history.csv`.

    `equilibrium` is its value if D cannot tell fakes from reals (Goodfellow et al. 2014, section 4).
    Signals of one `panel` are drawn together on a run's page; those without one are not drawn there.
    """

    name: str
    label: str
    equilibrium: float | None = None
    scale: Literal["linear", "log"] = "linear"
    panel: str = ""
    live: bool = False
    """whether its curve is shown while a suite runs"""
    in_figures: bool = False
    """whether a figure of training curves shows it by default: balance and collapse for every loss"""


PANELS = (
    "losses", "mean D(x) and D(G(z))", "accuracy of D, and P(D(x) > D(G(z)))", "Jensen-Shannon estimate, nats",
    "diversity of fakes over that of reals", "gradient norms, log scale",
)  # fmt: skip
"""The panels of a run's page, in their order."""
_LOSSES, _PROBABILITIES, _ACCURACIES, _DIVERGENCE, _DIVERSITY, _GRADIENTS = PANELS

TABLE = (
    Signal("d_loss", "loss of D", panel=_LOSSES, live=True),
    Signal("g_loss", "loss of G", panel=_LOSSES, live=True),
    Signal("d_real", "mean D(x)", 0.5, panel=_PROBABILITIES),
    Signal("d_fake", "mean D(G(z))", 0.5, panel=_PROBABILITIES),
    Signal("accuracy_real", "accuracy of D on real", 0.5, panel=_ACCURACIES),
    Signal("accuracy_fake", "accuracy of D on fake", 0.5, panel=_ACCURACIES),
    Signal("p_real_above_fake", "P(D(x) > D(G(z)))", 0.5, panel=_ACCURACIES, live=True, in_figures=True),
    Signal("value", "V(D, G), nats", -2 * log(2)),
    Signal("js", "JS from D, nats", 0.0, panel=_DIVERGENCE, live=True),
    Signal("d_gradient", "gradient norm of D", scale="log", panel=_GRADIENTS),
    Signal("g_gradient", "gradient norm of G", scale="log", panel=_GRADIENTS),
    Signal("diversity", "diversity of a batch", 1.0, panel=_DIVERSITY, live=True, in_figures=True),
)
"""Every signal, in the order of the columns of a history."""
SIGNALS = tuple(signal.name for signal in TABLE)
"""The names of the signals, in the same order."""
BY_NAME = {signal.name: signal for signal in TABLE}
