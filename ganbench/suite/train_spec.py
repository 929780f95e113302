"""How the players are trained: the settings of each, and of both."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from ganbench.registry.choice import plain_value
from ganbench.registry.schedules import Number, Schedule

COMPILE_FROM = 2500
"""Steps from which compiling pays: 4 to 10 s per program (2 to 3 s if cached from an earlier run; 20 s and more for
the first one on a machine) against 0.6 to 2 ms saved per step and seed, with four or more seeds per worker."""
COMPILE_CONVOLUTIONS_FROM = 1000
"""The same for convolutions, which save 3 ms and more."""


@dataclass(frozen=True)
class PlayerSpec:
    """How one player is moved: its optimizer, and the optimizer's numbers.

    `betas` are Adam's; for `sgd` the first is the momentum, for `rmsprop` the first is the momentum and the second
    the decay of the squares. `clip` is the largest norm of the gradient, 0 for none. `weight_decay` is used by `adamw`
    alone, `lookahead` by `lookahead` alone: the moves between two synchronizations (k), and how far each goes (alpha).
    """

    optimizer: str = "adam"
    lr: Number = 2e-4
    betas: tuple[Number, Number] = (0.5, 0.999)
    clip: float = 0.0
    weight_decay: float = 0.0
    lookahead: tuple[int, float] = (5, 0.5)


@dataclass(frozen=True)
class TrainSpec:
    """How both players are trained: `steps` updates of G, with `n_dis` updates of D before each.

    `ema` is the decay of the averaged generator (0 for none), `ema_half_life` the same as a half-life in images
    (decay = 0.5 ** (batch / half-life)). `fresh_real` says that G's move takes a real batch of its own. The values
    that each field accepts are in `ganbench.suite.fields`. `deterministic` asks a GPU for the same bits in every run; a
    CPU has no other way.
    """

    steps: int = 3000
    batch: int = 64
    n_dis: int = 1
    d: PlayerSpec = PlayerSpec()
    g: PlayerSpec = PlayerSpec()
    ema: Number = 0.0
    ema_half_life: Number | None = None
    play: str = "alternating"
    fresh_real: bool = True
    precision: str = "fp32"
    engine: str = "auto"
    deterministic: bool = True

    @property
    def averaged(self) -> bool:
        """Whether there is an average of G, which is what is evaluated then."""
        return self.ema_half_life is not None or isinstance(self.ema, Schedule) or self.ema > 0

    @property
    def simultaneous(self) -> bool:
        """Whether both players move from the same state."""
        return self.play == "simultaneous"

    @property
    def unrolled(self) -> int:
        """The moves of D that G looks ahead, 0 if the play is not unrolled."""
        return int(self.play.partition("(")[2].rstrip(")") or 0)

    @property
    def text(self) -> str:
        """The settings that count in one line; both players' in one where they are the same."""
        flat = self.flat()
        found = {}
        for key, value in flat.items():
            player, _, name = key.rpartition(".")
            same = bool(player) and flat[f"d.{name}"] == flat[f"g.{name}"]
            only = ONLY.get(name)
            unused = only is not None and flat[f"{player}.optimizer"] != only
            unused = unused or (key == "deterministic" and self.deterministic)
            if not (unused or value is None or (key == "ema" and self.ema_half_life is not None)):
                found[name if same else key] = value
        return ", ".join(f"{key} {value}" for key, value in found.items())

    def flat(self) -> dict[str, object]:
        """Every setting by its dotted key, such as `d.lr`."""
        found: dict[str, object] = {}
        for key, value in _values(self).items():
            own = {f"{key}.{name}": one for name, one in _values(value).items()} if key in ("d", "g") else {}
            found |= own or {key: value}
        return found


OPTIMIZERS = ("adam", "adamw", "rmsprop", "sgd", "optimistic-adam", "lookahead")
ONLY = {"weight_decay": "adamw", "lookahead": "lookahead"}
"""Settings that one optimizer alone uses."""
PLAYS = ("alternating", "simultaneous", "unrolled(K)")
"""Who moves when: D and then G, both at once, or G against a D that it lets move K times more."""
PRECISIONS = ("fp32", "tf32", "bf16")
"""`tf32` lets a GPU round the factors of products; `bf16` runs layers in bfloat16. Parameters, optimizer and loss
are float32 in all three."""
ENGINES = ("auto", "eager", "compiled")
"""Whether the step is compiled: by the rule of `ganbench.engine.strategy`, never, or always."""


def resolved_train(train: TrainSpec) -> dict[str, object]:
    """The settings as plain data; what came later is in it only where it is used, so that earlier ids hold."""
    found = {
        key: {name: plain_value(one) for name, one in _values(value).items()}
        if isinstance(value, PlayerSpec)
        else plain_value(value)
        for key, value in _values(train).items()
    }
    if train.deterministic:
        del found["deterministic"]
    return found


def _values(spec: Any) -> dict[str, Any]:
    """The fields of a spec; its `__dict__` lacks the defaults if it was decoded from a file."""
    return {one.name: getattr(spec, one.name) for one in fields(spec)}
