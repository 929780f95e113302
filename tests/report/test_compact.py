"""A compact report: no page of a single run, few pictures, all records; and the page of published values."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from conftest import Cli
from fabricate import Made, fabricate

import ganbench as gb

MADE = Made(losses=("minimax", "nonsaturating"), architectures=("mlp",), seeds=3)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    fabricate(folder, MADE)
    return Path(folder)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def both(results: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("both")
    for name in ("whole", "small"):
        gb.publish(gb.open_results(results, MADE.suite), folder / name, compact=name == "small")
    return folder / "whole", folder / "small"


def test_it_has_every_record_and_the_samples_of_first_seeds_alone(both: tuple[Path, Path]) -> None:
    whole, small = map(_files, both)
    gone = {name for name in whole.keys() - small.keys() if name.startswith("runs/")}
    assert gone == whole.keys() - small.keys()
    assert {Path(name).suffix for name in gone} == {".html", ".png"}
    assert not [name for name in small if re.fullmatch(r"runs/\w+/(index\.html|film\.png|neighbours\.png)", name)]
    specs = {
        name.split("/")[1]: json.loads(data)["spec"]
        for name, data in small.items()
        if re.fullmatch(r"runs/\w+/record\.json", name)
    }
    with_samples = [id_ for id_ in specs if f"runs/{id_}/samples.png" in whole]
    first: dict[str, tuple[int, str]] = {}
    for id_ in with_samples:
        cell = json.dumps([specs[id_][key] for key in ("loss", "architecture", "dataset")])
        first[cell] = min(first.get(cell, (99, "")), (specs[id_]["seed"], id_))
    pictured = {name.split("/")[1] for name in small if re.fullmatch(r"runs/\w+/samples\.png", name)}
    assert pictured == {id_ for _, id_ in first.values()}
    assert len(pictured) < len(with_samples)


def test_its_links_lead_to_files_and_it_makes_itself_again(
    both: tuple[Path, Path], inside: Cli, tmp_path: Path
) -> None:
    small = both[1]
    for path in small.rglob("*.html"):
        for target in re.findall(r'(?:href|src)="([^"#]+)(?:#[^"]*)?"', path.read_text()):
            assert (path.parent / html.unescape(target).replace("%20", " ")).is_file(), f"{path}: {target}"
    assert inside("verify", small / "manifest.json").code == 0
    assert inside("publish", "--suite", MADE.suite, "--results", small, "--to", "again", "--compact").code == 0
    assert _files(tmp_path / "again") == _files(small)


def test_a_report_shows_the_values_of_publications_with_their_protocols(both: tuple[Path, Path]) -> None:
    for folder in both:
        page = (folder / "literature.html").read_text()
        assert 'href="literature.html"' in (folder / "index.html").read_text()
        assert page.index('<h2 id="h-ring8">') < page.index('<h2 id="h-cifar10">')  # the suite's own data first
        for text in ("GAN collections", "53.98", "50,000 fakes against 50,000 training images"):
            assert text in page
