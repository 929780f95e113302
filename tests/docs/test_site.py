"""The documentation builds strictly, and loads nothing from another host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def _build(config: Path, to: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(config), "--site-dir", str(to)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)


def test_it_builds_and_pages_load_nothing_from_another_host(tmp_path: Path) -> None:
    done = _build(ROOT / "mkdocs.yml", tmp_path / "site")
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").glob("*.html"))
    assert len(pages) > 20
    for page in pages:
        text = page.read_text()
        assert not re.findall(r'(?:<link[^>]*rel="(?:stylesheet|preconnect)"[^>]*|src=")https?://[^"]*', text), page


@pytest.mark.parametrize(
    ("link", "reason"),
    [("[x](nowhere.md)", "nowhere.md"), ("[x](suites.md#nowhere)", "#nowhere")],
    ids=["link", "anchor"],
)
def test_a_dead_link_or_anchor_fails(tmp_path: Path, link: str, reason: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# Home\n\n{link}\n")
    (tmp_path / "docs" / "suites.md").write_text("# Suites\n")
    settings = re.sub(
        r"^nav:\n.*", "nav: [index.md, suites.md]\n", (ROOT / "mkdocs.yml").read_text(), flags=re.S | re.M
    )
    (tmp_path / "mkdocs.yml").write_text(settings)
    done = _build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0
    assert reason in done.stderr


def test_the_places_that_the_architecture_names_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    places = re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`", text)
    assert len(places) > 20
    for place in places:
        assert (ROOT / "ganbench" / place).exists() or (ROOT / place).exists(), place
