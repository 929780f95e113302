"""Plugin files of several files: what they import is part of their hash, and no two get each other's modules."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from factories import make_record, make_spec

from ganbench.errors import UsageError
from ganbench.registry import effects
from ganbench.registry.choice import Choice, Kind
from ganbench.registry.local_modules import code_hash, file_hash
from ganbench.registry.registry import Registry
from ganbench.report.html.plugin_text import PluginText, described
from ganbench.results import provenance

PLUGIN = """
%s
from ganbench import hookimpl
class Mine:
    '''Hinge loss scaled by a constant of a helper file.'''
    scale = SCALE
    def d_loss(self, critic): return SCALE * ((1 - critic.real).relu().mean() + (1 + critic.fake).relu().mean())
    def g_loss(self, critic): return -SCALE * critic.fake.mean()
@hookimpl
def register_losses(): return {"mine": Mine}
"""


@pytest.fixture(autouse=True)
def _own_process() -> Iterator[None]:
    """What plugins import and put on `sys.path` is forgotten after each test, as at the end of a process."""
    modules, path, variables = set(sys.modules), list(sys.path), dict(os.environ)
    yield
    for name in set(sys.modules) - modules:
        if not str(getattr(sys.modules[name], "__file__", "")).startswith(sys.prefix):
            del sys.modules[name]
    sys.path[:] = path
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ.update(variables)


def _plugin(folder: Path, imports: str, name: str = "lossy.py", **others: str) -> Path:
    """A plugin file with imports that bind SCALE, beside other modules given by name and text."""
    folder.mkdir(exist_ok=True, parents=True)
    for module, text in others.items():
        (folder / f"{module}.py").write_text(text)
    path = folder / name
    path.write_text(PLUGIN % imports)
    return path


def _code(path: Path) -> str:
    return Registry.load([path]).find("loss", "mine").code


INSERT = "import sys, pathlib; sys.path.insert(0, str(pathlib.Path(__file__).parent))\n"


@pytest.mark.parametrize(
    "imports",
    [
        "from helper import SCALE",
        "import helper; SCALE = helper.SCALE",
        "from . import helper; SCALE = helper.SCALE",
        "from .helper import SCALE",
        INSERT + "from helper import SCALE",
        "def read():\n    from helper import SCALE\n    return SCALE\nSCALE = read()",
        "import importlib; SCALE = importlib.import_module('helper').SCALE",
    ],
)
def test_an_imported_neighbour_is_part_of_the_hash_and_read_again_when_it_changes(tmp_path: Path, imports: str) -> None:
    path = _plugin(tmp_path, imports, helper="SCALE = 1.0\n")
    before = _code(path)
    assert before != file_hash(path)
    (tmp_path / "helper.py").write_text("SCALE = 5.0\n")  # the same size, within the same second
    offer = Registry.load([path]).find("loss", "mine")
    assert offer.code not in (before, file_hash(path))
    assert offer.thing.scale == 5.0
    assert offer.source_hash() == offer.code == offer.source.version
    (tmp_path / "unused.py").write_text("SCALE = 2.0\n")
    assert _code(path) == offer.code


def test_the_hash_does_not_depend_on_where_the_folder_is(tmp_path: Path) -> None:
    imports = "from helper import SCALE; from . import other"
    codes = []
    for name in ("a", "b"):
        path = _plugin(tmp_path / name, imports, other="import json, torch\n", helper="SCALE = 1.0\n")
        codes.append(_code(path))
        del sys.modules["helper"]
    assert codes[0] == codes[1]


def test_modules_that_neighbours_import_count_packages_and_cycles_too(tmp_path: Path) -> None:
    package = tmp_path / "parts"
    (package / "deep").mkdir(parents=True)
    texts = {
        "parts/__init__.py": "from .first import SCALE\n",
        "parts/first.py": "def later():\n    from .deep import second\nfrom constants import SCALE\n",
        "parts/deep/__init__.py": "",
        "parts/deep/second.py": "from ..first import SCALE\nfrom ... import beyond\n",
        "constants.py": "import parts\nSCALE = 1.0\n",
        "parts/unused.py": "",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    path = _plugin(tmp_path, "import torch, numpy.random, ganbench_losses.minimax\nfrom parts import SCALE")
    source = Registry.load([path]).find("loss", "mine").source
    names = {"parts", "parts.first", "parts.deep", "parts.deep.second", "constants"}
    assert set(source.modules) == names
    assert source.version == code_hash(path, {name: source.modules[name] for name in sorted(names)})
    for name in sorted(texts)[:-1]:
        before = _code(path)
        (tmp_path / name).write_text(texts[name] + "# edited\n")
        assert (_code(path) == before) == (name == "parts/unused.py"), name


def test_the_init_file_of_the_plugins_folder_is_run_and_hashed_if_it_imports_relatively(tmp_path: Path) -> None:
    path = _plugin(tmp_path, "from . import SCALE", __init__="SCALE = 3.0\n")
    assert Registry.load([path]).find("loss", "mine").thing.scale == 3.0
    before = _code(path)
    (tmp_path / "__init__.py").write_text("SCALE = 4.0\n")
    assert _code(path) != before
    absolute = _plugin(tmp_path / "other", "SCALE = 1.0", __init__="raise ImportError('never run')\n")
    assert _code(absolute) == file_hash(absolute)


def test_two_folders_that_have_a_module_of_one_name_are_refused_by_name_or_kept_apart(tmp_path: Path) -> None:
    one = _plugin(tmp_path / "a", "from helper import SCALE", helper="SCALE = 1.0\n")
    two = _plugin(tmp_path / "b", "from helper import SCALE", helper="SCALE = 2.0\n")
    with pytest.raises(UsageError) as caught:
        Registry.load([one, two])
    text = str(caught.value)
    for part in (str(two), str(tmp_path / "a" / "helper.py"), str(tmp_path / "b" / "helper.py"), f"for plugin {one}"):
        assert part in text
    assert "rename one of the two, or import it relatively ('from . import helper')" in text
    two.write_text(two.read_text().replace("from helper", "from .helper").replace('"mine"', '"other"'))
    registry = Registry.load([one, two])
    assert [registry.find("loss", name).thing.scale for name in ("mine", "other")] == [1.0, 2.0]


def test_a_module_that_the_process_has_from_elsewhere_is_named(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    _plugin(elsewhere, "", helper="SCALE = 7.0\n")
    sys.path.append(str(elsewhere))
    import helper  # type: ignore[import-not-found]

    assert helper.SCALE == 7.0
    sys.path.remove(str(elsewhere))
    path = _plugin(tmp_path / "mine", "from helper import SCALE", helper="SCALE = 1.0\n")
    with pytest.raises(UsageError, match=r"imports 'helper' from .*mine/helper\.py, but this process has 'helper'"):
        Registry.load([path])


@pytest.mark.parametrize(
    ("imports", "said"),
    [
        ("from .. import helper", "attempted relative import beyond top-level package"),
        ("from . import absent", "cannot import name 'absent' from the plugin's folder"),
        ("from .absent import SCALE", "ModuleNotFoundError: No module named '.absent'"),
    ],
)
def test_a_relative_import_that_fails_says_how_a_plugin_of_two_files_is_made(
    tmp_path: Path, imports: str, said: str
) -> None:
    path = _plugin(tmp_path, imports)
    with pytest.raises(UsageError) as caught:
        Registry.load([path])
    text = str(caught.value)
    assert said in text
    assert "keeps them in one folder and imports them with 'from . import helper' or 'import helper'" in text
    assert "ganbench_file" not in text


def test_a_neighbour_never_shadows_an_installed_package_or_the_standard_library(tmp_path: Path) -> None:
    bad = "raise ImportError('the neighbour')\n"
    path = _plugin(tmp_path, "import torch, profile, safetensors; SCALE = 1.0", torch=bad, profile=bad, safetensors=bad)
    assert _code(path) == file_hash(path)


def test_what_plugins_do_to_the_environment_and_the_path_is_not_passed_on(tmp_path: Path) -> None:
    text = (
        INSERT + "import os; os.environ['LOSSY'] = '1'; os.environ.pop('GANBENCH_DATA'); os.chdir('/'); SCALE = 1.0\n"
        "sys.path.remove(str(pathlib.Path(__file__).parent / 'kept'))"
    )
    text += "\nimport torch\ntorch.set_default_dtype(torch.float64); torch.set_default_device('meta')\n"
    path = _plugin(tmp_path, text + "torch.set_grad_enabled(False)")
    sys.path.append(str(tmp_path / "kept"))
    before, here = list(sys.path), Path.cwd()
    variables, search = effects.environment(), effects.search_path()  # plugins of other tests left their own
    assert "GANBENCH_DATA" in variables
    assert str(tmp_path / "kept") in search
    Registry.load([path])
    assert (effects.environment(), effects.search_path(), Path.cwd()) == (variables, search, here)
    assert sys.path == [*before, str(tmp_path)]
    assert (torch.get_default_dtype(), torch.get_default_device().type, torch.is_grad_enabled()) == (
        torch.float32,
        "cpu",
        True,
    )


def test_a_report_shows_all_files_of_a_plugin_and_says_when_one_is_not_what_was_trained(tmp_path: Path) -> None:
    path = _plugin(tmp_path, "from helper import SCALE", helper="SCALE = 1.0\n")

    def shown() -> PluginText:
        (text,) = described(Registry.load([path]), [replace(record, provenance=trained)], ["loss"])
        return text

    registry, record = Registry.load([path]), make_record(spec=make_spec(loss="mine"))
    choices: list[tuple[Kind, Choice]] = [("loss", registry.choose("loss", "mine", {}))]
    trained = replace(record.provenance, plugins=provenance.plugins(registry, choices))
    text = shown()
    assert (text.source, text.note) == (f"{path.read_text()}\n\n# helper.py\nSCALE = 1.0\n", "")
    (tmp_path / "helper.py").write_text("SCALE = 5.0\n")
    text = shown()
    assert text.source.endswith("# helper.py\nSCALE = 5.0\n")
    assert text.note == "The source below is not the code that was trained: its hash is not the record's."
