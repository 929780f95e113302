"""Blocks of the architectures against forward passes written here from the papers' equations."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganbench_architectures.labels import ClassVectors, ConditionalBatchNorm2d, Discriminator
from ganbench_architectures.r3gan import Block, Downsample, R3gan, Upsample
from ganbench_architectures.resnet_blocks import DiscriminatorBlock, GeneratorBlock, SelfAttention

SEED = 0


def _random(module: nn.Module) -> Any:
    """The module with every parameter drawn anew, so that none is at a special value."""
    torch.manual_seed(SEED)
    for parameter in module.parameters():
        nn.init.normal_(parameter, 0.2, 0.5)
    return module


def _up(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def _down(x: Tensor) -> Tensor:
    return (x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]) / 4


def _normalized(x: Tensor, norm: nn.Module) -> Tensor:
    mean, variance = x.mean(dim=(0, 2, 3), keepdim=True), x.var(dim=(0, 2, 3), keepdim=True, unbiased=False)
    gain, shift = norm.get_parameter("weight"), norm.get_parameter("bias")
    return (x - mean) / (variance + 1e-5).sqrt() * gain[:, None, None] + shift[:, None, None]


def test_the_block_of_sngans_generator() -> None:
    block = _random(GeneratorBlock(4, 6, "nearest", None))
    p, x = dict(block.named_parameters()), torch.randn(3, 4, 5, 5)
    h = F.conv2d(_up(_normalized(x, block.norm1).clamp(min=0)), p["conv1.weight"], p["conv1.bias"], padding=1)
    h = F.conv2d(_normalized(h, block.norm2).clamp(min=0), p["conv2.weight"], p["conv2.bias"], padding=1)
    expected = h + F.conv2d(_up(x), p["shortcut.weight"], p["shortcut.bias"])
    torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("inputs", "down", "first"), [(3, True, True), (4, True, False), (4, False, False),
                                                       (6, False, False)])  # fmt: skip
def test_the_blocks_of_sngans_discriminator(inputs: int, down: bool, first: bool) -> None:
    block = _random(DiscriminatorBlock(inputs, 6, down, first))
    p, x = dict(block.named_parameters()), torch.randn(3, inputs, 8, 8)
    h = F.conv2d(x if first else x.clamp(min=0), p["conv1.weight"], p["conv1.bias"], padding=1)
    h = F.conv2d(h.clamp(min=0), p["conv2.weight"], p["conv2.bias"], padding=1)
    kept = F.conv2d(x, p["shortcut.weight"], p["shortcut.bias"]) if "shortcut.weight" in p else x
    assert ("shortcut.weight" in p) == (down or inputs != 6)
    expected = _down(h) + _down(kept) if down else h + kept  # a mean and a 1x1 convolution commute
    torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-4)


def test_self_attention() -> None:
    layer = _random(SelfAttention(16))
    p, x = dict(layer.named_parameters()), torch.randn(2, 16, 6, 6)
    assert p["query.weight"].shape[0] == p["key.weight"].shape[0] == 2
    query, key, value = (F.conv2d(x, p[f"{name}.weight"]) for name in ("query", "key", "value"))
    key, value = F.max_pool2d(key, 2).flatten(2), F.max_pool2d(value, 2).flatten(2)
    query = query.flatten(2)
    mixed = torch.zeros(2, 8, 36)
    for sample in range(2):
        for place in range(36):
            weights = torch.softmax(query[sample, :, place] @ key[sample], dim=0)
            mixed[sample, :, place] = value[sample] @ weights
    expected = x + p["gamma"] * F.conv2d(mixed.reshape(2, 8, 6, 6), p["out.weight"])
    torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-4)


def test_self_attention_starts_as_the_identity() -> None:
    x = torch.randn(2, 16, 6, 6)
    assert torch.equal(SelfAttention(16)(x), x)


def test_class_vectors_equal_an_embedding_and_have_its_gradient() -> None:
    vectors, labels = ClassVectors(4, 3), torch.tensor([2, 0, 2, 3])
    table = vectors.weight.detach().clone().requires_grad_()
    factor = torch.randn(4, 3)
    expected = F.embedding(labels, table)
    torch.testing.assert_close(vectors(labels), expected)
    (ours,) = torch.autograd.grad((vectors(labels) * factor).sum(), vectors.weight)
    (theirs,) = torch.autograd.grad((expected * factor).sum(), table)
    torch.testing.assert_close(ours, theirs)


def test_conditional_batch_norm() -> None:
    layer = _random(ConditionalBatchNorm2d(3, 4))
    x, labels = torch.randn(6, 3, 2, 2), torch.tensor([0, 1, 2, 3, 0, 1])
    plain = F.batch_norm(x, None, None, training=True)
    gain, shift = layer.gain.weight[labels], layer.shift.weight[labels]
    torch.testing.assert_close(layer(x, labels), plain * gain[:, :, None, None] + shift[:, :, None, None])


def test_conditional_batch_norm_starts_near_batch_norm() -> None:
    torch.manual_seed(SEED)
    layer = ConditionalBatchNorm2d(500, 4)
    assert layer.gain.weight.mean().item() == pytest.approx(1, abs=0.002)
    assert layer.gain.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert not layer.shift.weight.any()


def test_the_projection_of_a_discriminator() -> None:
    discriminator = _random(Discriminator(nn.Flatten(), 6, 4))
    x, labels = torch.randn(5, 6), torch.tensor([0, 1, 2, 3, 0])
    p = dict(discriminator.named_parameters())
    expected = x @ p["output.weight"][0] + p["output.bias"] + torch.stack(
        [p["projection.weight"][label] @ one for one, label in zip(x, labels, strict=True)]
    )  # fmt: skip
    torch.testing.assert_close(discriminator(x, labels).reshape(5), expected)


def test_the_block_of_r3gan() -> None:
    block = _random(Block(8, 2, 4, 8))
    w1, b1, w2, b2, w3 = block.parameters()
    x = torch.randn(2, 8, 5, 5)
    h = F.leaky_relu(torch.einsum("oi,bihw->bohw", w1[:, :, 0, 0], x) + b1[:, None, None], 0.2)
    groups = [F.conv2d(h[:, i : i + 4], w2[i : i + 4], padding=1) for i in range(0, 16, 4)]
    h = F.leaky_relu(torch.cat(groups, dim=1) + b2[:, None, None], 0.2)
    expected = x + torch.einsum("oi,bihw->bohw", w3[:, :, 0, 0], h)
    torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-4)


def test_resampling_of_r3gan_is_bilinear_inside() -> None:
    x = torch.randn(2, 3, 8, 8)
    up, expected = Upsample()(x), F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    torch.testing.assert_close(up[:, :, 1:-1, 1:-1], expected[:, :, 1:-1, 1:-1])
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    down = F.pad(x, (1, 1, 1, 1)).unfold(2, 4, 2).unfold(3, 4, 2)
    torch.testing.assert_close(Downsample()(x), torch.einsum("bcijhw,h,w->bcij", down, taps, taps))


def test_r3gans_generator_is_its_basis_resampled_while_its_blocks_are_the_identity() -> None:
    torch.manual_seed(SEED)
    generator = R3gan(width=16, group=8).generator((3, 16, 16))
    p, latent = dict(generator.named_parameters()), torch.randn(4, 64)
    maps = p["0.basis"] * (latent @ p["0.linear.weight"].T)[:, :, None, None]
    for _ in range(2):
        maps = Upsample()(maps)
    weight = next(value for name, value in reversed(p.items()) if value.shape[:2] == (3, 16))
    torch.testing.assert_close(generator(latent), torch.tanh(F.conv2d(maps, weight)), rtol=1e-4, atol=1e-5)


def test_r3gans_conditional_logit_is_an_inner_product() -> None:
    torch.manual_seed(SEED)
    made = R3gan(width=16, group=8, conditional=True, features=True)
    discriminator, labels = made.discriminator((3, 16, 16), 5), torch.tensor([0, 3, 4])
    p, x = dict(discriminator.named_parameters()), torch.randn(3, 3, 16, 16)
    logits, extras = discriminator(x, labels)
    expected = ((extras["features"] @ p["output.weight"].T) * p["vectors.weight"][labels]).sum(dim=1)
    torch.testing.assert_close(logits.reshape(3), expected)
