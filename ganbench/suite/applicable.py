"""Whether a loss is a sum that can be trained, and why a combination of plugins does not apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ganbench.registry.contracts import Dataset, FeatureExtractor
from ganbench.registry.training_contracts import (
    Architecture,
    Loss,
    Transform,
    is_conditional,
    names_of_networks,
    packed,
)
from ganbench.suite.labels import sum_text

Shape = tuple[int, ...]


def is_game(part: Loss) -> bool:
    """Whether a part of a loss is a game: it has both methods and does not say `game = False`."""
    both = all(callable(getattr(part, method, None)) for method in ("d_loss", "g_loss"))
    return both and bool(getattr(part, "game", True))


def wrong_sum(parts: Mapping[str, Loss]) -> str | None:
    """Why the parts, by name and in order, are no loss; None if they are one."""
    games = [name for name, part in parts.items() if is_game(part)]
    if not games:
        what = "is added to a game" if len(parts) == 1 else "are added to a game"
        return f"{sum_text(parts)} {what}, as in {sum_text(['GAME', *parts])}"
    if len(games) > 1:
        hint = "a penalty of both players needs game = False"
        return f"{' and '.join(games)} are games of their own, and a sum has exactly one; {hint}"
    if next(iter(parts)) != games[0]:
        rest = [name for name in parts if name != games[0]]
        return f"the game comes first: write {sum_text([games[0], *rest])}"
    return _wrong_every(parts)


def _wrong_every(parts: Mapping[str, Loss]) -> str | None:
    """Whether the lazy parts of a sum agree on when they are computed."""
    every = {name: getattr(part, "every", 1) for name, part in parts.items()}
    for name, value in every.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            return f"{name}: 'every' must be an integer >= 1, got {value!r}"
    lazy = {name: value for name, value in every.items() if value > 1}
    if len(set(lazy.values())) > 1:
        said = ", ".join(f"{name} every {value} steps" for name, value in lazy.items())
        return f"the lazy parts of a sum are computed at the same steps, not {said}"
    return None


def repeated(names: list[str]) -> str | None:
    """The first name that occurs twice, or None."""
    return next((name for name, count in Counter(names).items() if count > 1), None)


def lacking(
    parts: Mapping[str, Loss],
    transforms: Mapping[str, Transform],
    networks: tuple[str, Architecture],
    dataset: tuple[str, Dataset],
) -> str | None:
    """Why a combination of plugins, each with its name, does not apply; None if it does."""
    (network, architecture), (of, data) = networks, dataset
    shape = tuple(data.shape)
    reason = architecture.supports(shape)
    if reason:
        return reason
    if is_conditional(architecture) and getattr(data, "classes", None) is None:
        return f"{network} is conditional, and {of} has no classes"
    return _lacking_needs(parts, architecture, network) or _lacking_shape(transforms, architecture, shape)


def uneven(transforms: Mapping[str, Transform], dataset: Dataset, batch: int) -> str | None:
    """Why a batch cannot be packed as the transforms, by name and in order, pack its samples; None if it can."""
    shape, together, packing = tuple(dataset.shape), 1, []
    for name, transform in transforms.items():
        seen = _seen(transform, shape)
        if packed(shape, seen) > 1:
            together *= packed(shape, seen)
            packing.append(name)
        shape = seen
    if batch % together == 0:
        return None
    take = "takes" if len(packing) == 1 else "together take"
    return (
        f"{' and '.join(packing)} {take} {together} samples as one, so that train.batch must be a multiple of "
        f"{together}, got {batch}"
    )


def _seen(transform: Transform, shape: Shape) -> Shape:
    """The shape of a sample behind a transform."""
    return tuple(getattr(transform, "shape", lambda same: same)(shape))


def _lacking_needs(parts: Mapping[str, Loss], architecture: Architecture, network: str) -> str | None:
    extras = tuple(getattr(architecture, "extras", ()))
    conditional = is_conditional(architecture)
    for name, part in parts.items():
        for need in getattr(part, "needs", ()):
            if need == "labels" and not conditional:
                return f"{name} needs labels, and {network} is not conditional"
            if need not in ("labels", *extras):
                given = f"gives {', '.join(extras)} alone" if extras else "gives logits alone"
                return f"{name} needs {need} from D, and {network} {given}"
    return None


def _lacking_shape(transforms: Mapping[str, Transform], architecture: Architecture, shape: Shape) -> str | None:
    """Whether each transform takes the samples that reach it, and D those that it sees."""
    before = shape
    for name, transform in transforms.items():
        reason = getattr(transform, "supports", lambda _: None)(shape)
        if reason:
            return f"{name}: {reason}"
        seen = _seen(transform, shape)
        if packed(shape, seen) > 1 and is_conditional(architecture):
            return f"{name} makes one sample of several, which have no label in common for a conditional D"
        shape = seen
    reason = architecture.supports(shape) if shape != before else None
    return f"D would see samples of shape {shape}: {reason}" if reason else None


def leaking(plugins: Mapping[str, Mapping[str, object]], extractor: tuple[str, FeatureExtractor]) -> str | None:
    """Why an extractor, with its name, cannot score what plugins (by kind and name) train; None if it can.

    It cannot if D contains its network: G then learns to please the network that its samples are measured by.
    """
    name, made = extractor
    own = {name, *names_of_networks(made, "backbone")}
    for kind, some in plugins.items():
        for plugin, one in some.items():
            for network in names_of_networks(one, "pretrained"):
                if network in own:
                    return (
                        f"extractor {name!r} is the network {network!r} that {kind} {plugin!r} has in its D, so that "
                        "its scores would be too good; choose an extractor of another network"
                    )
    return None
