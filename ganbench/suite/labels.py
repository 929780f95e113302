"""What tables call a plugin, with the name of the plugin behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MAX_LABEL = 80
LABEL_FORM = f"one line of text, at most {MAX_LABEL} characters without commas"
"""What a label that a person gives must be."""


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

    def answers_to(self, name: str) -> bool:
        """Whether a person who writes this name means the label; a label that the suite gives replaces the name."""
        return name == self.text or (not self.given and _spaced(name) == _spaced(self.name))


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


def variant_title(loss: str, architecture: str) -> str:
    """The title of a variant by its labels' texts: `minimax x mlp`."""
    return f"{loss} x {architecture}"


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
