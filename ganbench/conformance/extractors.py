"""Checks a feature extractor: the form of what it gives, and that it depends on one sample at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from ganbench.conformance.findings import BrokenRuleError, Collector, Finding
from ganbench.conformance.pretended import Elsewhere, MixedError
from ganbench.errors import PLUGIN_ERRORS, MissingError
from ganbench.registry.contracts import Dataset, FeatureExtractor, Features, feature_count
from ganbench.registry.registry import Registry

GIVES = ("logits", "modes")


def extractor_findings(extractor: FeatureExtractor, dataset: Dataset, count: int = 15) -> list[Finding]:
    """All findings of an extractor on the first test samples of a dataset that it supports."""
    found = Collector()
    found.extend(_declarations(extractor))
    with found.catching("fingerprint"):
        prints = [extractor.fingerprint(), extractor.fingerprint()]
        if not isinstance(prints[0], str) or not prints[0] or prints[0] != prints[1]:
            seen = f"fingerprint returns {prints[0]!r} and then {prints[1]!r}"
            found.add(Finding("fingerprint", seen, "return a stable, non-empty string: a hash of the weights"))
    with found.catching("open"), torch.no_grad():
        extract = extractor.open(dataset, torch.device("cpu"))
        samples = dataset.load("test").samples[:count]
        if samples.dtype == torch.uint8:
            samples = samples.float() / 127.5 - 1
        kept = samples.clone()
        whole = _features(extract(samples))
        if not torch.equal(kept, samples):
            found.add(Finding("in-place", "it changes the samples that it is given", "compute a new tensor"))
        single = [_features(extract(sample[None])) for sample in kept]
        found.extend(_wrong_features(extractor, feature_count(extractor, dataset), whole, single))
        found.extend(_on_another_device(extractor, dataset, kept))
    return found.findings


def _on_another_device(extractor: FeatureExtractor, dataset: Dataset, samples: Tensor) -> Iterator[Finding]:
    """Whether it leaves something on the CPU. What else is raised may be a limit of the pretended device."""
    try:
        with Elsewhere() as there:
            extractor.open(dataset, there.device)(samples.to(there.device))
    except MixedError as error:
        fix = "move its networks and constants to the device that `open` is given"
        yield Finding("device", f"it mixes tensors of its device with others: {error}", fix)
    except PLUGIN_ERRORS:  # a third-party extractor may do what no operator shows
        return


def suited(registry: Registry, extractor: FeatureExtractor) -> Dataset | None:
    """A dataset on this machine that an extractor supports, or None."""
    supports: Callable[[Dataset], str | None] = getattr(extractor, "supports", lambda _: None)
    return next((dataset for _, dataset in datasets_here(registry) if supports(dataset) is None), None)


def suited_if_there(registry: Registry, extractor: FeatureExtractor) -> str | None:
    """The name of a dataset that an extractor supports, whether or not its data are on this machine."""
    supports: Callable[[Dataset], str | None] = getattr(extractor, "supports", lambda _: None)
    for name in registry.names("dataset"):
        try:
            if supports(registry.create("dataset", registry.choose("dataset", name, {}))) is None:
                return name
        except PLUGIN_ERRORS:  # a broken dataset is no fault of what is checked
            continue
    return None


def datasets_here(registry: Registry) -> Iterator[tuple[str, Dataset]]:
    """Every dataset whose data are on this machine, by name; those that raise anything else are left to their check."""
    for name in registry.names("dataset"):
        try:
            dataset = registry.create("dataset", registry.choose("dataset", name, {}))
            getattr(dataset, "prepare", lambda: None)()
        except PLUGIN_ERRORS:  # a broken dataset is no fault of what is checked
            continue
        yield name, dataset


def _declarations(extractor: FeatureExtractor) -> Iterator[Finding]:
    dims = extractor.dims
    if dims is not None and (not isinstance(dims, int) or isinstance(dims, bool) or dims < 1):
        fix = "give the number of features, an integer >= 1, or None if they are the numbers of a sample"
        yield Finding("features", f"dims is {dims!r}", fix)
    gives = extractor.gives
    if isinstance(gives, str) or not all(name in GIVES for name in gives):
        yield Finding("gives", f"gives is {gives!r}", 'write a tuple of "logits", "modes", or ()')


def _features(given: object) -> Features:
    if not isinstance(given, Features):
        fix = "return ganbench.Features(features, logits, modes)"
        raise BrokenRuleError(Finding("features", f"it returns {type(given).__name__}", fix))
    return given


def _wrong_features(
    extractor: FeatureExtractor, dims: int, whole: Features, single: Sequence[Features]
) -> Iterator[Finding]:
    shape, count = tuple(whole.features.shape), len(single)
    if shape != (count, dims) or whole.features.dtype != torch.float32:
        seen = f"features are {shape} {whole.features.dtype} for {count} samples"
        yield Finding("features", seen, f"features must be (N, dims), {(count, dims)}, as float32")
        return
    for name in ("features", *GIVES):
        tensor: Tensor | None = getattr(whole, name)
        if tensor is None:
            if name in extractor.gives:
                yield Finding("gives", f"it lists {name} in `gives` but returns None", "return it, or leave it out")
            continue
        if name == "modes" and tensor.dtype != torch.int64:
            yield Finding("modes", f"modes are {tensor.dtype}", "modes must be int64; convert with .long()")
        if len(tensor) != count:
            yield Finding(
                "features", f"{name} has {len(tensor)} rows for {count} samples", "give a row for each sample"
            )
        elif not bool(tensor.isfinite().all()):
            yield Finding("finite", f"{name} are not finite", "check the weights and the range of the input")
        else:
            yield from _batch(name, tensor, [getattr(one, name) for one in single])


def _batch(name: str, whole: Tensor, single: list[Tensor]) -> Iterator[Finding]:
    alone, scale = torch.cat(single), float(whole.abs().max())
    if alone.shape != whole.shape or not torch.allclose(whole.double(), alone.double(), 1e-4, 1e-5 * scale):
        fix = "handle each sample by itself: eval(), no statistics over the batch"
        yield Finding("batch", f"{name} depend on the batch size: a sample alone gives other values", fix)


def missing(extractor: FeatureExtractor) -> str | None:
    """What an extractor lacks on this machine, or None. Nothing is downloaded if it says where its weights lie."""
    try:
        path = getattr(extractor, "path", None)
        if path is None:
            getattr(extractor, "prepare", lambda: None)()
        elif not path().is_file():
            return f"no weights at {path()}"
    except MissingError as error:
        return str(error)
    return None
