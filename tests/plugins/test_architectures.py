"""The architectures: shapes, ranges, extras, labels, initial weights, sizes of the published networks, messages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import sqrt
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.engine.networks import check_stateless, initial
from ganbench_architectures import register_architectures
from ganbench_architectures.cnn32 import Cnn32
from ganbench_architectures.dcgan import Dcgan
from ganbench_architectures.mlp import Mlp
from ganbench_architectures.r3gan import R3gan, R3ganTiny
from ganbench_architectures.resnet import Resnet

CLASSES = 5
PAIRS: list[tuple[str, dict[str, Any], list[tuple[int, ...]]]] = [
    ("mlp", {"width": 8}, [(2,), (7,), (1, 5, 6), (3, 8, 8)]),
    ("mlp", {"width": 8, "norm_g": "batch", "norm_d": "layer", "spectral_norm": "both", "activation": "silu"}, [(2,)]),
    ("dcgan", {"width": 4}, [(1, side, side) for side in (8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64)]),
    ("dcgan", {"width": 4, "norm_d": "batch", "spectral_norm": "both", "init": "paper"}, [(3, 28, 28)]),
    ("cnn32", {"width": 2}, [(3, 32, 32), (1, 48, 48), (3, 64, 64)]),
    ("cnn32", {"width": 2, "network": "sngan", "spectral_norm": "d"}, [(3, 32, 32), (1, 48, 48), (3, 64, 64)]),
    ("resnet", {"width": 2}, [(1, 16, 16), (3, 32, 32), (3, 48, 48), (3, 64, 64)]),
    ("resnet", {"width": 2, "attention": True, "spectral_norm": "both", "upsample": "bilinear"}, [(3, 32, 32)]),
    ("resnet", {"width": 2, "attention": True, "spectral_norm": "none", "pool": "mean"}, [(3, 48, 48), (3, 64, 64)]),
    ("r3gan", {"width": 16, "group": 8}, [(1, 8, 8), (3, 16, 16), (3, 32, 32), (3, 64, 64)]),
    ("r3gan-tiny", {}, [(3, 32, 32), (3, 64, 64)]),
]
CASES = [pytest.param(name, values, shape, id=f"{name}-{len(values)}-{shape}") for name, values, of in PAIRS
         for shape in of]  # fmt: skip
CONDITIONAL = [pytest.param(name, values, of[0], id=f"{name}-{len(values)}") for name, values, of in PAIRS]


def _made(name: str, values: dict[str, Any]) -> Any:
    return register_architectures()[name](**values)


def _parts(made: object) -> tuple[Tensor, dict[str, Tensor]]:
    """What D returned, as logits and extras."""
    if isinstance(made, tuple):
        return made
    assert isinstance(made, Tensor)
    return made, {}


@pytest.mark.parametrize(("name", "values", "shape"), CASES)
def test_shapes_and_ranges(name: str, values: dict[str, Any], shape: tuple[int, ...]) -> None:
    made = _made(name, values)
    assert made.supports(shape) is None
    torch.manual_seed(0)
    generator, discriminator = made.generator(shape), made.discriminator(shape)
    samples = generator(5 * torch.randn(6, made.latent))
    assert samples.shape == (6, *shape)
    if len(shape) > 1:
        assert samples.abs().max() <= 1
    logits, extras = _parts(discriminator(samples))
    assert logits.reshape(6).isfinite().all()
    assert not extras
    assert made.extras == ()


@pytest.mark.parametrize(("name", "values", "shape"), CONDITIONAL)
def test_every_sample_depends_on_its_own_label(name: str, values: dict[str, Any], shape: tuple[int, ...]) -> None:
    """In evaluation, where batch norm does not join the samples."""
    made = _made(name, {**values, "conditional": True})
    torch.manual_seed(0)
    generator, discriminator = made.generator(shape, CLASSES).eval(), made.discriminator(shape, CLASSES).eval()
    latent, labels = torch.randn(4, made.latent), torch.tensor([0, 1, 2, 3])
    other = torch.tensor([0, 1, 2, 4])
    with torch.no_grad():
        samples, changed = generator(latent, labels), generator(latent, other)
        assert samples.shape == (4, *shape)
        torch.testing.assert_close(changed[:3], samples[:3])
        assert not torch.equal(changed[3], samples[3])
        logits, changed = (_parts(discriminator(samples, one))[0].reshape(4) for one in (labels, other))
    torch.testing.assert_close(changed[:3], logits[:3])
    assert changed[3] != logits[3]


@pytest.mark.parametrize(("name", "values", "shape"), CONDITIONAL)
@pytest.mark.parametrize("conditional", [False, True])
def test_a_network_is_its_parameters_buffers_and_input(
    name: str, values: dict[str, Any], shape: tuple[int, ...], conditional: bool
) -> None:
    """Built for two seeds, it gives the same if parameters and buffers are the same."""
    made = _made(name, {**values, "conditional": conditional})
    classes, labels = ((CLASSES,), (torch.tensor([0, 4]),)) if conditional else ((), ())
    modules = []
    for which, shaped in (("generator", (made.latent,)), ("discriminator", shape)):
        x = torch.randn(2, *shaped)
        build = partial(getattr(made, which), shape, *classes)
        pair = [initial(build, seed, which)[0] for seed in (0, 1)]
        pair[1].load_state_dict(pair[0].state_dict())
        outputs = [one.eval()(x, *labels) for one in pair]
        assert torch.equal(outputs[0], outputs[1])
        modules += pair
        check_stateless(build, (x, *labels), which)
    assert all(parameter.dtype == torch.float32 for module in modules for parameter in module.parameters())


@pytest.mark.parametrize("name", ["mlp", "dcgan", "cnn32", "resnet"])
def test_features_and_class_logits_are_extras(name: str) -> None:
    made = _made(name, {"width": 4, "conditional": True, "class_head": True, "features": True})
    shape = (3, 32, 32)
    discriminator: Any = made.discriminator(shape, CLASSES)
    x = torch.randn(4, *shape)
    logits, extras = _parts(discriminator.eval()(x, torch.tensor([0, 1, 2, 3])))
    assert tuple(extras) == made.extras == ("class_logits", "features")
    assert extras["class_logits"].shape == (4, CLASSES)
    torch.testing.assert_close(discriminator.output(extras["features"]), logits)
    again, _ = _parts(discriminator(x, torch.tensor([4, 4, 4, 4])))
    torch.testing.assert_close(again, logits)  # it classifies; the label does not enter


def test_r3gan_returns_its_features() -> None:
    made = R3gan(width=16, group=8, features=True)
    discriminator: Any = made.discriminator((3, 16, 16))
    logits, extras = _parts(discriminator(torch.randn(3, 3, 16, 16)))
    assert made.extras == ("features",)
    torch.testing.assert_close(discriminator.output(extras["features"]), logits)


@pytest.mark.parametrize("shape", [(2,), (1, 4, 4)])
@pytest.mark.parametrize("error", ["absolute", "squared"])
def test_an_autoencoder_scores_by_its_reconstruction(shape: tuple[int, ...], error: str) -> None:
    made = Mlp(autoencoder=True, code=3, error=error)
    x = torch.randn(6, *shape)
    logits, extras = _parts(made.discriminator(shape)(x))
    assert tuple(extras) == made.extras == ("reconstruction", "code")
    assert extras["code"].shape == (6, 3)
    assert extras["reconstruction"].shape == x.shape
    difference = (extras["reconstruction"] - x).abs() ** (1 if error == "absolute" else 2)
    torch.testing.assert_close(logits.reshape(6), torch.stack([-one.sum() / one.numel() for one in difference]))


def test_the_default_networks_begin_as_they_always_did() -> None:
    """Layer by layer in the order in which the first version made them, so that a seed has the same weights."""
    torch.manual_seed(3)
    layers: list[nn.Module] = [nn.Linear(2, 64), nn.Linear(64, 64), nn.Linear(64, 64), nn.Linear(64, 2)]
    torch.manual_seed(3)
    assert _same(layers, Mlp().generator((2,)))
    torch.manual_seed(4)
    layers = [nn.Conv2d(3, 64, 4), nn.Conv2d(64, 128, 4), nn.Conv2d(128, 256, 4), nn.Linear(4096, 1)]
    torch.manual_seed(4)
    assert _same(layers, Dcgan().discriminator((3, 32, 32)))
    torch.manual_seed(5)
    layers = [nn.Linear(64, 2048), nn.BatchNorm2d(128), nn.ConvTranspose2d(128, 64, 4, bias=False), nn.BatchNorm2d(64),
              nn.ConvTranspose2d(64, 1, 4)]  # fmt: skip
    torch.manual_seed(5)
    assert _same(layers, Dcgan().generator((1, 16, 16)))


def _same(layers: list[nn.Module], module: nn.Module) -> bool:
    ours, theirs = list(module.parameters()), [p for layer in layers for p in layer.parameters()]
    return len(ours) == len(theirs) and all(map(torch.equal, ours, theirs))


PUBLISHED = [
    # The networks of pytorch-gan-collections at commit 860e90b, mimicry at a7fda06 and R3GAN at 19a7ddf, counted there.
    (Cnn32(), (3, 32, 32), 0, 11_429_632, 4_309_441),
    (Cnn32(network="sngan"), (3, 32, 32), 0, 3_584_003, 5_860_865),
    (Resnet(spectral_norm="none"), (3, 32, 32), 0, 4_276_739, 1_053_825),
    (Resnet(spectral_norm="none"), (3, 48, 48), 0, 4_878_083, 10_141_441),
    (Resnet(spectral_norm="none"), (3, 64, 64), 0, 12_220_675, 10_141_441),
    (Resnet(spectral_norm="none", conditional=True), (3, 32, 32), 10, 4_304_387, 1_053_825 + 10 * 128),
    (R3gan(conditional=True), (3, 32, 32), 10, 20_781_952, 21_280_512),
    (R3gan(), (3, 64, 64), 0, 22_429_824, 22_381_440),
    (R3gan(), (3, 256, 256), 0, 23_057_952, 23_009_568),
]


@pytest.mark.parametrize(("made", "shape", "classes", "of_g", "of_d"), PUBLISHED)
def test_the_published_networks_have_their_sizes(
    made: Any, shape: tuple[int, ...], classes: int, of_g: int, of_d: int
) -> None:
    with torch.device("meta"):
        pair = [build(shape, *([classes] if classes else [])) for build in (made.generator, made.discriminator)]
    assert [sum(p.numel() for p in network.parameters()) for network in pair] == [of_g, of_d]


def test_the_initialization_of_dcgan() -> None:
    torch.manual_seed(0)
    for network in (Dcgan(init="paper").generator((3, 32, 32)), Dcgan(init="paper").discriminator((3, 32, 32))):
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:
                assert parameter.std().item() == pytest.approx(0.02, rel=0.1), name
                assert abs(parameter.mean().item()) < 0.002
            elif name.endswith("bias"):
                assert not parameter.any(), name
            else:
                assert parameter.mean().item() == pytest.approx(1, abs=0.01)
                assert parameter.std().item() == pytest.approx(0.02, rel=0.4)
    weight = Dcgan().discriminator((3, 32, 32)).get_parameter("body.2.weight")  # torch's: uniform to 1 / sqrt(fan in)
    assert weight.abs().max().item() == pytest.approx(1 / sqrt(64 * 16), rel=0.01)


@pytest.mark.parametrize("build", [Cnn32.generator, Cnn32.discriminator])
def test_the_initialization_of_sngans_cnn(build: Callable[[Cnn32, tuple[int, ...]], nn.Module]) -> None:
    torch.manual_seed(0)
    for name, parameter in build(Cnn32(network="sngan"), (3, 32, 32)).named_parameters():
        if parameter.dim() > 1:
            assert parameter.std().item() == pytest.approx(0.02, rel=0.1), name
        else:
            assert set(parameter.tolist()) <= {0.0, 1.0}, name


def test_the_initialization_of_resnet_is_xaviers() -> None:
    torch.manual_seed(0)
    made = Resnet(spectral_norm="none")
    for network in (made.generator((3, 32, 32)), made.discriminator((3, 32, 32))):
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:
                field = parameter[0, 0].numel()
                gain = sqrt(2) if "conv" in name else 1
                expected = gain * sqrt(2 / (field * sum(parameter.shape[:2])))
                assert parameter.std().item() == pytest.approx(expected, rel=0.15), name
            elif "bias" in name:
                assert not parameter.any(), name


def test_the_initialization_of_r3gan() -> None:
    """A block starts as the identity; other layers keep the variance, smaller by the number of blocks (8)."""
    torch.manual_seed(0)
    made = R3gan(width=128)
    generator = made.generator((3, 32, 32))
    stds = {name: parameter.std().item() for name, parameter in generator.named_parameters() if parameter.dim() > 1}
    gain = sqrt(2 / 1.04) / 8**0.25
    assert stds["0.basis"] == pytest.approx(1, rel=0.1)
    assert stds["0.linear.weight"] == pytest.approx(1 / sqrt(64), rel=0.1)
    assert stds["1.branch.0.weight"] == pytest.approx(gain / sqrt(128), rel=0.05)
    assert stds["1.branch.2.weight"] == pytest.approx(gain / sqrt(16 * 9), rel=0.05)
    assert [name for name, std in stds.items() if std == 0] == [n for n in stds if n.endswith("branch.4.weight")]
    x = torch.randn(2, 128, 4, 4)
    assert torch.equal(generator.get_submodule("1")(x), x)


@pytest.mark.parametrize(
    ("made", "shape", "words"),
    [
        (Dcgan(), (2,), "2-D points"),
        (Dcgan(), (1, 6, 6), "8 pixels and more"),
        (Dcgan(), (1, 9, 9), "not 9x9"),
        (Dcgan(), (1, 18, 18), "halves to 3 to 8"),
        (Dcgan(), (1, 16, 32), "not 16x32"),
        (Cnn32(), (3, 28, 28), "32x32, 48x48 and 64x64, not 28x28"),
        (Cnn32(), (3,), "3-D points"),
        (Resnet(), (1, 28, 28), "16x16, 32x32, 48x48 and 64x64, not 28x28"),
        (Resnet(), (2,), "2-D points"),
        (R3gan(), (1, 28, 28), "not 28x28"),
        (R3gan(), (2,), "2-D points"),
        (R3gan(width=24), (3, 64, 64), "the last stage is 12 wide"),
    ],
)
def test_what_is_not_supported_is_said(made: Any, shape: tuple[int, ...], words: str) -> None:
    assert words in made.supports(shape)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Mlp(width=0), "must be >= 1"),
        (lambda: Mlp(norm_g="group"), "norm_g must be one of none, batch, layer, got 'group'"),
        (lambda: Mlp(spectral_norm="g"), "spectral_norm must be one of none, d, both, got 'g'"),
        (lambda: Mlp(autoencoder=True, conditional=True), "no head for labels"),
        (lambda: Mlp(class_head=True), "conditional: true"),
        (lambda: Dcgan(init="normal"), "init must be one of torch, paper, got 'normal'"),
        (lambda: Dcgan(class_head=True), "conditional: true"),
        (lambda: Cnn32(network="wgan"), "network must be one of dcgan, sngan, got 'wgan'"),
        (lambda: Resnet(pool="max"), "pool must be one of sum, mean, got 'max'"),
        (lambda: Resnet(latent=0), "must be >= 1"),
        (lambda: R3gan(width=20), "multiple of group"),
        (lambda: R3ganTiny(blocks=0), "must be >= 1"),
    ],
)
def test_hyperparameters_that_do_not_fit_are_refused(build: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build()
