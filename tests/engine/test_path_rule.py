"""Which path a cell takes: by its spec, its networks and what the device can do, never by its number of seeds."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest
import torch

from ganbench import Architecture, Data
from ganbench.engine import path as rule
from ganbench.engine.backend import Backend, backend_of, cuda_backend
from ganbench.engine.objective import Objective
from ganbench.engine.path import choose_path
from ganbench.engine.setting import build_setting
from ganbench.errors import ContractError
from ganbench.suite.train_spec import COMPILE_CONVOLUTIONS_FROM, COMPILE_FROM, TrainSpec
from ganbench_architectures.dcgan import Dcgan
from ganbench_architectures.mlp import Mlp
from ganbench_losses.minimax import Minimax

POINTS = Data(torch.randn(64, 2, generator=torch.Generator().manual_seed(0)))
IMAGES = Data(torch.rand(64, 1, 16, 16, generator=torch.Generator().manual_seed(0)))
SMALL, WIDE, HUGE = Mlp(width=32, depth=1), Mlp(width=256, depth=2), Mlp(width=1024, depth=2)
ODD, CONVOLVING = Mlp(width=50, depth=1), Dcgan(width=4, latent=8)


class Dropping(Mlp):
    """A D with dropout."""

    def discriminator(self, shape: tuple[int, ...], classes: int | None = None) -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.Dropout(0.5), torch.nn.Linear(32, 1))


RANDOM = Dropping(width=32, depth=1)


@pytest.fixture(autouse=True)
def _compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.engine.backend.missing_compiler", lambda: None)


def _backend(name: str) -> Backend:
    """A device by what it can do: no test needs it to be there."""
    device = torch.device("cuda", 0)
    cards = {
        "h100": lambda: cuda_backend(device, (9, 0), triton=True),
        "gtx1080": lambda: cuda_backend(device, (6, 1), triton=True),
        "no triton": lambda: cuda_backend(device, (9, 0), triton=False),
    }
    return cards[name]() if name in cards else backend_of(torch.device(name))


def _path(name: str, architecture: Architecture, **settings: object) -> tuple[str, int, str]:
    spec = replace(TrainSpec(batch=32), **settings)  # type: ignore[arg-type]
    setting = build_setting(
        Objective.of(Minimax()), architecture, IMAGES if architecture is CONVOLVING else POINTS, spec
    )
    found = choose_path(setting.game, spec, _backend(name))
    return found.kind, found.lanes, found.reason


TABLE = [
    # the device, the architecture, the spec, and the path with its reason
    ("cpu", SMALL, {"steps": COMPILE_FROM}, ("compiled", 4, "small networks fill a core four at a time")),
    ("cpu", WIDE, {"steps": COMPILE_FROM}, ("compiled", 1, "one seed fills a core")),
    ("cpu", SMALL, {"steps": 100}, ("stacked", 16, "100 steps are too few")),
    ("cpu", WIDE, {"steps": 100}, ("stacked", 16, "100 steps are too few")),
    ("cpu", CONVOLVING, {"steps": COMPILE_CONVOLUTIONS_FROM}, ("compiled", 1, "convolutions run faster seed by seed")),
    ("cpu", CONVOLVING, {"steps": 100}, ("looped", 1, "convolutions run faster seed by seed")),
    ("cpu", ODD, {"steps": 100}, ("looped", 1, "not a multiple of 4")),
    ("cpu", RANDOM, {"steps": 10**6}, ("looped", 1, "Dropout uses its own random stream")),
    ("cpu", SMALL, {"steps": 10**6, "engine": "eager"}, ("stacked", 16, "engine: eager")),
    ("h100", SMALL, {"steps": 20_000}, ("compiled", 16, "stacked 16 at a time")),
    ("h100", WIDE, {"steps": 20_000}, ("compiled", 16, "stacked 16 at a time")),
    ("h100", HUGE, {"steps": 20_000}, ("compiled", 1, "large networks")),
    ("h100", SMALL, {"steps": 19_999}, ("captured", 16, "19999 steps are too few")),
    ("h100", SMALL, {"steps": 1}, ("captured", 16, "1 steps are too few")),
    ("h100", SMALL, {"steps": 1, "engine": "compiled"}, ("compiled", 16, "stacked 16 at a time")),
    ("h100", SMALL, {"steps": 10**6, "engine": "eager"}, ("captured", 16, "engine: eager")),
    ("h100", CONVOLVING, {"steps": 10_000}, ("compiled", 1, "convolutions")),
    ("h100", CONVOLVING, {"steps": 9_999}, ("captured", 1, "convolutions")),
    ("h100", ODD, {"steps": 100}, ("captured", 1, "not a multiple of 4")),
    ("h100", SMALL, {"steps": 100, "batch": 33}, ("captured", 1, "not a multiple of 32")),
    ("h100", SMALL, {"steps": 100, "precision": "bf16"}, ("captured", 1, "bfloat16")),
    ("h100", SMALL, {"steps": 100, "deterministic": False}, ("captured", 16, "too few")),
    ("h100", RANDOM, {"steps": 100}, ("looped", 1, "Dropout uses its own random stream")),
    ("gtx1080", SMALL, {"steps": 10**6}, ("captured", 16, "compute capability 6.1")),
    ("no triton", SMALL, {"steps": 10**6}, ("captured", 16, "triton, which makes a GPU's programs, is not installed")),
    ("mps", SMALL, {"steps": 10**6}, ("stacked", 16, "programs are not compiled for mps")),
    ("mps", CONVOLVING, {"steps": 10**6}, ("looped", 1, "programs are not compiled for mps")),
]


@pytest.mark.parametrize(("device", "architecture", "spec", "expected"), TABLE)
def test_the_path_of_a_cell(
    device: str, architecture: Architecture, spec: dict[str, object], expected: tuple[str, int, str]
) -> None:
    kind, lanes, reason = _path(device, architecture, **spec)
    assert (kind, lanes) == expected[:2]
    assert expected[2] in reason


@pytest.mark.parametrize(
    ("device", "architecture", "why"),
    [
        ("gtx1080", SMALL, "compute capability 6.1"),
        ("no triton", SMALL, "triton, which makes a GPU's programs, is not installed"),
        ("mps", SMALL, "programs are not compiled for mps"),
        ("h100", RANDOM, "Dropout uses its own random stream"),
    ],
)
def test_a_required_program_that_is_impossible_is_an_error(device: str, architecture: Architecture, why: str) -> None:
    with pytest.raises(ContractError, match=f"`engine: compiled` is not possible here: .*{why}"):
        _path(device, architecture, steps=100, engine="compiled")


def test_without_a_host_compiler_a_card_records_what_it_does_not_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.engine.backend.missing_compiler", lambda: "no C++ compiler found (g++)")
    kind, lanes, reason = _path("h100", SMALL, steps=10**6)
    assert (kind, lanes) == ("captured", 16)
    assert "no C++ compiler found (g++)" in reason


def test_the_rule_cannot_see_the_number_of_seeds() -> None:
    for function in (rule.choose_path, rule.uncompiled, rule.compile_limit, rule.unstackable):
        assert not {"seeds", "seed", "branches"} & set(inspect.signature(function).parameters)
