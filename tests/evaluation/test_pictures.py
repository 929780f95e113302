"""The pictures of a run: the film, nearest training images, counts by mode."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import Cli
from factories import reseal, scores_file
from PIL import Image
from plans import cell
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor

from ganbench.engine.checkpoints import Checkpoints, Stopped
from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.film import FRAMES, film, frame
from ganbench.evaluation.images import picture, picture_classes
from ganbench.evaluation.neighbor_grid import nearest, neighbor_grid
from ganbench.registry.contracts import Dataset
from ganbench.registry.registry import Registry
from ganbench.results.records import AnyRecord, Film, Neighbors, Record
from ganbench.results.store import Store
from ganbench.runner.jobs import ReferenceJob
from ganbench.runner.scoring import build_evaluator
from ganbench.runner.worker import CheckpointSettings, Outputs, evaluate_reference, train_cell
from ganbench.suite.specs import Cell, EvaluationSpec, ReferenceSpec, RunSpec, TrainSpec
from ganbench_datasets.digits import Digits
from ganbench_datasets.mixtures import Grid25, Ring8

CPU = torch.device("cpu")
NEW = {"film", "neighbours"}
"""Keys of record.json that records of older versions do not have; `histogram` is such a key of the scores."""


def _pixels(png: bytes) -> Tensor:
    """(3, H, W), 0 to 255."""
    pixels: Tensor = pil_to_tensor(Image.open(io.BytesIO(png)).convert("RGB"))
    return pixels


def _random(shape: tuple[int, ...], count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))


def _shaped(*shape: int) -> Any:
    return SimpleNamespace(shape=shape)


def test_images_of_a_conditional_generator_have_a_row_per_class() -> None:
    """The first ten of each class in order, white where a class has fewer; without labels the first samples."""
    samples = torch.linspace(-1, 1, 40).reshape(40, 1, 1, 1).expand(40, 1, 8, 8)
    labels = torch.tensor([2, 0] * 15 + [5] * 10)
    shown = picture(samples, _shaped(1, 8, 8), labels)
    assert shown is not None
    pixels = _pixels(shown).float()
    assert picture_classes(labels, _shaped(1, 8, 8)) == (0, 2, 5)
    zoom = pixels.shape[2] // 91  # ten images of 8 pixels, and lines between them
    at = [(1 + 9 * i + 4) * zoom for i in range(10)]
    middle = pixels[0][at[:3]][:, at]
    expected = torch.stack([samples[labels == one][:10, 0, 0, 0] for one in (0, 2, 5)])
    assert torch.allclose(middle, ((expected + 1) / 2 * 255).round(), atol=1)
    few = picture(samples[:3], _shaped(1, 8, 8), torch.tensor([0, 0, 1]))
    assert few is not None
    assert (_pixels(few)[:, at[1], at[1:]] == 255).all()
    assert picture(samples, _shaped(1, 8, 8)) != shown


def test_points_and_unlabeled_samples_have_no_rows_of_classes() -> None:
    assert picture_classes(torch.tensor([0, 1]), _shaped(2)) == ()
    assert picture_classes(None, _shaped(1, 8, 8)) == ()
    assert picture_classes(torch.arange(30), _shaped(1, 8, 8)) == tuple(range(10))


def _made(frames: dict[int, Tensor | None], dataset: Dataset) -> tuple[Tensor, Film]:
    """The film of frames: its pixels, and its facts."""
    made = film({step: one for step, one in frames.items() if one is not None}, dataset)
    assert made is not None
    return _pixels(made[0]), made[1]


def _grid(evaluator: Evaluator, samples: Tensor) -> tuple[Tensor, Neighbors]:
    made = neighbor_grid(evaluator, samples)
    assert made is not None
    return _pixels(made[0]), made[1]


def _film_steps(record: AnyRecord) -> tuple[int, ...]:
    assert record.film is not None
    return record.film.steps


def _stop_after_two() -> Callable[[], bool]:
    """False twice, then True."""
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 2

    return stop


@pytest.mark.parametrize("dataset", [Ring8(), Digits(), _shaped(1, 20, 48), _shaped(3, 100, 70)], ids=str)
def test_a_film_is_its_frames_side_by_side_in_the_order_of_steps(dataset: Dataset) -> None:
    frames = {step: frame(_random(dataset.shape, 2000, step), dataset) for step in (300, 100, 200)}
    strip, facts = _made(frames, dataset)
    side = facts.side
    assert facts.steps == (100, 200, 300)
    assert strip.shape == (3, side, 3 * side)
    assert 160 <= side <= 240
    if dataset.shape[0] == 3:
        return  # more than 256 colors: a palette's frames depend on each other
    for index, step in enumerate(facts.steps):
        alone, _ = _made({step: frames[step]}, dataset)
        assert torch.equal(alone, strip[:, :, index * side : (index + 1) * side])


def test_a_film_of_points_is_small_and_shows_them_over_the_density() -> None:
    data = Grid25()
    frames = {step: frame(data.load("train").samples[step * 1000 :], data) for step in range(9)}
    made = film({step: one for step, one in frames.items() if one is not None}, data)
    assert made is not None
    png, facts = made
    assert len(png) < 60_000
    ground, _ = _made({0: torch.full((1, 2), 1e6)}, data)
    assert (ground[0] == ground[1]).all()  # a point outside the picture leaves the grey density
    red = (_pixels(png)[0].int() - _pixels(png)[1]) > 100
    shown = red.reshape(facts.side, 9, facts.side)
    dark = ground[0] < 255  # within some standard deviations of a mode
    for index in range(9):
        assert shown[:, index].any()
        assert (shown[:, index] & ~dark).sum() < 0.1 * shown[:, index].sum()


def test_other_samples_have_no_film() -> None:
    assert frame(_random((3,), 50), _shaped(3)) is None
    assert frame(_random((4, 16, 16), 50), _shaped(4, 16, 16)) is None
    assert frame(_random((2,), 50) / 0, Ring8()) is None
    assert film({}, Ring8()) is None


def _evaluator(
    registry: Registry, dataset: str, samples: int, split: str = "train", real_samples: int = 0
) -> Evaluator:
    spec = _evaluation(registry, dataset, samples, split=split, real_samples=real_samples)
    return build_evaluator(registry, registry.create("dataset", registry.choose("dataset", dataset, {})), spec, CPU)


def _evaluation(registry: Registry, dataset: str, samples: int, **more: Any) -> EvaluationSpec:
    made = registry.create("dataset", registry.choose("dataset", dataset, {}))
    extractor = registry.choose("extractor", made.extractor, {})
    return EvaluationSpec(samples, extractor=extractor, metrics=(registry.choose("metric", "modes", {}),), **more)


def test_the_nearest_neighbor_of_a_training_image_is_itself(registry: Registry) -> None:
    evaluator = _evaluator(registry, "digits", 1000)
    features = evaluator.real.features
    assert torch.equal(nearest(features[:200], features, 5)[:, 0], torch.arange(200))
    some = features[:20].double().numpy()
    order = nearest(features[:20], features, 5).numpy()
    distances = ((some[:, None] - features.double().numpy()) ** 2).sum(axis=2)
    assert (order == distances.argsort(axis=1, kind="stable")[:, :5]).all()
    pixels, facts = _grid(evaluator, evaluator.real.samples[100:200])
    assert facts == Neighbors(by="features of digits16", of=1347, shown=12, nearest=5)
    copies = _cells(pixels)
    assert len(copies) == 12
    for fake, first, second in copies:
        assert torch.equal(fake, first)
        assert not torch.equal(fake, second)


def _cells(pixels: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Every fake with its first two neighbors, found by the red frames; 16 pixels wide, enlarged 3 times."""
    red = (pixels[0].int() - pixels[1]) > 100
    corners = red & ~red.roll(1, 0) & ~red.roll(1, 1)
    size = 3 * 16
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    for row, column in corners.nonzero().tolist():
        inner = row + 3, column + 3
        starts = [inner[1], inner[1] + size + 3 * 4, inner[1] + size + 3 * 4 + size + 3]
        fake, first, second = (pixels[:, inner[0] : inner[0] + size, at : at + size] for at in starts)
        found.append((fake, first, second))
    return found


def test_neighbors_are_searched_among_training_images_whatever_the_split(registry: Registry) -> None:
    fakes = Digits().load("train").samples[:3]
    pixels, facts = _grid(_evaluator(registry, "digits", 1000, split="test"), fakes)
    assert (facts.of, facts.shown) == (1347, 3)
    assert all(torch.equal(fake, first) for fake, first, _ in _cells(pixels))
    _, part = _grid(_evaluator(registry, "digits", 1000, split="test", real_samples=300), fakes)
    assert part.of == 300
    assert neighbor_grid(_evaluator(registry, "ring8", 1000), torch.zeros(20, 2)) is None


def _cell(registry: Registry, dataset: str, loss: str = "minimax", steps: int = 150, **evaluation: Any) -> Cell:
    spec = RunSpec(
        (registry.choose("loss", loss, {}),),
        registry.choose("architecture", "mlp", {"width": 16, "depth": 1}),
        registry.choose("dataset", dataset, {}),
        0,
        TrainSpec(steps=steps, batch=32),
        evaluation=_evaluation(registry, dataset, 200, **evaluation),
    )
    return cell(spec, (0, 1), (loss, "mlp", dataset))


def _trained(
    registry: Registry, cell: Cell, folder: Path, checkpointing: CheckpointSettings | None = None
) -> list[tuple[Record, Path]]:
    """Every seed's record, and the folder of its files."""
    found: list[tuple[Record, Path]] = []
    staging = folder.joinpath

    def made(name: str) -> Path:
        staging(name).mkdir(parents=True, exist_ok=True)
        return staging(name)

    def on_record(record: AnyRecord, at: Path) -> None:
        assert isinstance(record, Record)
        found.append((record, at))

    train_cell(registry, "s", cell, CPU, Outputs(made, on_record), checkpointing)
    return found


@pytest.mark.parametrize("dataset", ["ring8", "digits"])
def test_a_film_is_the_same_after_a_stop_and_a_resume(registry: Registry, dataset: str, tmp_path: Path) -> None:
    cell = _cell(registry, dataset, snapshots=3)
    checkpointing = CheckpointSettings(Checkpoints(tmp_path / "kept"), 0.0, _stop_after_two())
    with pytest.raises(Stopped):
        _trained(registry, cell, tmp_path / "stopped", checkpointing)
    assert not list((tmp_path / "stopped").glob("*/film.png"))
    resumed = _trained(
        registry, cell, tmp_path / "stopped", replace(checkpointing, interval_s=60.0, stop_requested=lambda: False)
    )
    whole = _trained(registry, cell, tmp_path / "whole")
    assert len(resumed) == len(whole) == 2
    for (one, at), (two, there) in zip(resumed, whole, strict=True):
        assert one.film == two.film
        assert _film_steps(one) == (50, 100, 150)
        assert (at / "film.png").read_bytes() == (there / "film.png").read_bytes()
        assert one.evaluation.metrics == two.evaluation.metrics
        assert one.evaluation.histogram == two.evaluation.histogram
    assert (whole[0][1] / "film.png").read_bytes() != (whole[1][1] / "film.png").read_bytes()


def test_every_run_has_a_film_and_snapshots_change_nothing_in_it(registry: Registry, tmp_path: Path) -> None:
    seen = _trained(registry, _cell(registry, "ring8", steps=600, snapshots=2), tmp_path / "seen")
    unseen = _trained(registry, _cell(registry, "ring8", steps=600), tmp_path / "unseen")
    for (one, at), (two, there) in zip(seen, unseen, strict=True):
        assert [len(one.evaluation.snapshots), len(two.evaluation.snapshots)] == [2, 0]
        assert one.film == two.film
        assert _film_steps(one) == (100, 150, 200, 250, 300, 400, 450, 500, 550, 600)
        assert len(_film_steps(one)) == FRAMES
        assert (at / "film.png").read_bytes() == (there / "film.png").read_bytes()
        assert one.evaluation.metrics == two.evaluation.metrics


def test_a_picture_shows_training_images_beside_their_fakes(registry: Registry, tmp_path: Path) -> None:
    for record, folder in _trained(registry, _cell(registry, "digits", steps=20), tmp_path):
        assert _film_steps(record) == (20,)
        assert (folder / "neighbours.png").exists()
        assert record.neighbors is not None
        assert record.neighbors.of == 1347


BREAKS = '''
import torch
from ganbench import hookimpl
from ganbench_losses.minimax import Minimax


class Breaks(Minimax):
    """Not finite from step 120 on."""

    def memory(self, params): return {"moves": torch.zeros(())}

    def remember(self, critic): return {"moves": critic.memory["moves"] + 1}

    def d_loss(self, critic):
        return super().d_loss(critic) + torch.where(critic.memory["moves"] >= 120, float("nan"), 0.0)


@hookimpl
def register_losses():
    return {"breaks": Breaks}
'''


def test_a_run_that_diverged_has_the_film_of_what_came_before(tmp_path: Path) -> None:
    (tmp_path / "breaks.py").write_text(BREAKS)
    registry = Registry.load((tmp_path / "breaks.py",))
    for record, folder in _trained(registry, _cell(registry, "ring8", "breaks", 200, snapshots=4), tmp_path / "runs"):
        assert record.status == "diverged"
        assert _film_steps(record) == (50, 100)
        assert record.evaluation.histogram is None
        assert (folder / "film.png").exists()
        store = Store(tmp_path / "results")
        store.commit(record, folder)
        kept = store.run(record.id, record.spec.evaluation.id)
        assert kept is not None
        assert (kept.status, kept.evaluated) == ("diverged", False)
        assert [one.step for one in kept.evaluation.snapshots] == [50, 100]


def test_a_reference_has_its_histogram_and_its_neighbors(registry: Registry, tmp_path: Path) -> None:
    spec = ReferenceSpec("real", registry.choose("dataset", "digits", {}), _evaluation(registry, "digits", 1000))
    found: list[AnyRecord] = []
    job = ReferenceJob("ring8", spec)
    evaluate_reference(registry, job, CPU, Outputs(lambda _: tmp_path, lambda record, _: found.append(record)))
    (record,) = found
    assert record.evaluation.histogram is not None
    assert sum(record.evaluation.histogram.fake) == record.evaluation.histogram.n == 450
    assert record.neighbors is not None
    assert record.neighbors.of == 1347
    assert record.film is None
    assert (tmp_path / "neighbours.png").exists()


def test_a_record_without_these_keys_is_shown_as_before(inside: Cli, registry: Registry, tmp_path: Path) -> None:
    record, folder = _trained(registry, _cell(registry, "ring8", steps=1), tmp_path)[0]
    store = Store(tmp_path / "results")
    store.commit(record, folder)
    path = store.runs / record.id / "record.json"
    shown = inside("show", record.id)
    assert shown.code == 0
    assert json.loads(path.read_text()).keys() >= NEW
    reseal(path, lambda content: [content.pop(key) for key in NEW])
    reseal(scores_file(path.parent), lambda content: content.pop("histogram"))
    assert inside("show", record.id).out == shown.out


def test_a_checkpoint_without_frames_is_resumed(registry: Registry, tmp_path: Path) -> None:
    """As older versions saved them: the film starts at the resume."""
    cell = _cell(registry, "ring8", snapshots=3)
    checkpointing = CheckpointSettings(Checkpoints(tmp_path / "kept"), 0.0, _stop_after_two())
    with pytest.raises(Stopped):
        _trained(registry, cell, tmp_path / "stopped", checkpointing)
    for seed in cell.seeds:
        saved = checkpointing.checkpoints.load(cell.run(seed).id)
        assert saved is not None
        step, tensors, facts = saved
        older = {name: tensor for name, tensor in tensors.items() if not name.startswith("still")}
        assert len(older) < len(tensors)
        checkpointing.checkpoints.drop(cell.run(seed).id)
        checkpointing.checkpoints.save(cell.run(seed).id, step, older, facts)
    for record, _ in _trained(
        registry, cell, tmp_path / "on", replace(checkpointing, interval_s=60.0, stop_requested=lambda: False)
    ):
        assert [entry.step for entry in record.evaluation.snapshots] == [50, 100, 150]
        assert _film_steps(record) in ((100, 150), (150,))
