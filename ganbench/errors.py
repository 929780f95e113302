"""What can go wrong, each with the exit code that a script sees."""

from __future__ import annotations


class GanbenchError(Exception):
    """An error that a person can act on: its text says what, where, why and what to do."""

    exit_code = 2


class UsageError(GanbenchError):
    """A wrong command line or a wrong suite."""


class ContractError(GanbenchError):
    """A plugin does not keep its contract."""


class MissingError(GanbenchError):
    """Something is missing on this machine: a device, a data set, weights, disk."""

    exit_code = 3


class ResultsError(GanbenchError):
    """Stored results are damaged, or were written by a newer ganbench."""

    exit_code = 4
