"""Published values that `ganbench table --published` puts beside ours."""

from pathlib import Path

from ganbench import hookimpl


@hookimpl
def register_published() -> dict[str, Path]:
    return {"literature": Path(__file__).with_name("literature.yaml")}
