"""Paths in a suite's file are relative to it, those of options to the current folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganbench.errors import UsageError
from ganbench.registry.registry import Registry
from ganbench.suite.contents import Contents
from ganbench.suite.expand import expand
from ganbench.suite.load import adjusted, load
from ganbench.suite.specs import Plan

PLUGIN = '''
from dataclasses import dataclass
from ganbench import Features, hookimpl, location


@dataclass(frozen=True)
class Photos:
    """Photographs in a folder."""

    root: str = location("photos")
    more: tuple = location(())
    mirror: str = location("")
    download: bool = location(False)
    kind: str = "color"
    shape = (3, 16, 16)
    modes = None
    extractor = "pixels"
    metrics = ("fid",)

    def fingerprint(self): return "1"
    def load(self, split): raise AssertionError("loaded")


@dataclass(frozen=True)
class Pixels:
    """The pixels."""

    weights: str = location("")
    dims = 48
    canonical = False
    gives = ()

    def fingerprint(self): return "1"
    def open(self, dataset, device): return Features


@hookimpl
def register_datasets(): return {"photos": Photos}


@hookimpl
def register_extractors(): return {"pixels": Pixels}
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "suites"
    made.mkdir()
    (made / "mine.py").write_text(PLUGIN)
    return made


def expanded(
    folder: Path, dataset: str, more: str = "", sets: tuple[str, ...] = (), adds: tuple[str, ...] = ()
) -> Plan:
    text = f"losses: [minimax]\narchitectures: [mlp]\nplugins: [mine.py]\ndatasets: [{dataset}]\n{more}"
    (folder / "s.yaml").write_text(text)
    suite = adjusted(load(folder / "s.yaml"), sets, adds)
    return expand(suite, Registry.load(suite.plugins))


@pytest.mark.parametrize(
    ("written", "places"),
    [
        ("{root: data}", {"root": "{}/data"}),
        ("{root: ../data, download: true}", {"root": "{}/../data", "download": True}),
        ("{root: /somewhere/data}", {"root": "/somewhere/data"}),
        ("{root: ~/data}", {"root": "~/data"}),
        ("{root: ''}", {"root": ""}),
        ("{more: [a, /b]}", {"more": ("{}/a", "/b")}),
        ("{mirror: 'https://example.org/x'}", {"mirror": "https://example.org/x"}),
        ("{}", {}),
    ],
)
def test_paths_of_a_suite_file_are_relative_to_it(folder: Path, written: str, places: dict[str, object]) -> None:
    def full(value: object) -> object:
        if isinstance(value, tuple):
            return tuple(map(full, value))
        return value.replace("{}", str(folder)) if isinstance(value, str) else value

    wanted = {"root": "photos", "more": (), "mirror": "", "download": False} | {k: full(v) for k, v in places.items()}
    (cell,) = expanded(folder, f"photos: {written}").cells
    assert cell.spec.dataset.places == wanted
    (override,) = expanded(folder, "photos", f"overrides: [{{when: {{dataset: photos}}, dataset: {written}}}]").cells
    assert override.spec.dataset.places == wanted


def test_other_hyperparameters_and_labels_stay_as_written(folder: Path) -> None:
    one, two = expanded(folder, "photos: {kind: gray, root: a}, photos: {root: b}").cells
    assert one.spec.dataset.params == {"kind": "gray"}
    assert one.dataset.text == "photos(kind=gray, root=a)"
    assert two.dataset.text == "photos(root=b)"


def test_the_same_data_in_two_places_are_refused_and_other_data_are_not(folder: Path) -> None:
    plan = expanded(folder, "photos: {root: a}, photos: {root: b}")
    registry = Registry.load([folder / "mine.py"])
    with pytest.raises(
        UsageError, match=r"photos\(root=b\) and .*photos\(root=a\) have the same data, so they are the"
    ):
        Contents(registry).filled(plan)
    (folder / "mine.py").write_text(PLUGIN.replace('return "1"', "return self.root[-1:]", 1))
    registry = Registry.load([folder / "mine.py"])
    ids = [cell.spec.id for cell in Contents(registry).filled(plan).cells]
    assert len(set(ids)) == 2
    with pytest.raises(UsageError, match="are the same runs; list only one"):
        expanded(folder, "photos: {root: a}, photos: {root: a}")


def test_the_weights_of_an_extractor_are_relative_to_the_suite_too(folder: Path) -> None:
    (cell,) = expanded(folder, "photos", "evaluation: {extractor: {pixels: {weights: w.pt}}}\n").cells
    assert cell.spec.evaluation.extractor.places == {"weights": str(folder / "w.pt")}


def test_paths_of_options_are_relative_to_the_current_folder(folder: Path) -> None:
    (cell,) = expanded(folder, "photos: {root: a}", sets=("dataset.root=here",)).cells
    assert cell.spec.dataset.places["root"] == "here"
    more = expanded(
        folder, "ring8", "evaluation: {samples: 2500, real_samples: 2500}", adds=("dataset=photos: {root: here}",)
    )
    assert [cell.spec.dataset.places.get("root") for cell in more.cells] == [None, "here"]
