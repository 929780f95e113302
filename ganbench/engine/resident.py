"""Steps in place: states, keys, numbers and losses stay in the device's memory, and a step takes nothing from the host.

The body of a step reads and writes fixed tensors only, so that it can be recorded once and repeated by one launch. It
is made of branches, one for each stack of seeds, each with a state of its own and with the very program that the stack
has alone: the number of branches never changes a seed's bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten

from ganbench import seeding
from ganbench.engine import pulse
from ganbench.engine.block import Block, Stack, Watch
from ganbench.engine.compile import Program
from ganbench.engine.draws import Recipe
from ganbench.engine.programs import Programs
from ganbench.engine.recorder import Recorder, Work
from ganbench.engine.step import Numbers, State, Trace

DRAWN_AT_ONCE = 1 << 24
"""About how many random numbers, of all branches together, are drawn at once for a step that is not compiled."""


@dataclass
class Branch:
    """What one stack of seeds holds on the device; `traces` are those of the last step of each program."""

    state: list[Tensor]
    traces: dict[int, Trace] = field(default_factory=dict)


class Table:
    """The numbers of a block on the device, and those of the step at an index."""

    def __init__(self, example: Numbers, device: torch.device) -> None:
        leaves, self.form = tree_flatten(example)
        self.columns = [torch.zeros((seeding.BLOCK, *leaf.shape), dtype=leaf.dtype, device=device) for leaf in leaves]
        self.row = [torch.zeros_like(column[:1]) for column in self.columns]
        self.index = torch.zeros(1, dtype=torch.int64, device=device)

    @property
    def steps(self) -> Tensor:
        """The numbers of all steps of the block (BLOCK,)."""
        found: Numbers = tree_unflatten(self.columns, self.form)
        return found.step

    @property
    def now(self) -> Numbers:
        """The numbers of the present step, always in the same memory."""
        found: Numbers = tree_unflatten([row[0] for row in self.row], self.form)
        return found

    def load(self, table: Numbers) -> None:
        """Copy a block's numbers to the device, and go to its first step."""
        for column, found in zip(self.columns, tree_leaves(table), strict=True):
            column[: len(found)].copy_(found, non_blocking=True)
        self.index.zero_()

    def select(self) -> None:
        for column, row in zip(self.columns, self.row, strict=True):
            torch.index_select(column, 0, self.index, out=row)


class DrawnAhead:
    """Draws of all branches for some steps at once, in one piece of work: what a step that is not compiled uses."""

    def __init__(self, recipe: Recipe, keys: Tensor, table: Table) -> None:
        self.recipe, self.keys, self.table = recipe, keys, table
        seeds = keys[..., 0, 0].numel()
        self.steps = max(1, min(seeding.BLOCK, DRAWN_AT_ONCE // (recipe.numbers * seeds)))
        self.ahead = torch.arange(self.steps, device=keys.device)
        self.leaves: list[Tensor] = []

    def draw(self) -> None:
        """Draw for the present step and those after it; after the block's end, numbers that nothing reads."""
        which = (self.table.index + self.ahead).clamp(max=seeding.BLOCK - 1)
        self.leaves = tree_leaves(self.recipe.drawn(self.keys, self.table.steps.index_select(0, which)))

    def of(self, branch: int) -> list[Tensor]:
        """The draws of a branch at the present step."""
        at = self.table.index % self.steps
        return [leaf[:, branch].index_select(0, at).squeeze(0) for leaf in self.leaves]


class Resident:
    """The steps of some stacks at once, recorded. Raises what the recorder raises.

    The draws of a step are made in it if there is a program for them, else for many steps at once.
    """

    def __init__(
        self, programs: Programs, draws: Program | Recipe, recorder: Recorder, example: Stack, numbers: Numbers,
        branches: int, watch: Watch,
    ) -> None:  # fmt: skip
        device = example.keys.device
        self.programs, self.draws, self.recorder, self.watch = programs, draws, recorder, watch
        self.table = Table(numbers, device)
        self.table.load(tree_map(lambda leaf: leaf[None], numbers))
        self.keys = torch.stack([example.keys] * branches)
        self.branches = [Branch([leaf.clone() for leaf in tree_leaves(example.state)]) for _ in range(branches)]
        self.seeds = self.keys[..., 0, 0].numel()
        self.losses = torch.zeros(seeding.BLOCK, self.seeds, 2, device=device)
        self.steps = torch.arange(seeding.BLOCK, device=device)[:, None, None]
        self.signals: dict[int, Tensor] = {}
        self.ahead = DrawnAhead(draws, self.keys, self.table) if isinstance(draws, Recipe) else None
        self.draw = recorder.record(self.ahead.draw) if self.ahead else None
        self.advance: list[Work] = []
        self.observe: list[Work] = []
        for which in range(len(programs.steps)):
            self.table.index.zero_()  # recording may have taken steps
            self.advance.append(recorder.record(self._step(which)))
            self.observe.append(recorder.record(partial(self._observe, which)))

    def _step(self, which: int) -> Work:
        """The body of a step by one of the programs: all branches, then the losses and the index."""
        program = self.programs.steps[which]
        moves = self.recorder.fork([partial(self._move, index, which, program) for index in range(len(self.branches))])

        def body() -> None:
            self.table.select()
            moves()
            traces = [branch.traces[which] for branch in self.branches]
            losses = torch.stack([torch.stack([trace.d_loss, trace.g_loss], dim=-1) for trace in traces])
            here = self.steps == self.table.index
            torch.where(here, losses.reshape(self.seeds, 2), self.losses, out=self.losses)
            self.table.index.add_(1)

        return body

    def _move(self, index: int, which: int, program: Program) -> None:
        """One step of one branch."""
        branch, now = self.branches[index], self.table.now
        results = program([*self.programs.data, *branch.state, *self._drawn(index, now), *tree_leaves(now)])
        after, trace = results[: len(branch.state)], results[len(branch.state) :]
        branch.traces[which] = Trace(*_apart(trace, branch.state))
        moved = [(old, new) for old, new in zip(branch.state, after, strict=True) if not _is_same(old, new)]
        torch._foreach_copy_([old for old, _ in moved], _apart([new for _, new in moved], branch.state))

    def _drawn(self, index: int, now: Numbers) -> Sequence[Tensor]:
        """The draws of a branch at the present step."""
        if isinstance(self.draws, Recipe):
            return self.ahead.of(index) if self.ahead else ()
        return self.draws([self.keys[index], now.step])

    def _observe(self, which: int) -> None:
        found = [self.watch.observe(branch.traces[which]) for branch in self.branches]
        self.signals[which] = torch.stack(found).reshape(self.seeds, -1)

    def run(self, stacks: Sequence[Stack], table: Numbers, start: int) -> Block:
        """Take the steps of a block; nothing waits for the device."""
        count = len(table.step)
        self.table.load(table)
        torch._foreach_copy_(list(self.keys), [stack.keys for stack in stacks])
        for branch, stack in zip(self.branches, stacks, strict=True):
            torch._foreach_copy_(branch.state, tree_leaves(stack.state))
        rows = []
        for t in range(start, start + count):
            if self.ahead and self.draw and (t - start) % self.ahead.steps == 0:
                self.draw()
            pulse.beat()
            which = self.programs.which(t)
            self.advance[which]()
            if t % self.watch.every == 0:
                self.observe[which]()
                rows.append(self.signals[which].clone())
        states = [self._state(branch) for branch in self.branches]
        return Block(states, self.losses[:count].clone(), torch.stack(rows) if rows else None)

    def _state(self, branch: Branch) -> State:
        found: State = tree_unflatten([leaf.clone() for leaf in branch.state], self.programs.form)
        return found


def _is_same(old: Tensor, new: Tensor) -> bool:
    """Whether a result is the fixed tensor itself, which the step left as it was."""
    return old.data_ptr() == new.data_ptr() and old.stride() == new.stride()


def _apart(results: Sequence[Tensor], fixed: list[Tensor]) -> list[Tensor]:
    """The results, with a copy of each that lies in the memory of a fixed tensor, which is about to be overwritten."""
    places = {one.untyped_storage().data_ptr() for one in fixed}
    return [one.clone() if one.untyped_storage().data_ptr() in places else one for one in results]
