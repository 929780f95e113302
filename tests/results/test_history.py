"""A training history that was damaged is named with its line, in words that a user can act on."""

from __future__ import annotations

from math import isnan
from pathlib import Path

import pytest

from ganbench.errors import ResultsError
from ganbench.results.run_files import read_history


def _column(folder: Path, name: str) -> list[float]:
    history = read_history(folder)
    assert history is not None
    return history.column(name)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"\xff\xfe\x00", "it is not UTF-8 text"),
        (b"step,d_loss\n0,1.5\n1", "line 3 has 1 field, not 2"),
        (b"step,d_loss\n0,1.5\n1,2,3\n", "line 3 has 3 fields, not 2"),
        (b"step,d_loss\n0,1.5\n1,one\n", "line 3: d_loss is 'one', not a number"),
    ],
)
def test_a_damaged_history_is_named_with_its_line(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "history.csv").write_bytes(content)
    with pytest.raises(ResultsError) as caught:
        _column(tmp_path, "d_loss")
    place = tmp_path / "history.csv"
    assert str(caught.value) == f"{place} is damaged ({why}); remove its folder and run the suite again"


def test_an_empty_field_is_nan_and_an_absent_column_has_no_values(tmp_path: Path) -> None:
    assert read_history(tmp_path) is None
    (tmp_path / "history.csv").write_text("step,d_loss\n0,1.5\n1,\n")
    first, second = _column(tmp_path, "d_loss")
    assert first == 1.5
    assert isnan(second)
    assert _column(tmp_path, "g_loss") == []
