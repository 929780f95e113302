"""`ganbench doctor`, `ganbench version`, and `ganbench` alone."""

from __future__ import annotations

from pathlib import Path

from conftest import Cli


def test_doctor_and_version(cli: Cli, tmp_path: Path) -> None:
    done = cli("doctor")
    assert done.code == 0, done.out
    assert "extractor digits16: ready" in done.out
    assert cli("version").out == "0.1.0\n"
    (tmp_path / "broken.py").write_text("1/0")
    broken = cli("doctor", "--plugin", "broken.py")
    assert broken.code == 3
    assert "ZeroDivisionError" in broken.out
    bare = cli()
    assert bare.code == 0
    assert len(bare.out.splitlines()) <= 14
    assert "ganbench run --suite quick" in bare.out
