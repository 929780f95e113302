"""The surface of D against D*: the kernel's arithmetic, the rebuilt networks, and `ganbench show --surface`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from math import pi
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats
import torch
from conftest import HINGE
from safetensors.torch import load_file, save_file
from sklearn.neighbors import KernelDensity

from ganbench.cli import cli as ganbench
from ganbench.errors import ContractError, MissingError, ResultsError, UsageError
from ganbench.registry.registry import Registry
from ganbench.results.records import Failure, Record
from ganbench.results.store import Store
from ganbench.theory import surface
from ganbench.theory.kernels import kernel_at, kernel_grid, mode_width, smoothed
from ganbench.theory.models import plugin, trained_models
from ganbench_architectures.mlp import Mlp
from ganbench_datasets.mixtures import Grid25, Mixture, Ring8

SUITE = """
about: short, for surfaces
losses: [minimax, rpgan, my-hinge]
architectures: [mlp]
datasets: [ring8]
seeds: 1
train: {steps: 40, batch: 32, lr: 2e-3}
evaluation: {samples: 1000, real_samples: 1000, metrics: [modes]}
"""


def _run(*arguments: object) -> object:
    return ganbench.main([str(argument) for argument in arguments], standalone_mode=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three short runs; the third one's loss is a local file."""
    folder = tmp_path_factory.mktemp("surface")
    (folder / "short.yaml").write_text(SUITE)
    (folder / "my_loss.py").write_text(HINGE)
    command = ("run", "--suite", folder / "short.yaml", "--plugin", folder / "my_loss.py")
    assert _run(*command, "--results", folder / "results", "--jobs", 1) == 0
    return folder / "results"


@pytest.fixture(scope="module")
def records(results: Path) -> dict[str, Record]:
    store = Store(results)
    found = (store.run(path.parent.name) for path in results.glob("runs/*/record.json"))
    return {record.spec.composition: record for record in found if record is not None}


def _with_code(record: Record, plugin: str, code: str) -> Record:
    """The record, as if a plugin had been of another version."""
    origin = replace(record.provenance.plugins["dataset:ring8"], code=code)
    plugins = {**record.provenance.plugins, plugin: origin}
    return replace(record, provenance=replace(record.provenance, plugins=plugins))


@pytest.fixture(autouse=True)
def _fewer_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surface, "SAMPLES", 5000)
    monkeypatch.setattr(surface, "SIDE", 60)


def test_the_kernel_estimate_is_scikit_learns() -> None:
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(12_000, 2, generator=generator)
    across, up = torch.linspace(-2, 2, 7), torch.linspace(-1, 1, 5)
    grid = torch.tensor([[float(x), float(y)] for y in up for x in across])
    expected = np.exp(KernelDensity(bandwidth=0.2).fit(points.numpy()).score_samples(grid.numpy()))
    np.testing.assert_allclose(kernel_grid(points, across, up, 0.2).flatten(), expected, rtol=1e-3)
    np.testing.assert_allclose(kernel_at(points, grid, 0.2), expected, rtol=1e-3)


def test_a_smoothed_normal_is_a_wider_normal() -> None:
    def log_density(x: torch.Tensor) -> torch.Tensor:
        return -x.square().sum(dim=1) / (2 * 0.02**2) - torch.tensor(2 * pi * 0.02**2).log()

    x = torch.randn(200, 2, generator=torch.Generator().manual_seed(0)) * 0.03
    expected = scipy.stats.multivariate_normal([0, 0], 0.02**2 + 0.005**2).pdf(x.numpy())
    np.testing.assert_allclose(smoothed(log_density, x, 0.005), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("dataset", "std"), [(Ring8(), 0.02), (Grid25(), 0.025), (Ring8(std=0.1), 0.1)])
def test_a_modes_width_is_its_standard_deviation(dataset: Mixture, std: float) -> None:
    assert mode_width(dataset, dataset.load("test").samples) == pytest.approx(std, rel=0.03)


def test_a_density_without_slopes_is_refused() -> None:
    flat = SimpleNamespace(log_density=lambda x: torch.zeros(len(x)))
    with pytest.raises(ContractError, match="log_density"):
        mode_width(flat, torch.zeros(3, 2))


def test_of_a_perfect_generator_d_star_is_one_half() -> None:
    """Only because both densities are seen through the kernel: the known one as it is would look sharper."""
    dataset, h = Ring8(), 0.01  # wider than is used, so that the bias stands out
    points = dataset.sample(100_000, torch.Generator().manual_seed(5))
    centres = dataset.centres
    p_fake = kernel_at(points, centres, h)
    p_real, sharp = smoothed(dataset.log_density, centres, h), dataset.log_density(centres).exp()
    assert float((p_real / (p_real + p_fake)).mean()) == pytest.approx(0.5, abs=0.01)
    assert float((sharp / (sharp + p_fake)).mean()) == pytest.approx(1.25 / 2.25, abs=0.01)


def test_the_players_are_those_that_were_trained(results: Path, records: dict[str, Record]) -> None:
    record = records["minimax"]
    folder = results / "runs" / record.id
    models = trained_models(record, folder, Mlp(), Ring8())
    tensors = load_file(folder / "weights.safetensors")
    x = torch.randn(9, 2)
    for prefix, network in (("generator.", Mlp().generator((2,))), ("discriminator.", Mlp().discriminator((2,)))):
        network.load_state_dict({n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)})
    with torch.no_grad():
        torch.testing.assert_close(models.logits(x), network(x)[:, 0])
    samples = models.samples(1000)  # the same latents as were evaluated
    near = torch.cdist(samples, Ring8().centres).amin(dim=1) <= 3 * 0.02
    assert float(near.float().mean()) == pytest.approx(record.evaluation.metrics["HQ"], abs=1e-6)


def test_a_discriminator_saw_the_last_step(results: Path, records: dict[str, Record]) -> None:
    """The weights are those of D after training, not its initial ones."""
    record = records["minimax"]
    tensors = load_file(results / "runs" / record.id / "weights.safetensors")
    assert {name.split(".")[0] for name in tensors} == {"generator", "discriminator"}  # `ema: 0`: there is no average
    models = trained_models(record, results / "runs" / record.id, Mlp(), Ring8())
    logits = models.logits(torch.cat([Ring8().load("test").samples[:500], torch.zeros(500, 2)]))
    assert float(logits[:500].mean()) > float(logits[500:].mean())


@pytest.mark.parametrize("loss", ["minimax", "rpgan"])
def test_show_draws_the_surface(
    results: Path, records: dict[str, Record], loss: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one.png", "two.png"):
        assert _run("show", records[loss].id, "--results", results, "--surface", tmp_path / name) == 0
    out = capsys.readouterr().out
    assert (("no log-odds" in out), ("mean |D - D*|" in out)) == (loss == "rpgan", loss == "minimax")
    first = (tmp_path / "one.png").read_bytes()
    assert first.startswith(b"\x89PNG")
    assert first == (tmp_path / "two.png").read_bytes()


def test_the_record_as_json_stays_json(
    results: Path, records: dict[str, Record], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = records["minimax"].id
    assert _run("show", run, "--results", results, "--json", "--surface", tmp_path / "one.svg") == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["id"] == run
    assert "one.svg" in printed.err


def test_a_loss_from_a_file_needs_the_file_as_it_was(results: Path, records: dict[str, Record], tmp_path: Path) -> None:
    run = ("show", records["my-hinge"].id, "--results", results, "--surface", tmp_path / "one.png")
    with pytest.raises(UsageError, match=r"my_loss\.py.*--plugin"):
        _run(*run)
    assert _run(*run, "--plugin", results.parent / "my_loss.py") == 0
    edited = tmp_path / "my_loss.py"
    edited.write_text(HINGE.replace("(1 - critic.real)", "(2 - critic.real)"))
    with pytest.raises(UsageError, match="train again"):
        _run(*run, "--plugin", edited)


def test_what_cannot_be_drawn_is_reported(
    results: Path, records: dict[str, Record], registry: Registry, tmp_path: Path
) -> None:
    record = records["minimax"]
    folder = results / "runs" / record.id
    diverged = replace(record, failure=Failure("diverged", "a loss was not finite", step=3))
    with pytest.raises(UsageError, match="diverged, not ok"):
        surface.surface(diverged, folder, registry, "png")
    digits = registry.choose("dataset", "digits", {})
    images = _with_code(replace(record, spec=replace(record.spec, dataset=digits)), "dataset:digits", digits.code)
    with pytest.raises(UsageError, match="'digits' has no known density"):
        surface.surface(images, folder, registry, "png")
    with pytest.raises(UsageError, match=r"unsupported format '\.gif'"):
        _run("show", record.id, "--results", results, "--surface", tmp_path / "one.gif")
    older = _with_code(record, "architecture:mlp", "0")
    with pytest.raises(UsageError, match="of version 0"):
        surface.surface(older, folder, registry, "png")


def test_weights_that_are_missing_or_damaged_are_reported(
    results: Path, records: dict[str, Record], registry: Registry, tmp_path: Path
) -> None:
    record = records["minimax"]
    with pytest.raises(MissingError, match="--force"):
        surface.surface(record, tmp_path, registry, "png")
    tensors = load_file(results / "runs" / record.id / "weights.safetensors")
    save_file({n: t for n, t in tensors.items() if not n.startswith("discriminator")}, tmp_path / "weights.safetensors")
    with pytest.raises(ResultsError, match="differs from the file that its record names"):
        surface.surface(record, tmp_path, registry, "png")
    digest = hashlib.sha256((tmp_path / "weights.safetensors").read_bytes()).hexdigest()
    older = replace(record, files={"weights.safetensors": digest})
    with pytest.raises(MissingError, match="contains no discriminator"):
        surface.surface(older, tmp_path, registry, "png")
    with pytest.raises(ResultsError, match="do not fit this architecture"):
        trained_models(record, results / "runs" / record.id, Mlp(width=32), Ring8())
    assert plugin(record, "dataset", registry) == Ring8()
