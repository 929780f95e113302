"""The training loop: blocks of alternating steps with signals, callbacks, checkpoints and divergence checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from ganbench import seeding
from ganbench.engine.checkpoints import CheckpointTimer
from ganbench.engine.numbers import numbers
from ganbench.engine.objective import Objective
from ganbench.engine.purity import check_purity
from ganbench.engine.setting import Example, build_example, build_setting, init_state, moved
from ganbench.engine.state import Callback, Group, NewRows, Progress, SeedState, TrainedSeed
from ganbench.engine.step import State
from ganbench.engine.strategy import (
    ExecutionPath,
    build_engine,
    choose_path,
    lane,
    signal_function,
    stacked,
)
from ganbench.registry.contracts import Data
from ganbench.registry.training_contracts import Architecture
from ganbench.results.records import Failure, Provenance
from ganbench.suite.train_spec import TrainSpec

SIGNAL_ROWS = 100
"""Training signals are recorded every steps // SIGNAL_ROWS steps."""


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
    least = lanes if path.kind == "compiled" else min(2, lanes)
    return [(stack * least)[: max(least, len(stack))] for stack in stacks]


def _state_faults(state: State) -> list[str]:
    """What is not finite in the state of each seed; empty for a healthy one.

    A gradient above 1.8e19 leaves the parameters finite, but its square is infinite in float32: Adam's second moment
    never comes back, and the parameter never moves again.
    """
    players = (state.generator, state.discriminator)
    params = _finite([player.params for player in players])
    moments = _finite([slot for player in players for slot in player.slots] or [state.average])
    return [
        "a parameter was not finite" if not fine else "a moment of the optimizer was not finite" if not moved else ""
        for fine, moved in zip(params, moments, strict=True)
    ]


def _finite(vectors: list[Tensor]) -> list[bool]:
    """Whether all vectors ([S,] P) of each seed are finite."""
    finite: list[bool] = torch.stack([vector.isfinite().all(-1) for vector in vectors]).all(dim=0).reshape(-1).tolist()
    return finite


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
        self.spec, self.device, self.log_odds = spec, device, objective.log_odds
        self.cadence = max(1, spec.steps // SIGNAL_ROWS)
        self.setting = build_setting(objective, architecture, data, spec, seeds[-1], device, classes)
        self.game = self.setting.game
        self.keys = {seed: self.setting.recipe.keys(seed).to(device) for seed in seeds}
        self._prepare(build_example(self.setting, spec, seeds[0], device))
        states = {seed: init_state(self.setting, seed, device) for seed in seeds}
        resumed = resumed or {}
        states |= {seed: moved(one.state, device) for seed, one in resumed.items()}
        self.results = {seed: resumed[seed].result if seed in resumed else TrainedSeed(seed) for seed in seeds}
        self.reported = dict.fromkeys(seeds, 0)
        self.groups = self._groups(states, {seed: resumed[seed].step if seed in resumed else 0 for seed in seeds})

    def _prepare(self, example: Example) -> None:
        """Check that the step is pure, choose its execution path and build it, which may include compiling."""
        began = time.perf_counter()
        with differentiable_attention():
            check_purity(self.setting, example)
        path = choose_path(self.game, self.spec, self.device.type)
        with differentiable_attention():
            self.engine = build_engine(path, self.setting, self.spec, example)
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
            for index, group in enumerate(self.groups):
                if group.alive and group.step <= start:
                    self._train_block(group, block, start, stop)
                    on_progress(self._progress(start, stop, index))
                    if timer is not None:
                        timer.block_ended(self.seed_states)
            if stop > first:
                self._call(callbacks, max(start, first), stop)
            if not any(group.alive for group in self.groups):
                break
        return self._collect()

    def _train_block(self, group: Group, block: int, start: int, stop: int) -> None:
        """Train one group for one block of steps; only afterwards are numbers read on the host."""
        began = time.perf_counter()
        observe = signal_function(self.path.lanes, self.log_odds)
        rows_of = numbers(self.game, self.spec, start, stop, self.device)
        drawn = self.engine.inputs([self.keys[seed] for seed in group.seeds], rows_of)
        state = self.engine.pack(group.state)
        losses: list[Tensor] = []
        rows: list[Tensor] = []
        with torch.random.fork_rng(devices=[]), differentiable_attention():
            torch.manual_seed(seeding.number(group.seeds[0], "network", block))  # for dropout, which is looped
            for t, own in enumerate(rows_of, start):
                state, trace = self.engine.advance(state, next(drawn), own, t)
                losses.append(torch.stack([trace.d_loss, trace.g_loss], dim=-1))
                if t % self.cadence == 0:
                    rows.append(observe(trace))
        group.state = self.engine.unpack(state)
        self._record(group, start, torch.stack(losses), torch.stack(rows) if rows else None)
        group.step = stop
        seconds = time.perf_counter() - began
        # empty lanes of a program are charged to no seed: a seed costs the same in a full and in a partly filled one
        share = len(group.seeds) if self.path.kind == "compiled" else len(group.distinct)
        for seed in group.distinct:
            self.results[seed].seconds += seconds / share

    def _record(self, group: Group, start: int, losses: Tensor, rows: Tensor | None) -> None:
        """Record a block's signals, and check every seed for divergence: losses (n, [S,] 2), rows (m, [S,] 12)."""
        stop = start + len(losses)
        seen = [t for t in range(start, stop) if t % self.cadence == 0]
        faults = _state_faults(group.state)
        finite = losses.isfinite().all(dim=-1).reshape(len(losses), -1).tolist()
        table = rows.reshape(len(seen), len(group.seeds), -1).tolist() if rows is not None else []
        for index, seed in enumerate(group.distinct):
            result = self.results[seed]
            if result.failure is not None:
                continue
            bad = next((start + i for i, row in enumerate(finite) if not row[index]), None)
            if bad is not None:
                result.failure = Failure("diverged", "a loss was not finite", step=bad)
            elif faults[index]:
                bad = stop
                result.failure = Failure("diverged", faults[index], step=stop - 1, after=True)
            valid = [i for i, t in enumerate(seen) if bad is None or t <= bad]
            result.steps += [seen[i] for i in valid]
            result.history += [table[i][index] for i in valid]
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
        done = start + (stop - start) * (index + 1) / len(self.groups)
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
        """A provenance that also states how the seeds were run: the path, its reason, and seeds per stack."""
        return replace(
            provenance,
            path=self.path.kind,
            path_reason=self.path.reason,
            stack=max(len(group.distinct) for group in self.groups),
            lanes=self.path.lanes,
            prepare_seconds=round(self.prepare_seconds, 3),
        )
