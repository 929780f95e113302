"""The suites that ship with ganbench."""

from pathlib import Path

from ganbench import hookimpl


@hookimpl
def register_suites() -> dict[str, Path]:
    folder = Path(__file__).parent
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}
