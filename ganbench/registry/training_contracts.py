"""The contracts of what trains: parts of losses, transforms, architectures, and what each of them is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn

Side = Literal["real", "fake"]
"""The two sides of a move: real samples, and what G made."""


@dataclasses.dataclass(frozen=True)
class Noise:
    """A declared draw, made anew for every move of a player: `normal` or uniform in [0, 1), float32.

    `shape` is what follows the batch dimension: numbers, "sample" for the shape of a sample, "latent" for that of a
    latent. Use `normal(...)` and `uniform(...)`.
    """

    kind: Literal["normal", "uniform"]
    shape: tuple[int, ...] | Literal["sample", "latent"] = ()


def normal(*shape: int | str) -> Noise:
    """Standard normal numbers (B, *shape): `normal(2)` is (B, 2), `normal("sample")` (B, *sample), `normal()` (B,)."""
    return Noise("normal", _noise_shape(shape))


def uniform(*shape: int | str) -> Noise:
    """Uniform numbers in [0, 1), (B, *shape): `uniform(2)` is (B, 2), `uniform()` is (B,)."""
    return Noise("uniform", _noise_shape(shape))


def _noise_shape(shape: tuple[int | str, ...]) -> tuple[int, ...] | Literal["sample", "latent"]:
    if shape == ("sample",):
        return "sample"
    if shape == ("latent",):
        return "latent"
    sides = tuple(side for side in shape if isinstance(side, int) and not isinstance(side, bool) and side > 0)
    if len(sides) < len(shape):
        raise ValueError(f"declared noise has the shape {shape!r}; write integers >= 1, or 'sample' or 'latent' alone")
    return sides


class Critic(Protocol):
    """D, and in G's move G, as a part of a loss sees them: for one seed, in one move of one player.

    Everything is computed on first access, so that what a part does not read costs nothing. B is the batch.
    """

    @property
    def real(self) -> Tensor:
        """D's logits (B,) of the real batch, through the transforms; (B / k,) if k samples are packed."""

    @property
    def fake(self) -> Tensor:
        """D's logits (B,) of the fake batch, through the transforms; (B / k,) if k samples are packed."""

    @property
    def real_samples(self) -> Tensor:
        """The real batch (B, *shape), before the transforms."""

    @property
    def fake_samples(self) -> Tensor:
        """The fake batch (B, *shape), before the transforms; G(latent)."""

    def __call__(self, x: Tensor, labels: Tensor | None = None, *, like: Side | None = None) -> Tensor:
        """Logits of any x (B, *shape), through the transforms.

        x is treated like one side of the move: the transforms use that side's draws, which all calls for it share, and
        a conditional D takes that side's labels, sample by sample, unless `labels` (B,) are given. `like` names the
        side. Without it, `real_samples` itself is real and any other x is fake, `between()` too: samples that are made
        of real ones need `like="real"`. Unconditional networks ignore labels.
        """

    def extras(self, x: Tensor, labels: Tensor | None = None, *, like: Side | None = None) -> Mapping[str, Tensor]:
        """What D returns beside its logits for any x, by name, (B, ...) each; side and labels as in `critic(x)`."""

    def between(self) -> Tensor:
        """Points (B, *shape) sampled uniformly on the lines from fake to real samples."""

    def gradient(self, x: Tensor, labels: Tensor | None = None, *, like: Side | None = None) -> Tensor:
        """The gradients d logits / d x, through the transforms, flattened to (B, D) and differentiable again.

        Side and labels as in `critic(x)`.
        """

    @property
    def real_extras(self) -> Mapping[str, Tensor]:
        """What D returns beside its logits for the real batch: features, class logits, more heads; (B, ...) each."""

    @property
    def fake_extras(self) -> Mapping[str, Tensor]:
        """What D returns beside its logits for the fake batch."""

    @property
    def real_labels(self) -> Tensor:
        """The labels (B,) int64 of the real batch, if the architecture is conditional."""

    @property
    def fake_labels(self) -> Tensor:
        """The labels (B,) int64 that G was given, drawn by the data's own frequencies."""

    @property
    def latent(self) -> Tensor:
        """The latents (B, latent) of this move."""

    def generate(self, latent: Tensor, labels: Tensor | None = None) -> Tensor:
        """G(latent): G is fixed in D's move and differentiable in G's. Without `labels`, those of this move."""

    @property
    def params(self) -> Mapping[str, Tensor]:
        """The moving player's parameters, by name, differentiable."""

    @property
    def noise(self) -> Mapping[str, Tensor]:
        """The draws that the part declares in its `noise`, by name."""

    @property
    def memory(self) -> Mapping[str, Tensor]:
        """The part's memory, as it was before this move."""


class Loss(Protocol):
    """A part of a loss. A variant's loss is the sum of its parts: one game and any number of penalties.

    `d_loss(critic)` and `g_loss(critic)` return what D and G minimize, each a scalar tensor computed from the critic
    alone. A part samples no noise, moves nothing between devices, never steps an optimizer, keeps nothing in
    attributes and never calls `.item()`. A part with both methods is a game, unless it says `game = False`; one with
    one method never is. Every field that holds a float may be given a schedule in a suite, and is then a 0-d tensor.

    Optional class attributes and methods, absent unless declared:
    `game = False`: it is added to a game.
    `log_odds = True`: of a game whose logits are log-odds of real against fake; only then are V(D, G) and the
    Jensen-Shannon estimate meaningful.
    `needs = ("features",)`: names of D's extras, or "labels"; with another architecture the combination does not apply.
    `noise = {"eps": normal("sample")}`: declared draws, which `critic.noise` holds.
    `every = 16`: computed at every 16th step only, and multiplied by 16 there; equal for all lazy parts of a sum.
    `memory(params) -> {name: tensor}`: float32 start values; `params` are D's (G's, if there is only `g_loss`).
    `remember(critic) -> {name: tensor}`: the next values, pure; called once in every move of D (of G, if there is only
    `g_loss`).
    `project(params) -> {name: tensor}`: the parameters of D to be replaced after its move.
    `pretrained = "inception-v3"`, or a tuple: pretrained networks that it shows samples to. An extractor of the same
    network (by its `backbone` or its name) is refused, because its scores would be too good.
    """


class Discriminator(Protocol):
    """D as a transform sees it: logits (B,) of samples (B, *shape), differentiable."""

    def __call__(self, x: Tensor) -> Tensor: ...


class Transform(Protocol):
    """What stands between a sample and D, in every call of D: augmentation, noise, packing, normalized gradients.

    The first transform of a variant is applied first. The gradient of a penalty is taken with respect to samples before
    the transforms, and passes through them.

    Optional: `noise`, `memory(params)` and `remember(critic)` as a part of a loss has them (`params` are D's);
    `shape(shape)`, the shape of a sample as D sees it: if it differs in the first side alone, which is k times as
    large, k samples are packed into one, and k must divide the batch; `supports(shape) -> str | None`, why samples of
    a shape cannot be transformed; `pretrained` as a part of a loss has it.
    """

    def __call__(
        self, discriminator: Discriminator, x: Tensor, noise: Mapping[str, Tensor], memory: Mapping[str, Tensor]
    ) -> Tensor:
        """D's logits of the transformed x, such as `discriminator(x + self.sigma * noise["eps"])`."""


class Architecture(Protocol):
    """A pair of networks, built under the random stream of the seed. `latent` is the dimension of the latent space.

    D may return `(logits, {name: tensor (B, ...)})`; `extras` names what it returns so. Optional: a hyperparameter
    `conditional: bool = False`; if a suite sets it, both methods are called with the number of classes as second
    argument, G is called with `(latent, labels)` and D with `(x, labels)`, labels (B,) int64. Optional: `pretrained`
    as a part of a loss has it, of the networks in D.
    """

    @property
    def latent(self) -> int: ...

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        """A module (B, latent) -> (B, *shape)."""

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        """A module (B, *shape) -> (B,) or (B, 1), logits, alone or with extras."""

    def supports(self, shape: tuple[int, ...]) -> str | None:
        """Why samples of this shape are not supported, or None if they are."""


def packed(shape: tuple[int, ...], seen: tuple[int, ...]) -> int:
    """How many samples of a shape D takes as one, if `seen` is the shape of what it sees: 1 unless they are packed.

    Packed samples stand side by side in the first dimension.
    """
    side_by_side = shape[1:] == seen[1:] and seen[0] % shape[0] == 0
    return seen[0] // shape[0] if side_by_side else 1


def is_conditional(architecture: Architecture) -> bool:
    """Whether a suite asks for networks that are given labels."""
    return bool(getattr(architecture, "conditional", False))


def generator_of(architecture: Architecture, shape: tuple[int, ...], classes: int | None) -> nn.Module:
    """The generator of samples (*shape); for so many classes, if it is given labels."""
    return architecture.generator(shape, *_known(classes))


def discriminator_of(architecture: Architecture, shape: tuple[int, ...], classes: int | None) -> nn.Module:
    """The discriminator of samples (*shape); for so many classes, if it is given labels."""
    return architecture.discriminator(shape, *_known(classes))


def _known(classes: int | None) -> tuple[int, ...]:
    return () if classes is None else (classes,)


def names_of_networks(plugin: object, member: Literal["pretrained", "backbone"]) -> tuple[str, ...]:
    """The pretrained networks that a plugin names: those in its D, or an extractor's own."""
    given = getattr(plugin, member, ())
    return (given,) if isinstance(given, str) else tuple(given)
