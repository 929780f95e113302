"""The suites that ship with ganbench."""

from pathlib import Path

from ganbench import hookimpl


@hookimpl
def register_suites():  # type: ignore[no-untyped-def]
    folder = Path(__file__).parent
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
