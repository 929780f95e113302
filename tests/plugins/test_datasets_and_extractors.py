"""The shipped datasets and extractors are what they are documented to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from evaluators import evaluator_of
from safetensors.torch import load_file

from ganbench.errors import MissingError
from ganbench.registry.registry import Registry
from ganbench_datasets.digits import Digits
from ganbench_datasets.mixtures import Grid25, Mixture, Ring8
from ganbench_extractors.digits16 import WEIGHTS, Digits16, DigitsNet

CPU = torch.device("cpu")


def test_mixtures_are_where_the_literature_puts_them() -> None:
    ring, grid = Ring8(), Grid25()
    assert ring.centres.shape == (8, 2)
    torch.testing.assert_close(ring.centres.norm(dim=1), torch.full((8,), 2.0))
    assert torch.cdist(ring.centres, ring.centres).fill_diagonal_(9).min() > 1.5  # eight, no endpoint twice
    assert sorted({round(x, 6) for x in (grid.centres * 2).flatten().tolist()}) == [-4, -2, 0, 2, 4]
    assert grid.std * 2 == 0.05
    x = ring.sample(200_000, torch.Generator().manual_seed(3))
    assert (x - ring.centres[torch.cdist(x, ring.centres).argmin(1)]).std().item() == pytest.approx(0.02, rel=0.01)


def test_the_mixtures_log_density_is_scipys() -> None:
    from scipy.stats import multivariate_normal

    grid = Grid25()
    x = grid.sample(50, torch.Generator().manual_seed(0))
    density = np.mean([multivariate_normal(c.numpy(), grid.std**2).pdf(x.numpy()) for c in grid.centres], axis=0)
    np.testing.assert_allclose(grid.log_density(x).numpy(), np.log(density), rtol=2e-4, atol=2e-4)


@pytest.mark.slow
def test_other_mixtures_are_made_by_parameters(registry: Registry) -> None:
    """The ring of PacGAN's configuration files: radius 1, std 0.01."""
    evaluator = evaluator_of(registry, "ring8", 5000, scale=1.0, std=0.01)
    perfect = Mixture(scale=1.0, std=0.01).sample(5000, torch.Generator().manual_seed(1))
    assert evaluator.scores(perfect).values["modes"] == 8


def test_the_shipped_extractor_reads_97_percent_of_the_test_digits() -> None:
    test = Digits().load("test")
    logits = Digits16().open(Digits(), CPU)(test.samples).logits
    assert logits is not None
    assert test.labels is not None
    assert (logits.argmax(dim=1) == test.labels).float().mean().item() >= 0.97


def test_a_damaged_extractor_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import ganbench_extractors.digits16 as module

    content = bytearray(WEIGHTS.read_bytes())
    content[5000] ^= 1
    (tmp_path / "bad.safetensors").write_bytes(bytes(content))
    monkeypatch.setattr(module, "WEIGHTS", tmp_path / "bad.safetensors")
    with pytest.raises(MissingError, match="is damaged"):
        Digits16().open(Digits(), CPU)


def test_the_training_script_makes_such_an_extractor(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ganbench_extractors import train_digits16

    monkeypatch.setattr(train_digits16, "EPOCHS", 8)
    train_digits16.main(tmp_path / "new.safetensors")
    assert "test accuracy 0.9" in capsys.readouterr().out
    DigitsNet().load_state_dict(load_file(tmp_path / "new.safetensors"))


def test_datasets_with_labels_say_how_many_classes_there_are(registry: Registry) -> None:
    for name in ("digits", "mnist", "fashion-mnist", "cifar10"):
        made: Any = registry.create("dataset", registry.choose("dataset", name, {}))
        assert made.classes == 10
    labels = Digits().load("train").labels
    assert labels is not None
    assert sorted(set(labels.tolist())) == list(range(10))
