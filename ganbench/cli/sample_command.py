"""`ganbench sample`: draw samples from a trained generator, and write them to files."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.api.sampling import DEFAULT_COUNT, SampleSettings, sample
from ganbench.cli.options import plugin_option, results_option
from ganbench.errors import printable


@click.command("sample")
@click.argument("run")
@click.option("--n", type=click.IntRange(min=1), metavar="N", help=f"Number of samples.  [default: {DEFAULT_COUNT}]")
@click.option(
    "--to",
    "place",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE.npz|DIR",
    help="An .npz file, which is replaced, or a new folder for PNG images.",
)
@click.option(
    "--labels",
    metavar="0,3|0:100,3:50",
    help="Classes in equal shares, or so many of each; by default by the frequencies of the training data.",
)
@click.option(
    "--truncation",
    type=click.FloatRange(min=0, min_open=True),
    metavar="T",
    help="Cut the normal latents off at -T and T; by default nowhere.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Which set of latents; 0 is the one that the scores are of.",
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="auto, cpu, cuda, cuda:1 or mps; auto: the first CUDA GPU, else the CPU.",
)
@plugin_option
@results_option
def command(
    run: str,
    n: int | None,
    place: Path,
    labels: str | None,
    truncation: float | None,
    seed: int,
    device: str,
    plugins: tuple[Path, ...],
    results: Path,
) -> int:
    """Draw samples from the generator of a run, and write them to an .npz file or to a folder of images.

    RUN is the id of a run, or its first characters. No dataset is needed. An .npz file holds `arr_0`, images
    (N, H, W, C) uint8 or other samples as float32, and `arr_1`, the labels of a conditional generator.

    Exit code: 0 the samples are written, 2 wrong usage, 3 the weights are not on this machine, 4 they are damaged.
    """
    written = sample(run, results, place, SampleSettings(n, labels, truncation, seed, plugins, device))
    for note in written.notes:
        click.echo(printable(f"note: {note}"), err=True)
    click.echo(f"{written.path}: {written.count:,} samples of shape {written.shape}")
    return 0
