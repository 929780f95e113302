"""Random numbers as pure functions of (seed, name, step, position): the counter-based generator Threefry-2x32.

Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3 (SC 2011), with 20 rounds. The seed and the
name make the key, the step is the first word of the counter, and the number at position p of a draw is word p % 2 of
counter p // 2. A number therefore depends neither on how many are drawn nor on what is drawn beside it.

Only the logarithm and the trigonometric functions of `normal` are rounded differently by other devices.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from ganbench import seeding

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
PARITY = 0x1BD11BDA
"""The constants of the paper: bits by which round i rotates its second word, and what completes the key."""
ROUNDS = 20
CHUNK = {"cpu": 1 << 16}
"""Pairs of numbers that a block computes at once: on a CPU as many as its cache holds."""
OTHER_CHUNK = 1 << 22
WIDTH = 32
"""Vectorized logarithms treat the end of an array separately. Every draw is computed in multiples of this many pairs,
so that its bits do not depend on what is computed beside it."""
UNIT = 2.0**-24


class Space(NamedTuple):
    """Where a block's intermediate results are written, or None to allocate them, which can be traced and mapped."""

    first: Tensor | None = None
    second: Tensor | None = None
    spare: Tensor | None = None
    floats: tuple[Tensor | None, ...] = (None, None, None)


Finish = Callable[[Tensor, Tensor, Space], tuple[Tensor, Tensor]]
"""Two words of random bits to the two numbers made of them."""


def key(seed: int, name: str) -> tuple[int, int]:
    """The key of a stream, as two signed 32-bit integers."""
    first, second = seeding.words(seed, name)
    return first, second


def keys(seeds: Iterable[int], name: str, device: torch.device | str = "cpu") -> Tensor:
    """The keys (S, 2) int32 of one stream of several seeds."""
    return torch.tensor([key(seed, name) for seed in seeds], dtype=torch.int32, device=device).reshape(-1, 2)


def threefry(
    key0: Tensor,
    key1: Tensor,
    counter0: Tensor,
    counter1: Tensor,
    space: Space = Space(),  # noqa: B008
) -> tuple[Tensor, Tensor]:
    """Threefry-2x32: two words of random bits, int32, for each key and counter, int32 tensors that broadcast.

    If there is a `space`, the counters have its shape.
    """
    schedule = key0, key1, key0 ^ key1 ^ PARITY
    x = torch.add(counter0, key0, out=space.first)
    y = torch.add(counter1, key1, out=space.second)
    for i in range(ROUNDS):
        bits = ROTATIONS[i % 8]
        x = torch.add(x, y, out=space.first)
        low = torch.bitwise_right_shift(y, 32 - bits, out=space.spare)
        low = torch.bitwise_and(low, (1 << bits) - 1, out=space.spare)
        y = torch.add(low, y, alpha=1 << bits, out=space.second)  # the two parts share no bit: y rotated
        y = torch.bitwise_xor(y, x, out=space.second)
        if i % 4 == 3:
            number = i // 4 + 1
            x = torch.add(x, schedule[number % 3], out=space.first)
            y = torch.add(y, schedule[(number + 1) % 3] + number, out=space.second)
    return x, y


def bits(keys: Tensor, steps: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Random bits, int32; for the arguments see `normal`."""
    return _draw(keys, steps, shape, torch.int32, lambda x, y, space: (x, y))


def uniform(keys: Tensor, steps: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Uniform numbers in [0, 1), multiples of 2 ** -24, float32; for the arguments see `normal`."""
    return _draw(keys, steps, shape, torch.float32, _uniform_pair)


def normal(keys: Tensor, steps: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Standard normal numbers, float32, of magnitude up to 5.8, by Box and Muller's transform.

    `keys` (*lead, 2) int32 are those of one or more streams. A 0-d tensor is the number of one step: the draw
    (*lead, *shape) can be traced, compiled and mapped over keys. `steps` (n,) are those of a block: the draw
    (n, *lead, *shape) is computed in chunks, which is faster outside of a program. Both have the same bits.
    """
    return _draw(keys, steps, shape, torch.float32, _normal_pair)


def integers(keys: Tensor, steps: Tensor, high: int, shape: tuple[int, ...]) -> Tensor:
    """Uniform integers in [0, high), int64, for `high` up to 2 ** 31; for the other arguments see `normal`.

    No probability differs from 1 / high by more than 2 ** -32.
    """
    if not 0 < high <= 1 << 31:
        raise ValueError(f"integers are drawn below a number from 1 to 2 ** 31, not {high}")

    def scaled(word: Tensor) -> Tensor:
        return (word.to(torch.int64) + (1 << 31)) * high >> 32

    return _draw(keys, steps, shape, torch.int64, lambda x, y, space: (scaled(x), scaled(y)))


def once(
    draw: Callable[[Tensor, Tensor, tuple[int, ...]], Tensor], seed: int, name: str, shape: tuple[int, ...],
    step: int = 0,
) -> Tensor:  # fmt: skip
    """One draw of a seed on the CPU, such as `once(normal, seed, "evaluation", (count, latent))`."""
    return draw(keys([seed], name)[0], torch.tensor([step]), shape)[0]


def permutation(seed: int, name: str, length: int) -> Tensor:
    """A random order (length,) of 0 to length - 1, int64, on the CPU: that of random bits, equal ones as they come."""
    return torch.argsort(once(bits, seed, name, (length,)), stable=True)


def _uniform_pair(x: Tensor, y: Tensor, space: Space) -> tuple[Tensor, Tensor]:
    return _unit(x, 0.5, space.first, space.floats[0]), _unit(y, 0.5, space.second, space.floats[1])


def _unit(word: Tensor, center: float, out: Tensor | None, floats: Tensor | None) -> Tensor:
    """The upper 24 bits, from -2 ** 23 to 2 ** 23 - 1, scaled to a length of 1 about a center; exact."""
    return torch.add(torch.mul(torch.bitwise_right_shift(word, 8, out=out), UNIT, out=floats), center, out=floats)


def _normal_pair(x: Tensor, y: Tensor, space: Space) -> tuple[Tensor, Tensor]:
    """sqrt(-2 log u) cos(2 pi v) and the same with sin, u in (0, 1] and v in [-1/2, 1/2)."""
    first, second, third = space.floats
    radius = torch.log(_unit(x, 0.5 + UNIT, space.first, first), out=first)
    radius = torch.sqrt(torch.mul(radius, -2.0, out=first), out=first)
    angle = torch.mul(torch.bitwise_right_shift(y, 8, out=space.second), 2 * math.pi * UNIT, out=second)
    even = torch.mul(torch.cos(angle, out=third), radius, out=third)
    odd = torch.mul(torch.sin(angle, out=second), radius, out=second)
    return even, odd


def _draw(keys: Tensor, steps: Tensor, shape: tuple[int, ...], dtype: torch.dtype, finish: Finish) -> Tensor:
    count = math.prod(shape)
    pairs = -(-count // (2 * WIDTH)) * WIDTH
    if steps.dim() == 0:
        position = torch.arange(pairs, dtype=torch.int32, device=keys.device)
        words = threefry(keys[..., :1], keys[..., 1:], steps.to(torch.int32), position)
        drawn = torch.stack(finish(*words, Space()), dim=-1)
    else:
        drawn = _block(keys.reshape(-1, 2), steps.to(torch.int32), pairs, dtype, finish)
    sizes = (*steps.shape, *keys.shape[:-1])
    return drawn.reshape((*sizes, 2 * pairs))[..., :count].reshape((*sizes, *shape)).contiguous()


def _block(keys: Tensor, steps: Tensor, pairs: int, dtype: torch.dtype, finish: Finish) -> Tensor:
    """The draws (n L, pairs, 2) of n steps and L keys, in chunks of some rows or of a part of one."""
    device = keys.device
    step = steps[:, None].expand(-1, len(keys)).reshape(-1, 1)
    key0, key1 = keys.repeat(len(steps), 1)[:, :, None].unbind(dim=1)
    drawn = torch.empty(len(step), pairs, 2, dtype=dtype, device=device)
    chunk = CHUNK.get(device.type, OTHER_CHUNK)
    wide = max(1, min(pairs, chunk))
    high = max(1, min(len(step), chunk // wide))
    words = [torch.empty(high * wide, dtype=torch.int32, device=device) for _ in range(3)]
    floats = [torch.empty(high * wide, device=device) for _ in range(3)] if dtype.is_floating_point else []
    position = torch.arange(pairs, dtype=torch.int32, device=device)
    for row in range(0, len(step), high):
        some = slice(row, row + high)
        for first in range(0, pairs, wide):
            part = drawn[some, first : first + wide]
            size = part.shape[:2]
            x, y, spare = (word[: size.numel()].view(size) for word in words)
            space = Space(x, y, spare, tuple(each[: size.numel()].view(size) for each in floats))
            counters = step[some].expand(size), position[first : first + wide].expand(size)
            result = finish(*threefry(key0[some], key1[some], *counters, space), space)
            for word, numbers in enumerate(result):
                part[..., word].copy_(numbers)
    return drawn
