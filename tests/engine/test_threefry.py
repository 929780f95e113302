"""Draws: the bits of the published generator, the distributions, and that a number depends on its own place alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from ganbench.engine import threefry
from ganbench.engine.compile import compiled
from ganbench.engine.devices import missing_compiler

Draw = Callable[[Tensor, Tensor, tuple[int, ...]], Tensor]
Words = NDArray[np.uint32]

DRAWS: dict[str, Draw] = {
    "bits": threefry.bits,
    "uniform": threefry.uniform,
    "normal": threefry.normal,
    "integers": lambda keys, steps, shape: threefry.integers(keys, steps, 1347, shape),
}
PVALUE = 1e-3
"""Below this a statistical test fails; the numbers are fixed, so that none of them can fail by chance."""


def _signed(*words: int) -> list[Tensor]:
    return [torch.tensor(word - (word >> 31 << 32), dtype=torch.int32) for word in words]


def _reference(key: tuple[int, int], step: int, pairs: int) -> Words:
    """Threefry-2x32-20 in numpy's unsigned integers, written from the paper: words (pairs, 2)."""
    ks = np.array([*key, 0], dtype=np.int64).astype(np.uint32)
    ks[2] = ks[0] ^ ks[1] ^ np.uint32(0x1BD11BDA)
    x = np.stack([np.full(pairs, step, dtype=np.uint32), np.arange(pairs, dtype=np.uint32)])
    x += ks[:2, None]
    for i, turn in enumerate(itertools.islice(itertools.cycle((13, 15, 26, 6, 17, 29, 16, 24)), 20)):
        x[0] += x[1]
        x[1] = x[1] << np.uint32(turn) | x[1] >> np.uint32(32 - turn)
        x[1] ^= x[0]
        if (i + 1) % 4 == 0:
            number = (i + 1) // 4
            x[0] += ks[number % 3]
            x[1] += ks[(number + 1) % 3] + np.uint32(number)
    return x.T


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ((0, 0, 0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 4, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344, 0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_the_published_known_answers(words: tuple[int, int, int, int], known: tuple[int, int]) -> None:
    key0, key1, counter0, counter1 = _signed(*words)
    found = threefry.threefry(key0, key1, counter0, counter1)
    assert [int(word) & 0xFFFFFFFF for word in found] == list(known)


def test_every_word_equals_that_of_an_independent_implementation() -> None:
    for seed, step, count in ((0, 0, 1), (3, 1499, 77), (2**40, 2**31 - 1, 5000)):
        key = threefry.key(seed, "latent")
        expected = _reference(key, step, count).reshape(-1)[:count]
        keys, at = torch.tensor(key, dtype=torch.int32), torch.tensor(step, dtype=torch.int32)
        for steps in (at, at[None]):
            found = threefry.bits(keys, steps, (count,)).reshape(-1)
            np.testing.assert_array_equal(found.numpy().view(np.uint32), expected)


def test_numbers_are_computed_from_the_words() -> None:
    """Each kind of number from the same words, by numpy in double precision."""
    key, count = threefry.key(5, "latent"), 4000
    signed = _reference(key, 9, count // 2).view(np.int32).astype(np.int64)
    whole, share = signed + 2**31, (signed >> 8) / 2**24
    keys, step = torch.tensor(key, dtype=torch.int32), torch.tensor(9, dtype=torch.int32)
    np.testing.assert_array_equal(threefry.uniform(keys, step, (count,)).double(), (share + 0.5).reshape(-1))
    for high in (1, 2, 1347, 50_000, 2**31):
        expected = whole.reshape(-1).astype(object) * high // 2**32
        np.testing.assert_array_equal(threefry.integers(keys, step, high, (count,)), expected.astype(np.int64))
    radius = np.sqrt(-2 * np.log(share[:, 0] + 0.5 + 2.0**-24))
    angle = 2 * math.pi * share[:, 1]
    pairs = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    np.testing.assert_allclose(threefry.normal(keys, step, (count,)).double(), pairs.reshape(-1), rtol=0, atol=1e-6)


def test_the_ends_of_the_ranges() -> None:
    """u = 1 and the smallest u are finite normals; the largest uniform number is below 1."""
    words = torch.tensor([2**31 - 1, -(2**31), 0, -1], dtype=torch.int32)
    x, y = (grid.reshape(-1) for grid in torch.meshgrid(words, words, indexing="ij"))
    even, odd = threefry._normal_pair(x, y, threefry.Space())
    assert bool((even.isfinite() & odd.isfinite()).all())
    assert max(even.abs().max().item(), odd.abs().max().item()) == pytest.approx(math.sqrt(48 * math.log(2)), rel=1e-6)
    uniform, _ = threefry._uniform_pair(x, y, threefry.Space())
    assert uniform.min().item() == 0.0
    assert uniform.max().item() == 1 - 2.0**-24


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (64, 2), (9, 23)])
def test_a_number_depends_on_its_place_alone(
    name: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone, among other seeds and steps, in another chunk and with more behind it: the same bits."""
    draw, seeds, steps = DRAWS[name], range(5), torch.arange(40, 57)
    keys = threefry.keys(seeds, "latent")
    block = draw(keys, steps, shape)
    assert block.shape == (len(steps), len(seeds), *shape)
    with monkeypatch.context() as patched:
        patched.setitem(threefry.CHUNK, "cpu", 64)
        assert torch.equal(draw(keys, steps, shape), block)
    more = draw(keys, steps, (*shape, 70)).flatten(2)[:, :, : math.prod(shape)]
    assert torch.equal(more, block.reshape(len(steps), len(seeds), -1))
    mapped = torch.vmap(lambda key: draw(key, steps[3].int(), shape))(keys)
    assert torch.equal(mapped, block[3])
    for seed in (0, 4):
        alone = draw(keys[seed], steps[3].int(), shape)
        assert torch.equal(alone, block[3, seed])
        assert torch.equal(draw(keys[seed], steps[3:4], shape), block[3:4, seed])


def test_no_numbers_and_invalid_ranges() -> None:
    keys = threefry.keys([0, 1], "latent")
    assert threefry.normal(keys, torch.arange(3), (0, 2)).shape == (3, 2, 0, 2)
    assert threefry.normal(keys, torch.arange(0), (4,)).shape == (0, 2, 4)
    for high in (0, -1, 2**31 + 1):
        with pytest.raises(ValueError, match=str(high)):
            threefry.integers(keys, torch.arange(3), high, (4,))


@pytest.mark.slow
@pytest.mark.skipif(missing_compiler() is not None, reason="no compiler")
def test_compiled_numbers_are_the_same() -> None:
    keys, step, shape = threefry.keys(range(3), "latent"), torch.tensor(7, dtype=torch.int32), (2, 32, 2)

    def draws(keys: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        normal = torch.vmap(lambda key: threefry.normal(key, step, shape))(keys)
        return normal, threefry.integers(keys[0], step, 1347, (40,))

    program = compiled(draws, (keys, step))
    for number in (7, 8):  # the step is an argument of the program, not a part of it
        at = torch.tensor(number, dtype=torch.int32)
        (normal, rows), expected = program([keys, at]), draws(keys, at)
        torch.testing.assert_close(normal, expected[0], rtol=0, atol=1e-6)
        assert torch.equal(rows, expected[1])


def _uniform_pvalues(values: Tensor) -> list[float]:
    """Kolmogorov and Smirnov's test, and a chi-square test of 256 bins."""
    counts = torch.histc(values, bins=256, min=0, max=1).numpy()
    return [stats.kstest(values.numpy(), "uniform").pvalue, stats.chisquare(counts).pvalue]


AXES: dict[str, Callable[[int], Tensor]] = {
    "positions": lambda n: threefry.bits(threefry.keys([0], "latent")[0], torch.tensor(0), (n,)),
    "steps": lambda n: threefry.bits(threefry.keys([0], "latent")[0], torch.arange(n), (1,)),
    "seeds": lambda n: threefry.bits(threefry.keys(range(n), "latent"), torch.tensor(0), (1,)),
    "names": lambda n: threefry.bits(
        torch.cat([threefry.keys([0], f"name {i}") for i in range(n)]), torch.tensor(0), (1,)
    ),
}  # fmt: skip


@pytest.mark.parametrize("axis", AXES)
def test_numbers_along_every_axis_are_uniform_and_independent(axis: str) -> None:
    """The numbers of neighboring positions, steps, seeds and names: distribution, bits, pairs of neighbors, runs."""
    words = AXES[axis](20_000).reshape(-1)
    values = words.double() / 2**32 + 0.5
    pvalues = _uniform_pvalues(values)
    for lag in (1, 2, 3, 64):
        pvalues.append(stats.pearsonr(values[:-lag], values[lag:]).pvalue)
    cells = (values[::2] * 16).long() * 16 + (values[1::2] * 16).long()
    pvalues.append(stats.chisquare(torch.bincount(cells, minlength=256).numpy()).pvalue)
    ones = [int((words >> bit & 1).sum()) for bit in range(32)]
    pvalues.append(stats.chi2.sf(sum((one - 10_000) ** 2 / 5_000 for one in ones), 32))
    changes = int(((values[1:] > 0.5) != (values[:-1] > 0.5)).sum())
    pvalues.append(stats.binomtest(changes, len(values) - 1).pvalue)
    assert min(pvalues) > PVALUE, pvalues
    assert len(set(words.tolist())) > 19_990  # 0.05 are expected twice


def test_streams_are_independent_of_each_other() -> None:
    """Correlations between the streams of eight seeds, eight names, eight steps: as many large ones as by chance."""
    count, groups = 20_000, []
    keys = threefry.keys(range(8), "latent")
    groups.append(threefry.normal(keys, torch.tensor(3), (count,)))
    groups.append(threefry.normal(keys[0], torch.arange(8), (count,)))
    names = torch.cat([threefry.keys([0], name) for name in ("real", "latent", "mix", "a", "b", "labels", "x", "y")])
    groups.append(threefry.normal(names, torch.tensor(3), (count,)))
    for streams in groups:
        correlations = torch.corrcoef(streams.double())[*torch.triu_indices(8, 8, 1)]
        statistic = (correlations**2).sum().item() * count
        assert 1e-3 < stats.chi2.sf(statistic, len(correlations)) < 1 - 1e-3
        assert correlations.abs().max().item() < 4.5 / math.sqrt(count)


def test_one_changed_bit_changes_half_of_the_bits() -> None:
    """Avalanche: for every bit of the key and of the counter, over 500 blocks."""
    base = torch.randint(-(2**31), 2**31, (4, 500), generator=torch.Generator().manual_seed(0)).int()
    before = torch.stack(threefry.threefry(base[0], base[1], base[2], base[3]))
    for word, bit in itertools.product(range(4), range(32)):
        changed = base.clone()
        changed[word] ^= torch.tensor(1 - (bit == 31) * 2, dtype=torch.int32) << bit
        assert int((changed[word] != base[word]).sum()) == 500
        flipped = torch.stack(threefry.threefry(changed[0], changed[1], changed[2], changed[3])) ^ before
        total = sum(int((flipped >> place & 1).sum()) for place in range(32))
        assert abs(total - 16_000) < 5 * math.sqrt(8_000), (word, bit)


def test_normals_are_normal() -> None:
    """Distribution, moments, tails, and both numbers of a pair, also after a step's end."""
    values = threefry.normal(threefry.keys([1], "latent")[0], torch.arange(20), (10_000,)).reshape(-1).double()
    n = len(values)
    assert stats.kstest(values.numpy(), "norm").pvalue > PVALUE
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96), (6, 15, 10_170)):
        assert abs((values**power).mean().item() - moment) < 4 * math.sqrt(variance / n)
    for limit in (2, 3, 4):
        expected = 2 * stats.norm.sf(limit)
        assert stats.binomtest(int((values.abs() > limit).sum()), n, expected).pvalue > PVALUE
    even, odd = values[::2], values[1::2]
    for a, b in ((even, odd), (even**2, odd**2), (even[1:], odd[:-1]), (even.abs(), odd.abs())):
        assert stats.pearsonr(a, b).pvalue > PVALUE


def test_integers_are_uniform() -> None:
    keys, steps = threefry.keys(range(4), "real"), torch.arange(25)
    for high in (2, 3, 10, 450, 1347):
        drawn = threefry.integers(keys, steps, high, (1000,))
        assert drawn.dtype == torch.int64
        counts = torch.bincount(drawn.reshape(-1), minlength=high)
        assert len(counts) == high
        assert stats.chisquare(counts.numpy()).pvalue > PVALUE


def test_permutations() -> None:
    """Every order of five is as frequent as any other; longer ones hold every number once."""
    orders = [tuple(threefry.permutation(seed, "order", 5).tolist()) for seed in range(1200)]
    counts = [orders.count(order) for order in itertools.permutations(range(5))]
    assert stats.chisquare(counts).pvalue > PVALUE
    long = threefry.permutation(0, "order", 100_000)
    assert torch.equal(long.sort().values, torch.arange(100_000))
    assert torch.equal(long, threefry.permutation(0, "order", 100_000))
    assert not torch.equal(long, threefry.permutation(0, "another order", 100_000))
    assert abs(stats.spearmanr(long, torch.arange(100_000)).statistic) < 0.01
