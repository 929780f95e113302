"""The files beside a record: the training history."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path

from ganbench.errors import ResultsError


def columns(path: Path, names: Sequence[str]) -> dict[str, dict[float, float]]:
    """Columns of a history as {step: value}, without what is no number; {} where there is no history."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        header = lines[0].split(",")
        rows = [(float(fields[0]), fields) for fields in (line.split(",") for line in lines[1:])]
        at = {name: header.index(name) for name in names if name in header}
        return {
            name: {step: value for step, f in rows if f[i] and isfinite(value := float(f[i]))} for name, i in at.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, IndexError) as error:
        raise ResultsError(f"{path} is damaged ({error}); remove that folder and run the suite again") from error
