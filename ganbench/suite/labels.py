"""What tables call a plugin, with the name of the plugin behind it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Label:
    """A plugin's label in one suite, such as `rpgan(gamma=1)`, and the plugin's name, `rpgan`."""

    text: str
    name: str

    def answers_to(self, name: str) -> bool:
        """Whether a person who writes this name means the label."""
        return name in (self.text, self.name)


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
