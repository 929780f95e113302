"""Calls a plugin's `prepare`, and turns what a plugin raises into an error that a user can act on."""

from __future__ import annotations

from ganbench.errors import PLUGIN_ERRORS, ContractError, GanbenchError, MissingError, describe_error, raised_at


def plugin_error(what: str, error: BaseException) -> GanbenchError:
    """What to raise when `what` (such as `dataset 'mine'.load`) raised something that is no error of ganbench's.

    A file that is not there is a `MissingError`, anything else a `ContractError`.
    """
    if isinstance(error, FileNotFoundError) and error.filename:
        return MissingError(
            f"{what} did not find {str(error.filename)!r}{raised_at(error)}; put it there, or set the place where the "
            "plugin looks for it"
        )
    return ContractError(f"{what} raised {describe_error(error)}{raised_at(error)}")


def prepare_plugin(kind: str, name: str, made: object, *given: object) -> None:
    """Call a plugin's `prepare`, if it has one. Raises `MissingError`, and `ContractError` for what it may raise."""
    try:
        getattr(made, "prepare", lambda *_: None)(*given)
    except GanbenchError:
        raise
    except PLUGIN_ERRORS as error:  # a third-party plugin may raise anything
        raise plugin_error(f"{kind} {name!r}.prepare", error) from error
