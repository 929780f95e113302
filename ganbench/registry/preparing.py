"""Calls a plugin's `prepare`, which fetches what it needs."""

from __future__ import annotations

from ganbench.errors import ContractError, GanbenchError, describe_error, raised_at


def prepare_plugin(kind: str, name: str, made: object, *given: object) -> None:
    """Call a plugin's `prepare`, if it has one. Raises `ContractError` for what a third-party plugin may raise."""
    try:
        getattr(made, "prepare", lambda *_: None)(*given)
    except GanbenchError:
        raise
    except Exception as error:  # a third-party plugin may raise anything
        raise ContractError(f"{kind} {name!r}.prepare raised {describe_error(error)}{raised_at(error)}") from error
