"""Refuses hyperparameters that make no sense, in one sentence each, when a plugin is made."""

from __future__ import annotations


def at_least(least: float, **values: float) -> None:
    """Raise `ValueError` with the first value, by its name, that is below `least`."""
    for name, value in values.items():
        if not value >= least:
            raise ValueError(f"{name} must be >= {least:g}, got {value!r}")


def above(least: float, **values: float) -> None:
    """Raise `ValueError` with the first value, by its name, that is not above `least`."""
    for name, value in values.items():
        if not value > least:
            raise ValueError(f"{name} must be > {least:g}, got {value!r}")


def shares(**values: float) -> None:
    """Raise `ValueError` with the first value, by its name, that is not between 0 and 1."""
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be >= 0 and <= 1, got {value!r}")


def decays(**values: float) -> None:
    """Raise `ValueError` with the first decay of a moving average, by its name, that is not in [0, 1)."""
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name} must be >= 0 and < 1, got {value!r}")
