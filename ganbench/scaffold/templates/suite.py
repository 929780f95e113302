"""A suite for ganbench."""

from pathlib import Path

from ganbench import hookimpl


@hookimpl
def register_suites() -> dict[str, Path]:
    return {"template-name": Path(__file__).with_name("template-name.yaml")}
