"""One command decodes each record once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli
from fabricate import Made, fabricate

from ganbench.results import store
from ganbench.results.records import AnyRecord

MADE = Made(losses=("minimax", "nonsaturating"), architectures=("mlp",), images=(), seeds=2, pictures=False)


@pytest.mark.parametrize(
    "command",
    [("table", "--suite", MADE.suite), ("compare", "minimax", "nonsaturating"),
     ("publish", "--suite", MADE.suite, "--to", "site")],
)  # fmt: skip
def test_a_command_decodes_each_record_once(
    inside: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    fabricate(tmp_path / "results", MADE)
    records = [path.parent.name for path in (tmp_path / "results").glob("*/*/record.json")]
    decoded: Counter[str] = Counter()

    def counted(decode: Callable[[bytes], AnyRecord]) -> Callable[[bytes], AnyRecord]:
        def run(content: bytes) -> AnyRecord:
            record = decode(content)
            decoded[record.id] += 1
            return record

        return run

    for name in ("decode_run", "decode_reference"):
        monkeypatch.setattr(store, name, counted(getattr(store, name)))
    done = inside(*command)
    assert done.code == 0, done.err
    assert len(records) > 4
    assert decoded == Counter(records)
