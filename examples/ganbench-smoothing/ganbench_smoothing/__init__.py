"""One-sided label smoothing: a loss, and a suite that compares it with the loss without it."""

from pathlib import Path

from ganbench import hookimpl


@hookimpl
def register_losses() -> dict[str, type]:
    from ganbench_smoothing.smoothed import Smoothed

    return {"smoothed": Smoothed}


@hookimpl
def register_suites() -> dict[str, Path]:
    return {"smoothing": Path(__file__).with_name("smoothing.yaml")}
