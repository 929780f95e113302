"""The training loop: blocks of alternating steps with signals, callbacks, checkpoints and divergence checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import groupby

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from ganbench import seeding
from ganbench.engine.backend import backend_of
from ganbench.engine.block import Block, Stack
from ganbench.engine.checkpoints import CheckpointTimer
from ganbench.engine.determinism import arithmetic
from ganbench.engine.numbers import number_table
from ganbench.engine.objective import Objective
from ganbench.engine.path import ExecutionPath, choose_path
from ganbench.engine.purity import check_purity
from ganbench.engine.setting import Example, build_example, build_setting, init_state, moved
from ganbench.engine.signals import cadence
from ganbench.engine.state import Callback, Group, NewRows, Progress, SeedState, TrainedSeed
from ganbench.engine.step import Numbers, State
from ganbench.engine.strategy import build_engine
from ganbench.engine.trees import lane, stacked
from ganbench.registry.contracts import Data
from ganbench.registry.training_contracts import Architecture
from ganbench.results.records import Failure, Provenance
from ganbench.suite.train_spec import TrainSpec


def differentiable_attention() -> AbstractContextManager[None]:
    """Attention by plain products: the fused kernels have no second derivative, which gradient penalties need."""
    found: AbstractContextManager[None] = sdpa_kernel(SDPBackend.MATH)
    return found


def group_seeds(seeds: tuple[int, ...], path: ExecutionPath) -> list[tuple[int, ...]]:
    """Split seeds into stacks of the size given by the path's lanes.

    A program's lanes are always filled. In other stacks a single seed is doubled, because a stack of one
    would use other kernels.
    """
    lanes = path.lanes
    stacks = [seeds[i : i + lanes] for i in range(0, len(seeds), lanes)]
    least = lanes if path.fills else min(2, lanes)
    return [(stack * least)[: max(least, len(stack))] for stack in stacks]


def _state_faults(states: list[State]) -> list[str]:
    """What is not finite in the state of each seed of some stacks; empty for a healthy one.

    A gradient above 1.8e19 leaves the parameters finite, but its square is infinite in float32: Adam's second moment
    never comes back, and the parameter never moves again.
    """
    found = torch.cat([_finite(state) for state in states], dim=1).tolist()
    return [
        "a parameter was not finite" if not fine else "a moment of the optimizer was not finite" if not moved else ""
        for fine, moved in zip(*found, strict=True)
    ]


def _finite(state: State) -> Tensor:
    """Whether the parameters and the moments ([S,] P) of each seed are finite: (2, S)."""
    players = (state.generator, state.discriminator)
    params = [player.params for player in players]
    moments = [slot for player in players for slot in player.slots] or [state.average]
    fine = (torch.stack([vector.isfinite().all(-1) for vector in some]).all(dim=0) for some in (params, moments))
    return torch.stack(list(fine)).reshape(2, -1)


class Trainer:
    """Trains all seeds of one cell.

    `data` are the training samples (N, *shape) and, for a conditional architecture, their labels; `classes` is the
    number of classes then, else None. A seed's result depends on that seed alone, never on the others. Seeds in
    `resumed` continue from their saved state and give the same bits.
    """

    def __init__(
        self,
        objective: Objective,
        architecture: Architecture,
        data: Data,
        spec: TrainSpec,
        seeds: tuple[int, ...],
        device: torch.device,
        resumed: Mapping[int, SeedState] | None = None,
        classes: int | None = None,
    ) -> None:
        self.spec, self.device = spec, device
        self.cadence = cadence(spec.steps)
        self.setting = build_setting(objective, architecture, data, spec, seeds[-1], device, classes)
        self.game = self.setting.game
        self.keys = {seed: self.setting.recipe.keys(seed).to(device) for seed in seeds}
        self.tables: dict[int, Numbers] = {}
        self._prepare(build_example(self.setting, spec, seeds[0], device), len(seeds))
        states = {seed: init_state(self.setting, seed, device) for seed in seeds}
        resumed = resumed or {}
        states |= {seed: moved(one.state, device) for seed, one in resumed.items()}
        self.results = {seed: resumed[seed].result if seed in resumed else TrainedSeed(seed) for seed in seeds}
        self.reported = dict.fromkeys(seeds, 0)
        self.groups = self._groups(states, {seed: resumed[seed].step if seed in resumed else 0 for seed in seeds})
        self.batches = self._batches()

    def _prepare(self, example: Example, seeds: int) -> None:
        """Check that the step is pure, choose its execution path and build it, which may include compiling."""
        began = time.perf_counter()
        backend = backend_of(self.device)
        with differentiable_attention(), arithmetic(self.spec, self.device):
            check_purity(self.setting, example)
            path = choose_path(self.game, self.spec, backend)
            self.engine = build_engine(path, self.setting, self.spec, example, backend, seeds=seeds)
        self.path = self.engine.path
        self.is_stacked = self.path.lanes > 1
        self.prepare_seconds = time.perf_counter() - began

    def _groups(self, states: dict[int, State], starts: dict[int, int]) -> list[Group]:
        """Groups of seeds that start at the same step."""
        groups = []
        for start in sorted(set(starts.values())):
            for seeds in group_seeds(tuple(seed for seed in starts if starts[seed] == start), self.path):
                state = stacked([states[seed] for seed in seeds]) if self.is_stacked else states[seeds[0]]
                groups.append(Group(seeds, state, start, any(self.results[seed].failure is None for seed in seeds)))
        return groups

    def _batches(self) -> list[list[Group]]:
        """The groups that advance at once: those that start at the same step, as many as the engine can take."""
        batches = []
        for _, some in groupby(self.groups, key=lambda group: group.step):
            groups = list(some)
            count = -(-len(groups) // self.engine.branches)
            size = -(-len(groups) // count)
            batches += [groups[i : i + size] for i in range(0, len(groups), size)]
        return batches

    def run(
        self,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        callbacks: Sequence[Callback] = (),
        timer: CheckpointTimer | None = None,
    ) -> list[TrainedSeed]:
        """Train to the last step.

        A callback is called at the end of the first block after it is due. After a resume it may be called
        again for the step at which the seed was saved. Raises `Stopped` if the timer was asked to stop; the
        state is saved by then.
        """
        first = min(group.step for group in self.groups)
        last_block = (first - 1) // seeding.BLOCK * seeding.BLOCK
        self._call(callbacks, last_block, first)  # the process may have died between a checkpoint and its snapshot
        if any(result.history for result in self.results.values()):
            on_progress(self._progress(first, first, 0))  # what was recorded before the resume
        for block in range(first // seeding.BLOCK, -(-self.spec.steps // seeding.BLOCK)):
            start = block * seeding.BLOCK
            stop = min(start + seeding.BLOCK, self.spec.steps)
            for index, batch in enumerate(self.batches):
                if any(group.alive and group.step <= start for group in batch):
                    self._train_block(batch, block)
                    on_progress(self._progress(start, stop, index))
                    if timer is not None:
                        timer.block_ended(self.seed_states)
            if stop > first:
                self._call(callbacks, max(start, first), stop)
            if not any(group.alive for group in self.groups):
                break
        return self._collect()

    def _train_block(self, batch: list[Group], block: int) -> None:
        """Train some groups for one block of steps; only afterwards are numbers read on the host."""
        began = time.perf_counter()
        start, table = block * seeding.BLOCK, self._table(block)
        trained = [group for group in batch if group.alive]
        stacks = [Stack(group.state, self._keys_of(group)) for group in batch]
        with torch.random.fork_rng(devices=[]), differentiable_attention(), arithmetic(self.spec, self.device):
            torch.manual_seed(seeding.number(batch[0].seeds[0], "network", block))  # for dropout, which is looped
            found = self.engine.run(stacks, table, start)
        if start + seeding.BLOCK < self.spec.steps:
            self._table(block + 1)  # while the device works
        for group, state in zip(batch, found.states, strict=True):
            if group.alive:
                group.state, group.step = state, start + len(table.step)
        self._record(batch, start, found)
        seconds = time.perf_counter() - began
        # empty lanes of a program are charged to no seed: a seed costs the same in a full and in a partly filled one
        share = sum(len(group.seeds if self.path.fills else group.distinct) for group in batch)
        for group in trained:
            for seed in group.distinct:
                self.results[seed].seconds += seconds / share

    def _keys_of(self, group: Group) -> Tensor:
        """The keys of a group's seeds ([S,] names, 2)."""
        return torch.stack([self.keys[seed] for seed in group.seeds]) if self.is_stacked else self.keys[group.seeds[0]]

    def _table(self, block: int) -> Numbers:
        """The numbers of a block's steps; those of the present block and of the next one are kept."""
        if block not in self.tables:
            start = block * seeding.BLOCK
            stop = min(start + seeding.BLOCK, self.spec.steps)
            self.tables = {kept: table for kept, table in self.tables.items() if kept == block - 1}
            self.tables[block] = number_table(self.game, self.spec, start, stop)
        return self.tables[block]

    def _record(self, batch: list[Group], start: int, found: Block) -> None:
        """Record a block's signals, and check every seed for divergence."""
        stop = start + len(found.losses)
        seen = [t for t in range(start, stop) if t % self.cadence == 0]
        faults = _state_faults([group.state for group in batch])
        finite = list(zip(*found.losses.isfinite().all(dim=-1).tolist(), strict=True))  # by seed
        table = found.rows.tolist() if found.rows is not None else []
        first = 0
        for group in batch:
            for index, seed in enumerate(group.distinct, first):
                result = self.results[seed]
                if result.failure is not None:
                    continue
                bad = None
                if not all(finite[index]):
                    bad = start + finite[index].index(False)
                    result.failure = Failure("diverged", "a loss was not finite", step=bad)
                elif faults[index]:
                    bad = stop
                    result.failure = Failure("diverged", faults[index], step=stop - 1, after=True)
                valid = [i for i, t in enumerate(seen) if bad is None or t <= bad]
                result.steps += [seen[i] for i in valid]
                result.history += [table[i][index] for i in valid]
            first += len(group.seeds)
            group.alive = any(self.results[seed].failure is None for seed in group.seeds)

    def _call(self, callbacks: Sequence[Callback], after: int, step: int) -> None:
        """Call those callbacks that were due after step `after`, with the seeds that are now at `step`.

        Seeds resumed from a later checkpoint are ahead and are not passed.
        """
        for callback in callbacks:
            if any(after < due <= step for due in callback.due(self.spec.steps)):
                present = {seed for group in self.groups if group.step == step for seed in group.seeds}
                callback.call(step, [result for result in self._collect() if result.seed in present])

    def _progress(self, start: int, stop: int, index: int) -> Progress:
        done = start + (stop - start) * (index + 1) / len(self.batches)
        alive = [result for result in self.results.values() if result.failure is None]
        last = [result.history[-1] for result in alive if result.history]
        d_loss, g_loss = (sum(row[i] for row in last) / len(last) if last else float("nan") for i in (0, 1))
        seconds = sum(result.seconds for result in self.results.values())
        images = done * len(self.results) * self.spec.batch * self.spec.n_dis
        return Progress(done, len(alive), d_loss, g_loss, images / seconds if seconds else 0.0, self._new_rows())

    def _new_rows(self) -> NewRows:
        """The rows of the history recorded since the last call."""
        rows: NewRows = {}
        for seed, result in self.results.items():
            reported, self.reported[seed] = self.reported[seed], len(result.steps)
            if reported < len(result.steps):
                rows[seed] = (result.steps[reported:], result.history[reported:])
        return rows

    def seed_states(self) -> Iterator[SeedState]:
        """Every seed's current state, as a checkpoint saves it."""
        for group in self.groups:
            for index, seed in enumerate(group.distinct):
                state = lane(group.state, index) if self.is_stacked else group.state
                yield SeedState(group.step, state, self.results[seed])

    def _collect(self) -> list[TrainedSeed]:
        """Every seed's result so far, with the current parameters and buffers of both players."""
        for _, state, result in self.seed_states():
            result.params, result.average = state.generator.params.cpu(), state.average.cpu()
            result.buffers = {name: buffer.cpu() for name, buffer in state.generator.buffers.items()}
            d = state.discriminator
            result.discriminator = d.params.cpu()
            result.discriminator_buffers = {name: buffer.cpu() for name, buffer in d.buffers.items()}
        return list(self.results.values())

    def with_path(self, provenance: Provenance) -> Provenance:
        """A provenance that also states how the seeds were run: the path, its reason, and how many at once."""
        return replace(
            provenance,
            path=self.path.kind,
            path_reason=self.path.reason,
            stack=max(sum(len(group.distinct) for group in batch) for batch in self.batches),
            lanes=self.path.lanes,
            prepare_seconds=round(self.prepare_seconds, 3),
        )
