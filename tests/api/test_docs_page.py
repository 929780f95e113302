"""The code of the page on the Python API runs from top to bottom."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

import pytest

import ganbench as gb

PAGE = (Path(__file__).parent.parent.parent / "docs" / "python-api.md").read_text()
BLOCK = re.compile(r'```python(?: title="([\w.]+)")?\n(.*?)```', re.DOTALL)
STEPS, FEW = "500", "4"
"""Steps of training on the page, and those with which its code is tested."""


@pytest.mark.slow
def test_the_code_runs_in_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    names: dict[str, object] = {"__name__": "page"}
    for title, code in BLOCK.findall(PAGE):
        if title:
            Path(title).write_text(code)
        else:
            exec(compile(code.replace(STEPS, FEW), f"{PAGE[:12]}: {code[:30]!r}", "exec"), names)
    out, err = capsys.readouterr()
    assert "hinge" in out
    assert "UsageError suite 'nope' has not run in results" in out
    assert err == ""


def test_every_argument_of_run_is_in_its_table() -> None:
    arguments = [name for name in inspect.signature(gb.run).parameters if name != "suite"]
    assert re.findall(r"^\| `(\w+)=", PAGE, re.MULTILINE) == arguments
