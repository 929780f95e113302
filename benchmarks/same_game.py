"""That both sides of a timing play the same game: their losses over the first steps, from the same random numbers.

In float64 the engine's step and the textbook loop must agree to `EXACT`: rounding is far below that, and any other
arithmetic far above. In float32, the precision that is timed, the compiled program must stay within `ROUNDED` of the
textbook loop in float64. That is a wider limit, because Adam's first moves are nearly the signs of the gradient, and
rounding turns the signs of gradients near zero: on the digits MLP such a turn moves a loss by 2.5e-5.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from benchmarks.cases import Case
from benchmarks.plain import losses
from ganbench.engine.draws import Draws
from ganbench.engine.networks import initial
from ganbench.engine.numbers import numbers, player_numbers
from ganbench.engine.objective import Objective
from ganbench.engine.setting import Setting, build_setting, init_state
from ganbench.engine.step import step
from ganbench.engine.trainer import Trainer
from ganbench.registry.contracts import Data
from ganbench.suite.specs import PlayerSpec, TrainSpec
from ganbench_losses.nonsaturating import NonSaturating

COMPARED = 10
"""Steps that are compared."""
EXACT = 1e-9
"""Largest relative difference of a loss in float64."""
ROUNDED = 1e-3
"""Largest relative difference of a loss in float32."""
CPU = torch.device("cpu")


def differences(case: Case) -> dict[str, float]:
    """The largest relative difference of both sides' losses by precision. Raises `SystemExit` if it is too large."""
    player = PlayerSpec(lr=case.lr, betas=case.betas)
    spec = TrainSpec(steps=COMPARED, batch=case.batch, d=player, g=player, engine="compiled")
    data, architecture = case.data(), case.made()
    objective = Objective.of(NonSaturating())
    setting = build_setting(objective, architecture, Data(data), spec)
    draws = setting.recipe.drawn(setting.recipe.keys(0), torch.arange(COMPARED, dtype=torch.int32))
    exact = _textbook(case, data, draws)
    trained = Trainer(objective, architecture, Data(data), spec, (0,), CPU).run()[0]
    found = {
        "float64": _relative(_engine(setting, draws, spec), exact),
        "float32": _relative(torch.tensor(trained.history, dtype=torch.float64)[:, :2], exact),
    }
    for precision, limit in (("float64", EXACT), ("float32", ROUNDED)):
        if not found[precision] <= limit:
            raise SystemExit(
                f"{case.name}: in {precision} the losses of ganbench and of the plain loop differ by "
                f"{found[precision]:.1e} (relative) within {COMPARED} steps, and at most {limit:.0e} is rounding: "
                "the two sides do not play the same game"
            )
    return found


def _relative(ours: Tensor, exact: Tensor) -> float:
    """The largest difference of losses (steps, 2), relative to the exact loss, or to 1 if that is larger."""
    return float(((ours - exact).abs() / exact.abs().clamp(min=1)).max())


def _doubled(leaf: Tensor) -> Tensor:
    return leaf.double() if leaf.is_floating_point() else leaf


def _textbook(case: Case, data: Tensor, draws: Draws) -> Tensor:
    """The losses (steps, 2) of the textbook loop in float64."""
    architecture, shape = case.made(), tuple(data.shape[1:])
    generator, _, _ = initial(lambda: architecture.generator(shape), 0, "generator")
    discriminator, _, _ = initial(lambda: architecture.discriminator(shape), 0, "discriminator")

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        for t in range(COMPARED):
            yield data[draws.rows[t, 0]].double(), draws.latent[t].double()

    modules = (generator.requires_grad_(True).double(), discriminator.requires_grad_(True).double())
    return losses(case, modules, batches())


def _engine(setting: Setting, draws: Draws, spec: TrainSpec) -> Tensor:
    """The losses (steps, 2) of the engine's own step in float64."""
    state, data, draws = (tree_map(_doubled, tree) for tree in (init_state(setting, 0, CPU), setting.data, draws))
    factors = [setting.game.d_rule.factors(t + 1, player_numbers(spec.d, t, COMPARED)) for t in range(COMPARED)]
    rows = []
    for t, own in enumerate(numbers(setting.game, spec, 0, COMPARED, CPU)):
        exact = torch.tensor(factors[t], dtype=torch.float64)
        batch = tree_map(lambda leaf: leaf[t], draws)  # noqa: B023
        state, trace = step(setting.game, data, state, batch, own._replace(d=exact[None], g=exact))
        rows.append(torch.stack([trace.d_loss, trace.g_loss]))
    return torch.stack(rows)
