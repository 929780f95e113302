"""Ten steps of a small game on a device, to see which path they take there and how long that takes: `main()`."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from math import pi

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ganbench.engine.objective import Objective
from ganbench.engine.trainer import Trainer
from ganbench.errors import in_words
from ganbench.registry.contracts import Data
from ganbench.registry.training_contracts import Critic
from ganbench.suite.train_spec import TrainSpec

STEPS = 10
LATENT, WIDTH = 8, 64


@dataclass(frozen=True)
class Trial:
    """What ten steps have shown: the path that they took, why, seconds of preparing (compiling) and of training.

    `failure` says in a sentence why they could not be trained, and is empty otherwise.
    """

    engine: str
    path: str = ""
    lanes: int = 0
    reason: str = ""
    prepare_seconds: float = 0.0
    seconds: float = 0.0
    failure: str = ""

    @property
    def worked(self) -> bool:
        """Whether the steps were trained, and by the compiler if that was asked for."""
        return not self.failure and self.engine in ("auto", self.path)


class _Loss:
    """The non-saturating game (Goodfellow et al. 2014)."""

    def d_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.real).mean() + softplus(critic.fake).mean()

    def g_loss(self, critic: Critic) -> Tensor:
        return softplus(-critic.fake).mean()


class _Networks:
    """Two layers of `WIDTH` for each player."""

    latent = LATENT

    def supports(self, shape: tuple[int, ...]) -> str | None:
        return None if len(shape) == 1 else "points only"

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        return _layers(LATENT, shape[0])

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(_layers(shape[0], 1), nn.Flatten(0))


def _layers(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, WIDTH), nn.ReLU(), nn.Linear(WIDTH, outputs))


def trial(device: str, engine: str) -> Trial:
    """Train ten steps on a device by an engine, `auto` or `compiled`; whatever goes wrong is in the result."""
    spec = TrainSpec(steps=STEPS, batch=64, engine=engine)
    angle = torch.arange(1024) * (2 * pi / 8)
    points = Data(torch.stack([angle.cos(), angle.sin()], dim=1))
    try:
        trainer = Trainer(Objective.of(_Loss()), _Networks(), points, spec, (0,), torch.device(device))
        began = time.perf_counter()
        (result,) = trainer.run()
        seconds = time.perf_counter() - began
    except Exception as error:  # compilers and drivers may raise anything
        return Trial(engine, failure=in_words(error))
    path, prepare = trainer.path, trainer.prepare_seconds
    failed = "" if result.failure is None else result.failure.text
    return Trial(engine, path.kind, path.lanes, path.reason, round(prepare, 2), round(seconds, 3), failed)


def main() -> None:
    """Print the trials of the device that is named, as a line of JSON on stdout."""
    torch.set_num_threads(1)
    made = [asdict(trial(sys.argv[1], engine)) for engine in ("auto", "compiled")]
    print(json.dumps(made))


if __name__ == "__main__":
    main()
