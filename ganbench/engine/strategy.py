"""Builds the step of a cell on its execution path: compiled, recorded, stacked or looped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch.utils._pytree import tree_map

from ganbench.engine.backend import Backend
from ganbench.engine.block import Block, Engine, Run, Stack, Watch, eager_stepper, host_run, program_stepper
from ganbench.engine.compile import CannotCompileError, Compiler, Program, compiled, traced
from ganbench.engine.draws import Recipe
from ganbench.engine.path import ExecutionPath, uncompiled
from ganbench.engine.programs import Programs, draw_program, example_stack, mapped, step_programs
from ganbench.engine.recorder import Recorder
from ganbench.engine.resident import Resident
from ganbench.engine.setting import Example, Setting
from ganbench.engine.step import Numbers
from ganbench.engine.trees import stacked
from ganbench.errors import ContractError, describe_error
from ganbench.suite.train_spec import TrainSpec

LOSS_TOLERANCE = {"fp32": 1e-3, "tf32": 1e-2, "bf16": 5e-2}
"""How far a program's first losses may differ from those of the uncompiled step."""
MAX_BRANCHES = 16
"""The most stacks that advance at once on a GPU. Other numbers were not tried."""


def build_engine(
    path: ExecutionPath, setting: Setting, spec: TrainSpec, example: Example, backend: Backend,
    compiler: Compiler | None = None, seeds: int = 1,
) -> Engine:  # fmt: skip
    """Build the step on a path, and try it on an example of one seed; `seeds` says how many are to be trained.

    If the compiler rejects the step of several lanes or its program computes something else, one lane is tried. If that
    fails too, the path becomes that of `engine: eager`; if vmap cannot map the step (the loss branches on values, for
    example) or it cannot be recorded, seeds run one by one. Raises `ContractError` if the spec requires a program, and
    torch's `OutOfMemoryError` if one stack does not fit into a GPU.
    """
    while path.fills:
        try:
            return _programmed(path, setting, spec, example, backend, compiler or compiled, seeds)
        except (ContractError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # the compiler may raise anything; the step runs without it
            path = _instead(path, setting, spec, backend, error)
    if path.kind == "stacked":
        state, keys, numbers = example
        draws = setting.recipe.drawn(keys, numbers.step)
        try:
            mapped(setting, setting.game)(stacked([state, state]), stacked([draws, draws]), numbers)
        except ContractError:
            raise
        except Exception as error:
            also = path.reason.partition("; ")[2]
            also = f"; {also}" if also.startswith("not compiled") else ""
            path = ExecutionPath("looped", 1, f"vmap cannot map the step ({describe_error(error)}){also}")
    return Engine(path, host_run(eager_stepper(setting, path.lanes), Watch.of(setting, spec, path.lanes)))


def _instead(
    path: ExecutionPath, setting: Setting, spec: TrainSpec, backend: Backend, error: Exception
) -> ExecutionPath:
    """The path after one that an error has closed. Raises `ContractError` if the spec allows no other."""
    why = f"not {path.kind}: {error if isinstance(error, CannotCompileError) else describe_error(error)}"
    if path.lanes > 1:
        return replace(path, lanes=1, reason=f"{path.lanes} lanes are {why}")
    if path.kind == "captured":
        return ExecutionPath("looped", 1, why)
    if spec.engine == "compiled":
        raise ContractError(why) from error
    return uncompiled(setting.game, spec, backend, why)


def _programmed(
    path: ExecutionPath, setting: Setting, spec: TrainSpec, example: Example, backend: Backend, compiler: Compiler,
    seeds: int,
) -> Engine:  # fmt: skip
    """The step as programs, recorded if the device records.

    Raises `CannotCompileError` if a program computes something else, and what compiler and recorder raise. A program
    that cannot be recorded is called.
    """
    lanes, tolerance = path.lanes, LOSS_TOLERANCE[spec.precision]
    watch = Watch.of(setting, spec, lanes)
    draw: Program | Recipe
    if path.kind == "captured":
        draw, called = setting.recipe, eager_stepper(setting, lanes)
        programs = step_programs(setting, lanes, example, tolerance, traced)
    else:
        draw = draw_program(setting, lanes, example, compiler)
        programs = step_programs(setting, lanes, example, tolerance, compiler)
        called = program_stepper(draw, programs)
    plain = host_run(called, watch)
    if backend.recorder is None:
        return Engine(path, plain)
    recorded = _Recorded(programs, draw, watch, example, lanes, backend.recorder())
    try:
        branches = recorded.fitting(min(MAX_BRANCHES, -(-seeds // lanes)))
        recorded.check(branches, plain, tolerance)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        if path.kind == "captured":
            raise
        return Engine(replace(path, reason=f"{path.reason}; its launches are not recorded: {_said(error)}"), plain)
    return Engine(path, recorded.run, branches)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, CannotCompileError) else describe_error(error)


class _Recorded:
    """Recorded steps for each number of stacks that advance at once."""

    def __init__(
        self,
        programs: Programs,
        draws: Program | Recipe,
        watch: Watch,
        example: Example,
        lanes: int,
        recorder: Recorder,
    ) -> None:
        self.programs, self.draws, self.watch, self.recorder = programs, draws, watch, recorder
        self.stack, self.numbers = Stack(*example_stack(example, lanes)), example.numbers
        self.of: dict[int, Resident] = {}

    def fitting(self, branches: int) -> int:
        """Record for this many stacks, or for half as many until they fit into the memory."""
        while True:
            try:
                self._resident(branches)
                return branches
            except torch.OutOfMemoryError:
                if branches == 1:
                    raise
                branches = -(-branches // 2)

    def check(self, branches: int, plain: Run, tolerance: float) -> None:
        """Compare two recorded steps with those launched by the host. Raises `CannotCompileError` if they differ."""
        table: Numbers = tree_map(lambda leaf: torch.stack([leaf, leaf]).cpu(), self.numbers)
        ours = self.run([self.stack] * branches, table, 0).losses
        expected = plain([self.stack], table, 0).losses.repeat(1, branches, 1)
        if not torch.allclose(ours, expected, rtol=tolerance, atol=tolerance, equal_nan=True):
            raise CannotCompileError(f"the recorded losses are {ours[:, 0].tolist()}, not {expected[:, 0].tolist()}")

    def run(self, stacks: Sequence[Stack], table: Numbers, start: int) -> Block:
        return self._resident(len(stacks)).run(stacks, table, start)

    def _resident(self, branches: int) -> Resident:
        if branches not in self.of:
            self.of[branches] = Resident(
                self.programs, self.draws, self.recorder, self.stack, self.numbers, branches, self.watch
            )
        return self.of[branches]
