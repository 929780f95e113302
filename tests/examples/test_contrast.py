"""The contrastive examples are the equations of their papers, by loops over samples."""

from __future__ import annotations

from math import exp, log
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ganbench.registry.choice import Choice
from ganbench.registry.registry import Registry
from tools.ingredients import EXAMPLES

COUNT = 4


def _random(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


class Seen:
    """A critic whose features are a linear function of the pixels; it notes whose samples it is asked about."""

    def __init__(self) -> None:
        self.real_samples, self.fake_samples = (_random(COUNT, 1, 2, 3, seed=seed).tanh() for seed in (1, 2))
        generator = torch.Generator().manual_seed(3)
        self.noise = {name: torch.rand(COUNT, 3, generator=generator) for name in ("first", "second", "fake")}
        self.weights, self.asked = _random(6, 5, seed=4), list[str]()

    def extras(self, x: Tensor, *, like: str) -> dict[str, Tensor]:
        self.asked.append(like)
        return {"features": x.flatten(1) @ self.weights}

    def directions(self, x: Tensor, name: str) -> list[Tensor]:
        """The directions of the features of the views of x, by hand."""
        rows = []
        for one, (mirror, contrast, brightness) in zip(x, self.noise[name].tolist(), strict=True):
            changed = (one.flip(-1) if mirror < 0.5 else one) * (0.5 + contrast) + brightness - 0.5
            rows.append(normalize(changed.flatten() @ self.weights, dim=0))
        return rows


@pytest.fixture
def registry() -> Registry:
    return Registry.load(EXAMPLES / name for name in ("features.py", "classes.py"))


def test_views_of_real_images_find_each_other_and_fakes_find_fakes(registry: Registry) -> None:
    critic, heat = Seen(), 0.5
    part: Any = registry.create("loss", Choice("contrast", {"weight": 2.0, "temperature": heat}))
    real = critic.directions(critic.real_samples, "first") + critic.directions(critic.real_samples, "second")
    fake = critic.directions(critic.fake_samples, "fake")

    def score(a: Tensor, b: Tensor) -> float:
        return exp(float(a @ b) / heat)

    pairs = 0.0
    for i, one in enumerate(real):
        others = [score(one, other) for j, other in enumerate(real) if j != i]
        pairs -= log(score(one, real[(i + COUNT) % (2 * COUNT)]) / sum(others)) / (2 * COUNT)
    fakes = 0.0
    for i, one in enumerate(fake):
        own = [score(one, other) for j, other in enumerate(fake) if j != i]
        whole = sum(own) + sum(score(one, other) for other in real)
        fakes -= sum(log(near / whole) for near in own) / (COUNT - 1) / COUNT
    assert part.d_loss(critic).item() == pytest.approx(2 * (pairs + fakes), rel=1e-4)
    assert critic.asked == ["real", "real", "fake"]


class Embedded:
    """A critic with embeddings, the vectors of their classes, and labels."""

    real_labels = torch.tensor([0, 1, 0, 2])
    fake_labels = torch.tensor([2, 2, 1, 0])

    def __init__(self) -> None:
        sides = [
            {name: _random(COUNT, 5, seed=seed + i) for name, i in (("embedding", 0), ("proxy", 5))} for seed in (1, 2)
        ]
        self.real_extras, self.fake_extras = sides


@pytest.mark.parametrize("name", ["class-contrast", "data-to-data"])
def test_embeddings_approach_their_class(registry: Registry, name: str) -> None:
    heat, margin, critic = 0.7, 0.9, Embedded()
    more = {"margin": margin} if name == "data-to-data" else {}
    part: Any = registry.create("loss", Choice(name, {"weight": 2.0, "temperature": heat, **more}))
    for loss, extras, labels in (
        (part.d_loss, critic.real_extras, critic.real_labels.tolist()),
        (part.g_loss, critic.fake_extras, critic.fake_labels.tolist()),
    ):
        rows, classes = (normalize(extras[key], dim=1) for key in ("embedding", "proxy"))
        expected = 0.0
        for i in range(COUNT):
            others = [j for j in range(COUNT) if j != i]
            if name == "class-contrast":
                scores = {j: exp(float(rows[i] @ rows[j]) / heat) for j in others}
                own = exp(float(rows[i] @ classes[i]) / heat)
                same = own + sum(value for j, value in scores.items() if labels[j] == labels[i])
                expected -= log(same / (own + sum(scores.values())))
            else:
                own = exp(min(float(rows[i] @ classes[i]) - margin, 0) / heat)
                apart = [max(float(rows[i] @ rows[j]) + margin - 1, 0) for j in others if labels[j] != labels[i]]
                expected -= log(own / (own + sum(exp(value / heat) for value in apart)))
        assert loss(critic).item() == pytest.approx(2 * expected / COUNT, rel=1e-4)
