"""Trains a classifier of a dataset's images, and keeps it as a feature extractor."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganbench._version import __version__
from ganbench.classifier.extractors import TrainedExtractor
from ganbench.classifier.weight_file import ENDING, Card, write_file
from ganbench.errors import ContractError, GanbenchError, UsageError
from ganbench.files import extractors_folder
from ganbench.registry.discovery import is_plugin_name
from ganbench.registry.fingerprints import fingerprint
from ganbench.registry.preparing import prepare_plugin
from ganbench.registry.registry import Registry

if TYPE_CHECKING:
    from ganbench.classifier.network import ClassifierNet
    from ganbench.classifier.training import Recipe
    from ganbench.registry.choice import Choice
    from ganbench.registry.contracts import Data, Dataset

LEAST_ACCURACY = 0.9
LEAST_OF_A_CLASS = 10
"""Training images of each class, without which nothing is trained."""
LEAST_HELD_OUT = 50
"""Test images, without which an accuracy says nothing."""

OnProgress = Callable[[int, int, str], None]
"""Called with how many epochs are done, of how many, and what is being done."""


class InaccurateError(GanbenchError):
    """A classifier names fewer of the held-out images than it must."""

    exit_code = 1


@dataclass(frozen=True)
class ExtractorSettings:
    """How a classifier is trained and where it is kept.

    `params` are hyperparameters of the dataset. `accuracy` is the least share of test images that it must name.
    `epochs` 0 is as many as show 600,000 images, at most 200; `shift` is how many pixels they are moved at most. It is
    kept in the user's folder under `name` (by default the dataset's with `-classifier`), or in the file `to`; `force`
    replaces what is there.
    """

    params: Mapping[str, object] = field(default_factory=dict)
    name: str | None = None
    to: Path | None = None
    accuracy: float = LEAST_ACCURACY
    epochs: int = 0
    shift: int = 0
    seed: int = 0
    force: bool = False
    plugins: tuple[Path, ...] = ()


@dataclass(frozen=True)
class StoredExtractor:
    """A trained extractor: its file, its card, and how a suite names it."""

    path: Path
    card: Card
    entry: str


def train_extractor(
    dataset: str, settings: ExtractorSettings = ExtractorSettings(), report: OnProgress = lambda *_: None
) -> StoredExtractor:
    """Train a classifier on the training split of a dataset of labeled images, and keep it if it is accurate enough.

    The same data, settings, software and machine give the same bits. Raises `UsageError` for a dataset without labels
    or images, with too few of them, or a name that is taken; `MissingError` if its data are not there;
    `InaccurateError`, with nothing stored, if it names less of the test split than it must.
    """
    from ganbench.classifier.training import Recipe, accuracy, train_classifier

    registry = Registry.load(settings.plugins)
    path, entry = _target(dataset, settings, registry)
    choice = registry.choose("dataset", dataset, settings.params)
    made = registry.create("dataset", choice)
    training, test, classes = _labeled(dataset, made, registry.subset(choice))
    recipe = Recipe(epochs=settings.epochs, shift=settings.shift, seed=settings.seed)
    recipe = replace(recipe, epochs=recipe.epochs_for(len(training.samples)))
    net = train_classifier(
        training, classes, recipe, lambda done, total, loss: report(done, total, f"epoch (loss {loss:.3f})")
    )
    found = accuracy(net, test)
    if found < settings.accuracy:
        raise InaccurateError(_inaccurate(dataset, found, len(test.samples), settings, recipe))
    card = _card(choice, net, recipe, (fingerprint(made, dataset), len(training.samples), len(test.samples), found))
    return StoredExtractor(path, write_file(path, net, card), entry)


def _target(dataset: str, settings: ExtractorSettings, registry: Registry) -> tuple[Path, str]:
    """The file to be written, and the extractor as a suite names it. Raises `UsageError` if it may not be written."""
    if settings.to is not None:
        if settings.name is not None:
            raise UsageError("give a name or a file, not both: a file is named by its path")
        if settings.to.suffix != ENDING:
            raise UsageError(f"{settings.to}: the file must end in {ENDING}")
        path, entry = settings.to, _by_file(settings.to, registry)
    else:
        name = settings.name or f"{dataset}-classifier"
        if not is_plugin_name(name):
            raise UsageError(f"the name may contain only letters, digits, '-', '_' and '.', got {name!r}")
        path, entry = extractors_folder() / f"{name}{ENDING}", name
        if name in registry.names("extractor") and not path.exists():
            other = registry.offers("extractor")[name][0].source
            raise UsageError(f"there is an extractor {name!r} already, of {other}; choose another with --name")
    if path.exists() and not settings.force:
        raise UsageError(f"{path} exists; --force replaces it, --name or --to keeps both")
    return path, entry


def _by_file(path: Path, registry: Registry) -> str:
    """An extractor of this file as a suite names it: that of the first plugin that reads any such file."""
    offers = (offer for name in registry.names("extractor") for offer in registry.offers("extractor")[name])
    able = (one.name for one in offers if issubclass(one.thing, TrainedExtractor) and "weights" in one.fields())
    return next((f"{{{name}: {{weights: {path}}}}}" for name in able), "")


def _labeled(name: str, dataset: Dataset, subset: int) -> tuple[Data, Data, int]:
    """Both splits, the training split cut to a subset, and the number of classes.

    Raises `UsageError` if a classifier cannot be trained on them.
    """
    from ganbench.evaluation.data_contract import check_data
    from ganbench.evaluation.splits import Splits

    if len(dataset.shape) != 3:
        raise UsageError(f"dataset {name!r} holds samples of shape {tuple(dataset.shape)}, which are no images")
    prepare_plugin("dataset", name, dataset)
    checked = check_data(name, dataset)
    if checked.problems:
        raise ContractError("\n".join(checked.problems))
    splits = Splits(dataset, subset)
    training, test = splits.training, splits.load("test")
    if training.labels is None or test.labels is None:
        raise UsageError(
            f"dataset {name!r} has no labels; a classifier needs the class of each image, for example by a folder for "
            "each class"
        )
    classes = int(getattr(dataset, "classes", None) or dataset.modes or 0)
    if classes < 2:
        raise UsageError(f"dataset {name!r} has {classes} classes; a classifier needs two or more")
    fewest, rarest = training.labels.bincount(minlength=classes).min(dim=0)
    if fewest < LEAST_OF_A_CLASS:
        few = f"{int(fewest)} training images of class {int(rarest)}"
        raise UsageError(f"dataset {name!r} has {few}; a classifier needs at least {LEAST_OF_A_CLASS} of each class")
    if len(test.samples) < LEAST_HELD_OUT:
        few = f"{len(test.samples)} test images"
        raise UsageError(
            f"dataset {name!r} has {few}; at least {LEAST_HELD_OUT} must be held out for the accuracy: hold out more, "
            "of a folder by `--set test_share=0.2`"
        )
    return training, test, classes


def _inaccurate(dataset: str, found: float, count: int, settings: ExtractorSettings, recipe: Recipe) -> str:
    share = int(found * 1000) / 1000
    return (
        f"the classifier of {dataset!r} names {found:.2%} of {count:,} held-out images correctly, less than "
        f"{settings.accuracy:.2%}; nothing is stored: train longer with --epochs (now {recipe.epochs}), or accept it "
        f"with --accuracy {share:g}"
    )


def _card(choice: Choice, net: ClassifierNet, recipe: Recipe, facts: tuple[str, int, int, float]) -> Card:
    import torch

    content, trained_on, held_out, found = facts
    sets = (f" --set {shlex.quote(f'{key}={value}')}" for key, value in choice.params.items())
    options = [f"--{key} {getattr(recipe, key)}" for key in ("epochs", "shift", "seed")]
    return Card(
        dataset=choice.name,
        hyperparameters=choice.identity()["params"],  # type: ignore[arg-type]
        content=content,
        shape=net.shape,
        classes=net.classes,
        training_images=trained_on,
        test_images=held_out,
        accuracy=found,
        recipe=asdict(recipe),
        software={"ganbench": __version__, "python": platform.python_version(), "torch": torch.__version__},
        command=f"ganbench train-extractor {choice.name}{''.join(sets)} {' '.join(options)}",
    )
