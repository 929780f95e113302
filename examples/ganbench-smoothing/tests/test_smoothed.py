"""The loss is binary cross-entropy with a target of 1 - eps, and every plugin of the package keeps its contract."""

from pathlib import Path
from types import SimpleNamespace

import ganbench_smoothing
import torch
from ganbench_smoothing.smoothed import Smoothed
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from ganbench.testing import check_file


def test_the_plugins_keep_their_contract() -> None:
    assert check_file(Path(ganbench_smoothing.__file__)) == ["loss smoothed", "suite smoothing"]


def test_it_is_cross_entropy_with_the_smoothed_target() -> None:
    real, fake = 3 * torch.randn(2, 64, generator=torch.Generator().manual_seed(0))
    expected = cross_entropy(real, torch.full((64,), 0.8)) + cross_entropy(fake, torch.zeros(64))
    torch.testing.assert_close(Smoothed(eps=0.2).d_loss(SimpleNamespace(real=real, fake=fake)), expected)
