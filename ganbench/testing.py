"""The conformance kit for tests of plugins: each check raises `ContractError` that says what is wrong.

In your own test: `from ganbench.testing import check_file`, then `check_file("my_loss.py")`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ganbench.conformance.architectures import SHAPES, architecture_findings
from ganbench.conformance.checker import check_offer, check_source
from ganbench.conformance.datasets import dataset_findings
from ganbench.conformance.extractors import extractor_findings
from ganbench.conformance.findings import Finding, Report, require_none
from ganbench.conformance.losses import loss_findings
from ganbench.conformance.metrics import metric_findings
from ganbench.conformance.trackers import tracker_findings
from ganbench.conformance.transforms import transform_findings
from ganbench.errors import ContractError, MissingError
from ganbench.registry.contracts import Dataset, FeatureExtractor, Metric, Tracker
from ganbench.registry.discovery import HOOKS, Offer, from_file
from ganbench.registry.registry import Registry
from ganbench.registry.training_contracts import Architecture, Loss, Transform

__all__ = [
    "Finding",
    "Report",
    "check",
    "check_architecture",
    "check_dataset",
    "check_extractor",
    "check_file",
    "check_loss",
    "check_metric",
    "check_tracker",
    "check_transform",
    "every_offer",
    "reports",
]


def check_file(path: str | Path) -> list[str]:
    """Check every plugin of a file, and return the names of what was checked.

    Raises `UsageError` if the file cannot be loaded, `ContractError` with every fault of every plugin.
    """
    from_file(Path(path))
    found = reports(path)
    faults = [f"{report.title}: {finding}" for report in found for finding in report.faults]
    if faults:
        raise ContractError("\n".join(faults))
    return [report.title for report in found]


def reports(path: str | Path) -> list[Report]:
    """What the checks of every plugin of a file found; nothing is raised for faults."""
    return check_source(Path(path))


def every_offer(registry: Registry) -> Iterator[Offer]:
    """Every plugin of a registry, of every kind."""
    for kind in HOOKS:
        for offers in registry.offers(kind).values():
            yield from offers


def check(offer: Offer, registry: Registry) -> None:
    """Check one plugin with its defaults. Raises `ContractError`, and `MissingError` if it lacks something."""
    report = check_offer(offer, registry)
    require_none(report.findings, report.title)
    if report.unchecked:
        raise MissingError(f"{report.title}: {report.unchecked}")


def check_loss(loss: Loss) -> None:
    """Check that a part returns finite scalars that move their player, and depends on the critic alone."""
    require_none(loss_findings(loss), type(loss).__name__)


def check_transform(transform: Transform) -> None:
    """Check that D sees samples of the stated shape, and that its logits come back, differentiable."""
    require_none(transform_findings(transform), type(transform).__name__)


def check_architecture(architecture: Architecture, shapes: tuple[tuple[int, ...], ...] = SHAPES) -> None:
    """Check that every supported shape gives networks of the right output shapes and ranges, from the seed alone."""
    require_none(architecture_findings(architecture, shapes), type(architecture).__name__)


def check_dataset(dataset: Dataset, registry: Registry | None = None, name: str = "") -> None:
    """Check what `ganbench run` checks before it trains; the fingerprint is valid and stable.

    With a registry, also that the dataset's own extractor and metrics can be used for it. Raises `ContractError` with
    all problems, and `MissingError` if the data are not there.
    """
    require_none(dataset_findings(dataset, registry, name or type(dataset).__name__))


def check_extractor(extractor: FeatureExtractor, dataset: Dataset, count: int = 15) -> None:
    """Check that features have the stated width and do not depend on the batch size; the fingerprint is stable."""
    require_none(extractor_findings(extractor, dataset, count), type(extractor).__name__)


def check_metric(metric: Metric, name: str, registry: Registry) -> None:
    """Check a metric on every supported dataset here: finite named scores and valid faults, the same each time."""
    require_none(metric_findings(metric, name, registry))


def check_tracker(tracker: Tracker) -> None:
    """Check that a tracker accepts signals (also NaN and infinity), and records of runs that ended well or failed."""
    require_none(tracker_findings(tracker), type(tracker).__name__)
