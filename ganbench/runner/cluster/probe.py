"""Asks a node for its software. Ray sends this function by its code, so that it runs where there is no ganbench."""

from __future__ import annotations


def look(asked: bytes) -> dict[str, str]:
    """Versions and hashes by name; what is missing is left out."""
    import importlib.metadata
    import platform

    found = {"Python": platform.python_version()}
    for name in ("ganbench", "torch"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "missing"
    try:
        from ganbench.runner.cluster.software import answer
    except ImportError:
        return found
    return answer(asked)
