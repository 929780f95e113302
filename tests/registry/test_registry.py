"""Plugins from entry points and files: isolation, clashes, misspellings, contracts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import Cli
from warm import Warm

from ganbench.errors import ContractError, GanbenchError, UsageError
from ganbench.registry.choice import Choice
from ganbench.registry.local_modules import file_hash
from ganbench.registry.registry import Registry


def _file(folder: Path, text: str, name: str = "plugin.py") -> Path:
    path = folder / name
    path.write_text("from dataclasses import dataclass\nfrom ganbench import hookimpl\n" + text)
    return path


LOSS = """
@dataclass(frozen=True)
class Mine:
    '''A loss of mine.'''
    weight: float = 1.0
    def d_loss(self, critic): return critic.real.mean() * self.weight
    def g_loss(self, critic): return critic.fake.mean()

@hookimpl
def register_losses():
    return {%r: Mine}
"""


def test_a_named_file_joins_and_its_hash_is_its_code_version(tmp_path: Path) -> None:
    path = _file(tmp_path, LOSS % "mine")
    offer = Registry.load([path]).find("loss", "mine")
    assert offer.about == "A loss of mine."
    assert offer.defaults() == {"weight": 1.0}
    assert offer.code == file_hash(path)
    path.write_text(path.read_text() + "# changed\n")
    assert Registry.load([path]).find("loss", "mine").code != offer.code


def test_a_files_hash_counts_whatever_version_it_declares(tmp_path: Path) -> None:
    path = _file(tmp_path, (LOSS % "mine").replace("weight: float = 1.0", "weight: float = 1.0\n    version = '7'"))
    assert Registry.load([path]).find("loss", "mine").code == file_hash(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "@hookimpl\ndef register_loses():\n    return {}",
            "unknown hook 'register_loses'. Did you mean 'register_losses'?",
        ),
        ("def register_losses():\n    return {}", "'register_losses' is not marked with @hookimpl"),
        ("x = 1", "it registers no plugins"),
        ("raise ImportError('no such library')", "ImportError: no such library"),
        ("def f(:", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_at_once(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        Registry.load([_file(tmp_path, text)])
    assert said in str(caught.value)
    assert "plugin.py" in str(caught.value)


LEAVES = {
    "@hookimpl\ndef register_losses(): raise SystemExit(0)\n": "SystemExit: 0",
    (LOSS % "mine").replace(
        "= 1.0", "= 1.0\n    def __post_init__(self): raise SystemExit(0)"
    ): "'mine' cannot be created",
}


@pytest.mark.parametrize("text", LEAVES)
def test_a_plugin_that_exits_ends_no_command_without_a_word(tmp_path: Path, text: str) -> None:
    with pytest.raises(GanbenchError, match=LEAVES[text]):
        Registry.load([_file(tmp_path, text)]).create("loss", Choice("mine"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class A:\n    def loss(self, c): ...\n", "loss 'a' has none of d_loss, g_loss, project"),
        ("class A:\n    def __init__(self, k): ...\n    d_loss = g_loss = None\n", "make it a @dataclass"),
        ("A = 3\n", "loss 'a' must be a class, got int"),
        ("def A(): raise ValueError('inside')\n", "must be a class"),
    ],
)
def test_a_class_that_breaks_its_contract_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = _file(tmp_path, text + "@hookimpl\ndef register_losses():\n    return {'a': A}\n")
    with pytest.raises(UsageError) as caught:
        Registry.load([path]).names("loss")
    assert said in str(caught.value)


def test_a_default_that_no_record_can_hold_is_refused(tmp_path: Path) -> None:
    path = _file(
        tmp_path,
        "import pathlib\n" + (LOSS % "mine").replace("weight: float = 1.0", "weight: object = pathlib.Path('x')"),
    )
    with pytest.raises(UsageError, match="the default of weight is PosixPath"):
        Registry.load([path]).names("loss")


def test_a_file_named_twice_is_loaded_once(tmp_path: Path) -> None:
    path = _file(tmp_path, LOSS % "mine")
    assert Registry.load([path, tmp_path / "." / "plugin.py"]).find("loss", "mine")


def test_a_derived_class_has_its_parents_version_in_a_package_and_its_own_hash_in_a_file(
    registry: Registry, tmp_path: Path
) -> None:
    assert registry.find("dataset", "ring8").code == "1"
    text = "from ganbench_losses.minimax import Minimax\nclass Mine(Minimax):\n    'mine'\n"
    path = _file(tmp_path, text + "@hookimpl\ndef register_losses():\n    return {'mine': Mine}\n")
    assert Registry.load([path]).find("loss", "mine").code == file_hash(path)


def test_whatever_a_plugin_raises_when_it_is_made_is_one_sentence(tmp_path: Path) -> None:
    text = (LOSS % "mine").replace("    def d_loss", "    def __post_init__(self): [][1]\n    def d_loss")
    registry = Registry.load([_file(tmp_path, text)])
    with pytest.raises(
        ContractError, match=r"loss 'mine' cannot be created: IndexError: .* \(plugin\.py:\d+, in __post_init__\)"
    ):
        registry.create("loss", registry.choose("loss", "mine", {}))


def test_a_name_registered_twice_names_both_and_is_an_error(tmp_path: Path) -> None:
    path = _file(tmp_path, LOSS % "minimax")
    registry = Registry.load([path])
    with pytest.raises(UsageError, match=r"loss 'minimax' is registered by both ganbench .* and .*plugin\.py"):
        registry.find("loss", "minimax")
    assert registry.find("loss", "nonsaturating")


def test_a_name_of_two_files_is_an_error_that_ends_in_what_to_do(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.py", "two.py")]
    for path in files:
        _file(tmp_path, LOSS % "mine").rename(path)
    with pytest.raises(UsageError, match=r"loss 'mine' is registered by both .*; rename yours$"):
        Registry.load(files).find("loss", "mine")


def test_unknown_names_and_hyperparameters_come_with_a_suggestion(registry: Registry) -> None:
    with pytest.raises(UsageError, match="Did you mean 'nonsaturating'"):
        registry.find("loss", "nonsaturatin")
    with pytest.raises(UsageError, match=r"no hyperparameter 'divergense'\. Did you mean 'divergence'"):
        registry.choose("loss", "fgan", {"divergense": "kl"})
    with pytest.raises(UsageError, match="gamma must be of type float"):
        registry.choose("loss", "began", {"gamma": "large"})
    with pytest.raises(UsageError, match="width, depth, latent and code must be >= 1"):
        registry.create("architecture", registry.choose("architecture", "mlp", {"width": 0}))


def _distribution(folder: Path, name: str, module: str, text: str) -> None:
    """An installed distribution with one entry point, as a wheel leaves it."""
    (folder / f"{module}.py").write_text(text)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[ganbench]\nlosses = {module}\n")


def _run(warm: Warm, code: str, folder: Path, **environment: str) -> str:
    asked = ["-c", f"import sys; sys.path.insert(1, {str(folder)!r}); {code}"]
    ended, out, err = warm.run(asked, {**os.environ, **environment}, folder.parent, 240)
    assert ended == 0, err
    return out


def test_a_broken_installed_plugin_stops_nothing_else(warm: Warm, tmp_path: Path) -> None:
    _distribution(tmp_path, "ganbench-broken", "gb_broken", "raise RuntimeError('at import')")
    _distribution(
        tmp_path,
        "ganbench-late",
        "gb_late",
        "from ganbench import hookimpl\n@hookimpl\ndef register_losses():\n    raise RuntimeError('when asked')\n",
    )
    _distribution(
        tmp_path,
        "ganbench-typo",
        "gb_typo",
        "from ganbench import hookimpl\n@hookimpl\ndef register_loses():\n    return {}\n",
    )
    code = "from ganbench.registry.registry import Registry; r = Registry.load(); "
    code += "print(r.names('loss')); print(r.broken())"
    out = _run(warm, code, tmp_path)
    assert "minimax" in out
    assert "RuntimeError: at import" in out
    assert "RuntimeError: when asked" in out
    assert "unknown hook 'register_loses'" in out


def test_clashing_distributions_are_both_named_and_one_can_be_disabled(warm: Warm, tmp_path: Path) -> None:
    text = "from ganbench import hookimpl\n" + (LOSS % "minimax").replace("@dataclass(frozen=True)\n", "").replace(
        "    weight: float = 1.0\n", ""
    ).replace(" * self.weight", "")
    _distribution(tmp_path, "ganbench-mine", "gb_mine", text)
    code = "from ganbench.registry.registry import Registry; print(Registry.load().problem_with('loss', 'minimax'))"
    assert "registered by both ganbench 0.1.0 and ganbench-mine 1.0" in _run(warm, code, tmp_path)
    assert _run(warm, code, tmp_path, GANBENCH_DISABLE="ganbench-mine").strip() == "None"


def test_nothing_is_loaded_from_the_current_folder_unnamed(cli: Cli, hinge: Path) -> None:
    done = cli("run", "--suite", "quick", "--add", "loss=my-hinge")
    assert done.code == 2
    assert "unknown loss 'my-hinge'" in done.err


def test_list_shows_what_there_is(cli: Cli, hinge: Path) -> None:
    done = cli("list", "losses", "--plugin", hinge)
    assert done.code == 0
    for word in ("minimax", "rpgan", "gamma=0.1", "my-hinge", "Hinge loss (Lim and Ye 2017).", "ganbench 0.1.0"):
        assert word in done.out
    import json

    found = json.loads(cli("list", "--json").out)
    kinds = {"loss", "transform", "architecture", "dataset", "extractor", "metric", "suite", "published", "tracker"}
    assert {entry["kind"] for entry in found} == kinds
    assert all(set(entry) == {"kind", "name", "about", "hyperparameters", "distribution", "version"} for entry in found)
    assert all(entry["about"] for entry in found)
    wrong = cli("list", "loses")
    assert (wrong.code, "Did you mean 'losses'?" in wrong.err) == (2, True)
