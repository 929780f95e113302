"""The training loop: draws in blocks, the alternating step, signals, snapshots, divergence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from ganbench import seeding
from ganbench.engine.checkpoints import Keeper
from ganbench.engine.networks import Buffers, Network, check_stateless, initial
from ganbench.engine.noise import Draws, draw
from ganbench.engine.optimizers import OPTIMIZERS
from ganbench.engine.step import Batch, Game, Player, Rates, State
from ganbench.engine.strategy import choose, engine, lane, observer, stacked
from ganbench.registry.contracts import Architecture, Loss
from ganbench.results.records import Failure, Snapshot
from ganbench.suite.specs import TrainSpec

SIGNAL_ROWS = 100
"""Training signals are recorded every steps // SIGNAL_ROWS steps."""


class Visit(NamedTuple):
    """Looks at the seeds on their way: so many `times`, evenly spaced, the last at the end."""

    times: int
    call: Callable[[int, list[Seed]], None]

    def due(self, steps: int) -> list[int]:
        return [round(steps * (i + 1) / self.times) for i in range(self.times)]


@dataclass
class Seed:
    """What training made of one seed.

    `params` are G's raw parameters, `average` their exponential moving average, both flat (P,);
    `discriminator` are D's, with buffers of their own; `history` the signals (rows, 12) at `steps`.
    `failure` says at which step it diverged, None if it did not. `stills` are a few
    samples during training, by their steps, for the film.
    """

    seed: int
    failure: Failure | None = None
    params: Tensor = field(default_factory=lambda: torch.zeros(0))
    average: Tensor = field(default_factory=lambda: torch.zeros(0))
    buffers: Buffers = field(default_factory=dict)
    discriminator: Tensor = field(default_factory=lambda: torch.zeros(0))
    discriminator_buffers: Buffers = field(default_factory=dict)
    steps: list[int] = field(default_factory=list)
    history: list[list[float]] = field(default_factory=list)
    seconds: float = 0.0
    snapshots: list[Snapshot] = field(default_factory=list)
    stills: dict[int, Tensor] = field(default_factory=dict)


class Resumed(NamedTuple):
    """A seed on its way: its state after `step` steps, and what was recorded so far."""

    step: int
    state: State
    seed: Seed


@dataclass
class Group:
    """Seeds that advance together: a stack, or one seed alone."""

    seeds: tuple[int, ...]
    state: State
    step: int = 0
    alive: bool = True


Fresh: TypeAlias = dict[int, tuple[list[int], list[list[float]]]]
"""By seed: the steps (m,) at which signals were recorded, and the signals (m, 12)."""


class Progress(NamedTuple):
    """How far a cell is: the step (mean over its seeds), seeds alive, last losses, real images a second.

    `fresh` are the rows of the history that no earlier progress held; after a resume, those from before it too.
    """

    step: float
    alive: int
    d_loss: float
    g_loss: float
    images_per_second: float
    fresh: Fresh

    def after(self, earlier: Progress) -> Progress:
        """This progress with the rows of an earlier one that was not passed on."""
        fresh = dict(earlier.fresh)
        for seed, (steps, history) in self.fresh.items():
            before = fresh.get(seed, ([], []))
            fresh[seed] = (before[0] + steps, before[1] + history)
        return self._replace(fresh=fresh)


class Trainer:
    """Trains all seeds of one cell.

    `data` (N, *shape) are the training samples. The result for a seed depends on the seed alone,
    never on its neighbours. Seeds in `resumed` go on from where they were, to the same bits.
    """

    def __init__(
        self,
        loss: Loss,
        architecture: Architecture,
        data: Tensor,
        spec: TrainSpec,
        seeds: tuple[int, ...],
        device: torch.device,
        resumed: Mapping[int, Resumed] | None = None,
    ) -> None:
        self.spec, self.device, self.data = spec, device, data.to(device)
        self.latent, self.log_odds = architecture.latent, bool(getattr(loss, "log_odds", False))
        self.cadence = max(1, spec.steps // SIGNAL_ROWS)
        self.results = {seed: Seed(seed) for seed in seeds}
        self.told = dict.fromkeys(seeds, 0)
        shape = tuple(data.shape[1:])
        latent = torch.ones(2, architecture.latent)
        check_stateless(lambda: architecture.generator(shape), latent, "the generator")
        check_stateless(lambda: architecture.discriminator(shape), data[:2].cpu(), "the discriminator")
        states: dict[int, State] = {}
        for seed in seeds:
            g_module, g_params, g_buffers = initial(lambda: architecture.generator(shape), seed, "generator")
            d_module, d_params, d_buffers = initial(lambda: architecture.discriminator(shape), seed, "discriminator")
            g = self._player(g_params, g_buffers)
            states[seed] = State(g, self._player(d_params, d_buffers), g.params)
        g_network, d_network = (Network(m.to(device), precision=spec.precision) for m in (g_module, d_module))
        self.optimiser = OPTIMIZERS[spec.optimiser]
        self.game = Game(loss, g_network, d_network, self.optimiser, spec.betas, spec.n_dis, spec.ema)
        self._prepare(states[seeds[0]], seeds[0])
        resumed = resumed or {}
        self.results |= {seed: one.seed for seed, one in resumed.items()}
        states |= {seed: self._moved(one.state) for seed, one in resumed.items()}
        starts = {seed: resumed[seed].step if seed in resumed else 0 for seed in seeds}
        self.groups = []
        for start in sorted(set(starts.values())):
            for group in self._grouped(tuple(seed for seed in seeds if starts[seed] == start)):
                alive = any(self.results[seed].failure is None for seed in group)
                self.groups.append(Group(group, self._gathered(group, states), start, alive))

    def _player(self, params: Tensor, buffers: Buffers) -> Player:
        params = params.to(self.device)
        moments = (torch.zeros_like(params), torch.zeros_like(params))
        return Player(params, {name: buffer.to(self.device) for name, buffer in buffers.items()}, moments)

    def _moved(self, state: State) -> State:
        moved: State = tree_map(lambda leaf: leaf.to(self.device), state)
        return moved

    def _prepare(self, state: State, seed: int) -> None:
        """Choose the path and make its step; compiling, where it is compiled, happens here."""
        began = time.perf_counter()
        example = (state, self._batch(self._drawn(seed, 0), 0), self._rates(0, 1)[0])
        path = choose(self.game, self.spec, self.device.type)
        self.engine = engine(path, self.game, self.spec, example)
        self.path = self.engine.path
        self.stacks = self.path.lanes > 1
        self.prepare_seconds = time.perf_counter() - began

    def _grouped(self, seeds: tuple[int, ...]) -> list[tuple[int, ...]]:
        """Stacks of as many seeds as the path has lanes.

        A program's lanes are always full; else a lone seed is doubled, because a stack of one
        takes other kernels.
        """
        lanes = self.path.lanes
        stacks = [seeds[i : i + lanes] for i in range(0, len(seeds), lanes)]
        least = lanes if self.path.how == "compiled" else min(2, lanes)
        return [(stack * least)[: max(least, len(stack))] for stack in stacks]

    def _gathered(self, group: tuple[int, ...], states: dict[int, State]) -> State:
        return stacked([states[seed] for seed in group]) if self.stacks else states[group[0]]

    def run(
        self,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        visits: Sequence[Visit] = (),
        keeper: Keeper | None = None,
    ) -> list[Seed]:
        """Train to the end. Visits take place at the first block's end after each is due; a resumed seed may
        be handed over again for the one of the step that it stands at.

        Raises `Stopped` where the keeper was asked to stop; the state is saved then.
        """
        first = min(group.step for group in self.groups)
        last_block = (first - 1) // seeding.BLOCK * seeding.BLOCK
        self._visit(visits, last_block, first)  # a kill may come between a checkpoint and its snapshot
        if any(result.history for result in self.results.values()):
            on_progress(self._progress(first, first, 0))  # what was recorded before the resume
        for block in range(first // seeding.BLOCK, -(-self.spec.steps // seeding.BLOCK)):
            start = block * seeding.BLOCK
            stop = min(start + seeding.BLOCK, self.spec.steps)
            for index, group in enumerate(self.groups):
                if group.alive and group.step <= start:
                    self._block(group, block, start, stop)
                    on_progress(self._progress(start, stop, index))
                    if keeper is not None:
                        keeper.block_ended(self.standing)
            if stop > first:
                self._visit(visits, max(start, first), stop)
            if not any(group.alive for group in self.groups):
                break
        return self._collected()

    def _visit(self, visits: Sequence[Visit], after: int, step: int) -> None:
        """Hand the seeds that stand at a step to those visits that were due since an earlier step."""
        for visit in visits:
            if any(after < due <= step for due in visit.due(self.spec.steps)):
                visit.call(step, self._at(step))

    def _at(self, step: int) -> list[Seed]:
        """The results of the seeds that stand at a step; those resumed from later are ahead."""
        there = {seed for group in self.groups if group.step == step for seed in group.seeds}
        return [result for result in self._collected() if result.seed in there]

    def standing(self) -> Iterator[Resumed]:
        """Every seed where it stands, as a checkpoint takes it."""
        for group in self.groups:
            for index, seed in enumerate(dict.fromkeys(group.seeds)):
                state = lane(group.state, index) if self.stacks else group.state
                yield Resumed(group.step, state, self.results[seed])

    def _block(self, group: Group, block: int, start: int, stop: int) -> None:
        """One block of steps of one group; afterwards, and only then, the host looks at numbers."""
        began = time.perf_counter()
        watch = observer(self.path.lanes, self.log_odds)
        draws, rates = self._draws(group.seeds, block), self._rates(start, stop)
        state = self.engine.take(group.state)
        losses: list[Tensor] = []
        rows: list[Tensor] = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seeding.number(group.seeds[0], "network", block))  # for dropout, which runs looped
            for t in range(start, stop):
                batch = self._batch(draws, t - start)
                state, trace = self.engine.advance(state, batch, partial(int, t), rates[t - start])
                losses.append(torch.stack([trace.d_loss, trace.g_loss], dim=-1))
                if t % self.cadence == 0:
                    rows.append(watch(trace, batch.real[:, -1] if self.stacks else batch.real[-1]))
        group.state = self.engine.give(state)
        self._read(group, start, torch.stack(losses), torch.stack(rows) if rows else None)
        group.step = stop
        seconds = time.perf_counter() - began
        # a program's empty lanes are nobody's cost: a seed costs the same in a full one and in one that is not
        share = len(group.seeds) if self.path.how == "compiled" else len(set(group.seeds))
        for seed in set(group.seeds):
            self.results[seed].seconds += seconds / share

    def _read(self, group: Group, start: int, losses: Tensor, rows: Tensor | None) -> None:
        """Signals and divergence of a block, seed by seed: losses (n, [S,] 2), rows (m, [S,] 12)."""
        stop = start + len(losses)
        seen = [t for t in range(start, stop) if t % self.cadence == 0]
        players = (group.state.generator, group.state.discriminator)
        healthy = torch.stack([player.params.isfinite().all(-1) for player in players]).all(dim=0).reshape(-1).tolist()
        finite = losses.isfinite().all(dim=-1).reshape(len(losses), -1).tolist()
        table = rows.reshape(len(seen), len(group.seeds), -1).tolist() if rows is not None else []
        for index, seed in enumerate(dict.fromkeys(group.seeds)):
            result = self.results[seed]
            if result.failure is not None:
                continue
            bad = next((start + i for i, row in enumerate(finite) if not row[index]), None)
            if bad is not None:
                result.failure = Failure("diverged", "a loss was not finite", step=bad)
            elif not healthy[index]:
                bad = stop
                result.failure = Failure("diverged", "a parameter was not finite", step=stop - 1, after=True)
            kept = [i for i, t in enumerate(seen) if bad is None or t <= bad]
            result.steps += [seen[i] for i in kept]
            result.history += [table[i][index] for i in kept]
        group.alive = any(self.results[seed].failure is None for seed in group.seeds)

    def _rates(self, start: int, stop: int) -> list[Rates]:
        """The optimiser's factors of a block of steps, computed on the host in double precision."""
        spec, n = self.spec, self.spec.n_dis
        rows = []
        for t in range(start, stop):
            moves = [(t * n + i + 1, spec.lr_d) for i in range(n)] + [(t + 1, spec.lr_g)]
            rows.append([self.optimiser.factors(move, lr * spec.rate(t), spec.betas) for move, lr in moves])
        return [Rates(row[:-1], row[-1]) for row in torch.tensor(rows).to(self.device)]

    def _drawn(self, seed: int, block: int) -> Draws:
        drawn = draw(seed, block, self.spec, len(self.data), self.latent)
        return Draws(*(part.to(self.device, non_blocking=True) for part in drawn))

    def _draws(self, seeds: tuple[int, ...], block: int) -> Draws:
        drawn = [self._drawn(seed, block) for seed in seeds]
        if not self.stacks:
            return drawn[0]
        return Draws(*(torch.stack(parts, dim=1) for parts in zip(*drawn, strict=True)))

    def _batch(self, draws: Draws, index: int) -> Batch:
        rows = draws.rows[index]
        real = self.data.index_select(0, rows.flatten()).reshape(*rows.shape, *self.data.shape[1:])
        return Batch(real, draws.latent[index], draws.mix[index])

    def _progress(self, start: int, stop: int, index: int) -> Progress:
        done = start + (stop - start) * (index + 1) / len(self.groups)
        alive = [result for result in self.results.values() if result.failure is None]
        last = [result.history[-1] for result in alive if result.history]
        d_loss, g_loss = (sum(row[i] for row in last) / len(last) if last else float("nan") for i in (0, 1))
        seconds = sum(result.seconds for result in self.results.values())
        images = done * len(self.results) * self.spec.batch * self.spec.n_dis
        return Progress(done, len(alive), d_loss, g_loss, images / seconds if seconds else 0.0, self._fresh())

    def _fresh(self) -> Fresh:
        """The rows recorded since this was last asked for."""
        fresh: Fresh = {}
        for seed, result in self.results.items():
            told, self.told[seed] = self.told[seed], len(result.steps)
            if told < len(result.steps):
                fresh[seed] = (result.steps[told:], result.history[told:])
        return fresh

    def _collected(self) -> list[Seed]:
        """Every seed's result so far, with both players' parameters and buffers as they are now."""
        for _, state, result in self.standing():
            result.params, result.average = state.generator.params.cpu(), state.average.cpu()
            result.buffers = {name: buffer.cpu() for name, buffer in state.generator.buffers.items()}
            d = state.discriminator
            result.discriminator = d.params.cpu()
            result.discriminator_buffers = {name: buffer.cpu() for name, buffer in d.buffers.items()}
        return list(self.results.values())

    def provenance(self) -> dict[str, Any]:
        """How the seeds were run: the path, why, and how many shared a stack."""
        size = max(len(set(group.seeds)) for group in self.groups)
        path = {"path": self.path.how, "path_reason": self.path.why, "stack": size, "lanes": self.path.lanes}
        return {**path, "prepare_seconds": round(self.prepare_seconds, 3)}
