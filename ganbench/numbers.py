"""Numbers as people read them."""

from __future__ import annotations

from math import floor, log10


def number(value: float, digits: int = 3) -> str:
    """Three significant digits, no exponent for everyday sizes; -2.7e-12 is 0."""
    if abs(value) < 1e-9:
        return "0"
    places = digits - 1 - floor(log10(abs(value)))
    if places > 8 or places < -6:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{max(0, places)}f}"


def p_value(p: float) -> str:
    """`p = .031`, `p < .001`."""
    if p < 0.001:
        return "p < .001"
    return f"p = {p:.3f}".replace("0.", ".") if p < 0.1 else f"p = {p:.2f}".replace("0.", ".")
