"""`ganbench train-extractor`: train a small classifier of a dataset's images, to be the extractor of its scores."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.api.extractors import LEAST_ACCURACY, ExtractorSettings, train_extractor
from ganbench.cli.options import plugin_option
from ganbench.cli.progress_bar import progress_bar
from ganbench.errors import UsageError, printable
from ganbench.suite.yaml import Problems, parse


@click.command("train-extractor")
@click.argument("dataset")
@click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE",
    help="A hyperparameter of the dataset, for example root=pictures; can be repeated.",
)  # fmt: skip
@click.option("--name", metavar="NAME", help="The extractor's name.  [default: DATASET-classifier]")
@click.option(
    "--to", "place", type=click.Path(path_type=Path), metavar="FILE.safetensors",
    help="Write it to this file instead of the user's folder.",
)  # fmt: skip
@click.option(
    "--accuracy", type=click.FloatRange(0, 1), default=LEAST_ACCURACY, show_default=True,
    help="The least share of the test images that it must name correctly.",
)  # fmt: skip
@click.option(
    "--epochs", type=click.IntRange(min=1), metavar="N",
    help="How often each training image is shown; by default as often as makes 600,000 images, at most 200 times.",
)  # fmt: skip
@click.option(
    "--shift", type=click.IntRange(min=0), default=0, show_default=True, metavar="PIXELS",
    help="Move training images by up to so many pixels: for few images of things that need not be centered.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of weights, order and noise.")
@click.option("--force", is_flag=True, help="Replace an extractor of that name, or the file.")
@plugin_option
def command(
    dataset: str,
    sets: tuple[str, ...],
    name: str | None,
    place: Path | None,
    accuracy: float,
    epochs: int | None,
    shift: int,
    seed: int,
    force: bool,
    plugins: tuple[Path, ...],
) -> int:
    """Train a small classifier on the labeled images of DATASET, and keep it as a feature extractor.

    The training split is trained on, minutes for 60,000 images of 32x32, on one core. The test split decides: a
    classifier that names less of it than --accuracy is not kept. A kept one is an extractor like any other, for
    `evaluation: {extractor: NAME}` in a suite. Its file holds its weights and how they were made; it lies in
    `extractors` in the cache folder. The same data, settings, software and machine give the same file.

    Exit code: 0 it is kept, 1 it is not accurate enough, 2 wrong usage or a dataset that cannot be classified, 3 its
    data are not on this machine.
    """
    params = dict(map(_setting, sets))
    settings = ExtractorSettings(params, name, place, accuracy, epochs or 0, shift, seed, force, plugins)
    with progress_bar() as report:
        stored = train_extractor(dataset, settings, report)
    click.echo(printable(f"{stored.path}: {stored.card.about}"))
    click.echo(f"SHA-256 of its weights: {stored.card.weights}")
    if stored.entry:
        click.echo(printable(f"in a suite: evaluation: {{extractor: {stored.entry}}}"))
    return 0


def _setting(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--set {text!r} is not of the form root=pictures")
    return key.strip(), parse(value, Problems(f"--set {text}")).plain()
