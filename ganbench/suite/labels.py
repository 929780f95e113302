"""What tables call a plugin, with the name of the plugin behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ganbench.errors import UsageError
from ganbench.formatting import suggestion

MAX_LABEL = 80
LABEL_FORM = f"one line of text, at most {MAX_LABEL} characters without commas"
"""What a label that a person gives must be."""
TIMES = " x "
"""Between the loss and the architecture in the title of a variant."""


def may_be_label(text: str) -> bool:
    """Whether a text has the form of a label."""
    return bool(text) and len(text) <= MAX_LABEL and text.isprintable() and "," not in text


@dataclass(frozen=True)
class Label:
    """What one suite calls an entry, such as `r1(gamma=1)`, and the name behind it: `r1`, of a sum `rpgan + r1`.

    `given` says that the suite itself gives the text.
    """

    text: str
    name: str
    given: bool = False


def picked(labels: Iterable[Label], name: str) -> list[Label]:
    """The labels that a person means by a name, each once: the one whose text it is, else all with this plugin's name.

    So `ring8` is the plain one beside `ring8(subset=100)`, and without that all of them. A label that the suite gives
    replaces the plugin's name. Spaces around the pluses of a sum do not matter.
    """
    known = list(dict.fromkeys(labels))
    own = [one for one in known if not one.given]
    return (
        [one for one in known if one.text == name]
        or [one for one in own if _spaced(one.text) == _spaced(name)]
        or [one for one in own if _spaced(one.name) == _spaced(name)]
    )


def only(labels: Iterable[Label], name: str, unknown: str) -> Label:
    """The one label that a person means by a name.

    Raises `UsageError` if there are several, and with a sentence that begins with `unknown` if there is none.
    """
    known = list(labels)
    found = picked(known, name)
    texts = list(dict.fromkeys(one.text for one in found))
    if len(texts) > 1:
        raise UsageError(f"{name!r} names {len(texts)} entries: write one of {', '.join(texts)}")
    if not found:
        raise UsageError(f"{unknown} {name!r}{suggestion(name, list({one.text: None for one in known}))}")
    return found[0]


def sum_text(names: Iterable[str]) -> str:
    """The parts of a sum in one text: `rpgan + r1 + r2`."""
    return " + ".join(names)


def with_transforms(loss: str, transforms: Iterable[str]) -> str:
    """A loss and the transforms before D in one text: `hinge with flip, packing`."""
    through = ", ".join(transforms)
    return f"{loss} with {through}" if through else loss


def _spaced(name: str) -> str:
    return sum_text(part.strip() for part in name.split("+"))


@dataclass(frozen=True)
class Variant:
    """A loss and an architecture: what a row of a table compares."""

    loss: Label
    architecture: Label

    @property
    def title(self) -> str:
        """`minimax x mlp`."""
        return variant_title(self.loss.text, self.architecture.text)

    @property
    def texts(self) -> tuple[str, str]:
        """The labels' texts."""
        return self.loss.text, self.architecture.text


def picked_variants(variants: Iterable[Variant], name: str) -> list[Variant]:
    """The variants that a person means by a name, each once: one in full, or all of a loss or an architecture."""
    known = list(dict.fromkeys(variants))
    losses, architectures = (picked(labels, name) for labels in _sides(known))
    return in_full(known, name) or [
        one for one in known if one.loss in losses or one.architecture in architectures
    ]  # fmt: skip


def in_full(variants: Iterable[Variant], name: str) -> list[Variant]:
    """The variants that a person means by `loss x architecture`, each once; a label may hold ` x ` itself."""
    known = list(dict.fromkeys(variants))
    whole = [one for one in known if one.title == name]
    if whole:
        return whole
    words = name.split(TIMES)
    for cut in range(1, len(words)):
        names = TIMES.join(words[:cut]), TIMES.join(words[cut:])
        losses, architectures = (picked(*pair) for pair in zip(_sides(known), names, strict=True))
        found = [one for one in known if one.loss in losses and one.architecture in architectures]
        if found:
            return found
    return []


def _sides(known: list[Variant]) -> tuple[list[Label], list[Label]]:
    return [one.loss for one in known], [one.architecture for one in known]


def variant_title(loss: str, architecture: str) -> str:
    """The title of a variant by its labels' texts: `minimax x mlp`."""
    return f"{loss}{TIMES}{architecture}"


@dataclass(frozen=True)
class Combination:
    """One variant on one dataset."""

    variant: Variant
    dataset: Label

    @property
    def labels(self) -> tuple[Label, Label, Label]:
        """The labels of loss, architecture and dataset."""
        return self.variant.loss, self.variant.architecture, self.dataset

    @property
    def texts(self) -> tuple[str, str, str]:
        """The labels' texts, in the same order."""
        loss, architecture, dataset = self.labels
        return loss.text, architecture.text, dataset.text

    @property
    def title(self) -> str:
        """`minimax x mlp x ring8`."""
        return f"{self.variant.title} x {self.dataset.text}"
