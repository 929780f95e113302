"""The transforms of D that ship with ganbench."""

from ganbench import hookimpl


@hookimpl
def register_transforms() -> dict[str, type]:
    return {}
