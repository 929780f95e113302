"""A broken installed plugin breaks nothing that does not use it; one plugin of a distribution can be disabled."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Cli

HEAD = "from pathlib import Path\nfrom ganbench import hookimpl\n"
EXTRACTOR = """
class E:
    'Features.'
    dims, canonical, gives = 2, False, ()
    def open(self, dataset, device): ...
    def fingerprint(self): raise OSError('no weights')
@hookimpl
def register_extractors(): return {'odd': E}
"""
BROKEN = {
    "import": "raise RuntimeError('boom')",
    "exit": "import sys; sys.exit(3)",
    "missing library": "import no_such_library",
    "no hook": "x = 1",
    "hook": HEAD + "@hookimpl\ndef register_losses(): raise KeyError('boom')",
    "not a mapping": HEAD + "@hookimpl\ndef register_losses(): return [1]",
    "bad class": HEAD + "@hookimpl\ndef register_losses(): return {'odd': 3}",
    "no suite file": HEAD + "@hookimpl\ndef register_suites(): return {'odd': Path('nowhere.yaml')}",
    "no values": HEAD + "@hookimpl\ndef register_published(): return {'odd': Path('nowhere.yaml')}",
    "extractor": HEAD + EXTRACTOR,
    "extractor init": HEAD + EXTRACTOR.replace("    def open", "    def __init__(self): 1 / 0\n    def open", 1),
}


def _distribution(folder: Path, text: str) -> str:
    (folder / "odd_plugins.py").write_text(text)
    info = folder / "odd_plugins-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-plugins\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ganbench]\nodd = odd_plugins\n")
    return str(folder)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Installs a distribution, found by this process until the test ends."""

    def install(text: str) -> None:
        site = tmp_path / "site"
        site.mkdir()
        monkeypatch.syspath_prepend(_distribution(site, text))

    yield install
    sys.modules.pop("odd_plugins", None)


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_distribution_breaks_no_command(
    inside: Cli, suite: Path, installed: Callable[[str], None], what: str
) -> None:
    installed(BROKEN[what])
    assert inside("--help").code == 0
    listed = inside("list")
    assert (listed.code, "minimax" in listed.out) == (0, True)
    shown = inside("doctor", "--no-trial")
    assert shown.code in (0, 3)
    assert "odd" in shown.out
    assert inside("run", "--suite", suite, "--dry-run").code == 0


CLASH = (
    HEAD
    + """
class Mine:
    'A loss of mine.'
    def d_loss(self, critic): return -critic.real.mean()
    def g_loss(self, critic): return -critic.fake.mean()
@hookimpl
def register_losses(): return {'minimax': Mine, 'other': Mine}
"""
)


def test_one_plugin_of_a_clash_is_disabled(
    inside: Cli, suite: Path, installed: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(CLASH)
    refused = inside("run", "--suite", suite, "--dry-run")
    assert refused.code == 2
    ways = ("ganbench:loss:minimax", "odd-plugins:loss:minimax")
    shown = " or ".join(f"GANBENCH_DISABLE={way}" for way in ways)
    assert f"rename yours, or disable one of them: {shown}" in refused.err
    assert "minimax" in inside("doctor", "--no-trial").out
    for way, about in zip(ways, ("A loss of mine.", "saturating game"), strict=True):
        monkeypatch.setenv("GANBENCH_DISABLE", way)
        assert inside("run", "--suite", suite, "--dry-run").code == 0
        listed = inside("list", "losses").out
        assert about in listed
        assert [line.split()[0] for line in listed.splitlines() if line].count("minimax") == 1
        assert "other" in listed
