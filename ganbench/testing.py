"""The conformance kit: checks of the plugin contracts that plugin authors can run.

In your own test: `from ganbench.testing import check_file`, then `check_file("my_loss.py")`.
Each check raises `ContractError` with a message that says what is wrong.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import torch
from torch import Tensor, nn

from ganbench.conformance.findings import require_none
from ganbench.conformance.transforms import check_calls, supported_shapes
from ganbench.engine.networks import Network, check_stateless, initial
from ganbench.engine.optimizers import OPTIMIZERS
from ganbench.engine.step import Batch, Game, Player, Rates, State, step
from ganbench.engine.strategy import advance, lane, stacked
from ganbench.errors import ContractError, MissingError, describe_error, raised_at
from ganbench.evaluation.data_contract import CheckedData, check_data, too_few
from ganbench.evaluation.evaluator import Evaluator
from ganbench.registry.choice import Choice
from ganbench.registry.contracts import (
    Architecture,
    Dataset,
    FeatureExtractor,
    Loss,
    Metric,
    Run,
    ScoreKind,
    Tracker,
    Transform,
)
from ganbench.registry.discovery import FILES, Offer
from ganbench.registry.fingerprints import fingerprint
from ganbench.registry.registry import Registry
from ganbench.results import literature
from ganbench.signals import SIGNALS
from ganbench.suite.expand import expand
from ganbench.suite.load import load
from ganbench.suite.specs import EvaluationSpec

SHAPES = ((2,), (1, 16, 16), (3, 32, 32), (3, 64, 64))
BATCH = 32
FACTORS = torch.tensor(OPTIMIZERS["adam"].factors(1, 1e-3, (0.5, 0.999)))
RATES = Rates(FACTORS[None], FACTORS)


def check_file(path: str | Path) -> list[str]:
    """Check every plugin of a file, and return the names of what was checked.

    Raises `UsageError` if the file cannot be loaded, `ContractError` if a plugin breaks its contract.
    """
    registry = Registry.load([Path(path)])
    own = [offer for offer in every_offer(registry) if offer.source.file == Path(path).resolve()]
    for offer in own:
        check(offer, registry)
    return [f"{offer.kind} {offer.name}" for offer in own]


def every_offer(registry: Registry) -> Iterator[Offer]:
    """Every plugin of a registry, of every kind."""
    from ganbench.registry.discovery import HOOKS

    for kind in HOOKS:
        for offers in registry.offers(kind).values():
            yield from offers


def check(offer: Offer, registry: Registry) -> None:
    """Check one plugin with its default hyperparameters. Raises `ContractError`."""
    _require(
        offer.kind in FILES or bool(offer.about), f"{offer.kind} {offer.name!r} has no docstring that describes it"
    )
    if offer.kind == "suite":
        expand(load(offer.thing), registry)
        return
    if offer.kind == "published":
        literature.load(offer.thing)
        return
    made: Any = registry.create(offer.kind, registry.choose(offer.kind, offer.name, {}))
    if offer.kind == "loss":
        check_loss(made)
    elif offer.kind == "transform":
        check_transform(made)
    elif offer.kind == "architecture":
        check_architecture(made)
    elif offer.kind == "dataset":
        check_dataset(made, registry, offer.name)
    elif offer.kind == "extractor":
        check_extractor(made, _suited(registry, made))
    elif offer.kind == "tracker":
        check_tracker(made)
    else:
        check_metric(made, offer.name, registry)


def _require(condition: bool, text: str) -> None:
    if not condition:
        raise ContractError(text)


class _Points(nn.Module):
    """A small network on points, for testing losses."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inputs, 16), nn.Tanh(), nn.Linear(16, outputs))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layers(x)
        return result


def _first() -> int:
    return 0


def _game(loss: Loss, seed: int) -> tuple[Game, State, Batch]:
    """A loss in a small game on points, and the data and noise of one step."""
    g_module, g_params, _ = initial(lambda: _Points(2, 2), seed, "generator")
    d_module, d_params, _ = initial(lambda: _Points(2, 1), seed, "discriminator")
    zeros = [(torch.zeros_like(p), torch.zeros_like(p)) for p in (g_params, d_params)]
    state = State(Player(g_params, {}, zeros[0]), Player(d_params, {}, zeros[1]), g_params)
    game = Game(loss, Network(g_module), Network(d_module), OPTIMIZERS["adam"], (0.5, 0.999), 1, 0.0)
    generator = torch.Generator().manual_seed(seed)
    real = torch.randn(1, BATCH, 2, generator=generator)
    latent = torch.randn(2, BATCH, 2, generator=generator)
    return game, state, Batch(real, latent, torch.rand(2, BATCH, generator=generator))


def check_loss(loss: Loss) -> None:
    """Check that both losses are finite scalars, move their own player, and depend on the critic alone."""
    name = type(loss).__name__
    game, state, batch = _game(loss, 0)
    after, trace = step(game, state, batch, _first, RATES)
    for label, value, grad in (("d_loss", trace.d_loss, trace.d_grad), ("g_loss", trace.g_loss, trace.g_grad)):
        _require(value.dim() == 0, f"{name}.{label} must be a scalar, got shape {tuple(value.shape)}")
        _require(bool(value.isfinite()), f"{name}.{label} is {value.item()} for ordinary logits")
        _require(bool(grad.isfinite().all()), f"the gradient of {name}.{label} is not finite for ordinary logits")
        _require(bool(grad.abs().sum() > 0), f"{name}.{label} has no gradient, so its player cannot learn")
    again = step(game, state, batch, _first, RATES)[1]
    same = all(torch.equal(ours, theirs) for ours, theirs in zip(trace, again, strict=True))
    _require(same, f"{name} returns different losses for the same inputs; it must use no randomness and keep no state")
    other = _game(loss, 1)
    try:
        both, _ = advance(game, 2)(stacked([state, other[1]]), stacked([batch, other[2]]), _first, RATES)
    except Exception:  # allowed: seeds of a loss that vmap cannot map run one by one
        return
    close = torch.allclose(lane(both, 0).generator.params, after.generator.params, atol=1e-5)
    _require(close, f"{name} mixes seeds: a seed in a stack gets a different gradient than alone")


def check_transform(transform: Transform) -> None:
    """Check that D sees samples of the stated shape, and that its logits come back, differentiable."""
    name = type(transform).__name__
    shapes = supported_shapes(transform)
    _require(bool(shapes), f"{name} supports no shape of a sample")
    for shape in shapes:
        require_none(check_calls(transform, shape), name)


def check_architecture(architecture: Architecture, shapes: tuple[tuple[int, ...], ...] = SHAPES) -> None:
    """Check that every supported shape gives networks of the right output shapes and ranges, from the seed alone."""
    name = type(architecture).__name__
    _require(isinstance(architecture.latent, int) and architecture.latent > 0, f"{name}.latent must be an integer >= 1")
    supported = [shape for shape in shapes if architecture.supports(shape) is None]
    for shape in shapes:
        reason = architecture.supports(shape)
        _require(
            reason is None or (isinstance(reason, str) and reason != ""),
            f"{name}.supports must return None or the reason why not",
        )
    _require(bool(supported), f"{name} supports none of the shapes {shapes}")
    for shape in supported:
        _check_networks(architecture, name, shape)


def _check_networks(architecture: Architecture, name: str, shape: tuple[int, ...]) -> None:
    g_module, g_params, g_buffers = initial(lambda: architecture.generator(shape), 0, "generator")
    d_module, d_params, d_buffers = initial(lambda: architecture.discriminator(shape), 0, "discriminator")
    again = initial(lambda: architecture.generator(shape), 0, "generator")[1]
    _require(torch.equal(again, g_params), f"{name}: the same seed gives different initial weights")
    check_stateless(lambda: architecture.generator(shape), torch.ones(2, architecture.latent), f"{name}: the generator")
    check_stateless(lambda: architecture.discriminator(shape), torch.ones(2, *shape), f"{name}: the discriminator")
    _require(len(g_params) > 0 and len(d_params) > 0, f"{name}: a network has no parameters")
    latent = torch.randn(4, architecture.latent, generator=torch.Generator().manual_seed(0))
    generator, discriminator = Network(g_module), Network(d_module)
    fake, _ = generator(generator.named(g_params), g_buffers, latent)
    _require(fake.shape == (4, *shape), f"{name}: G returns shape {tuple(fake.shape)}, expected {(4, *shape)}")
    if len(shape) == 3:
        _require(bool(fake.abs().max() <= 1), f"{name}: images must be in [-1, 1]; end G with tanh")
    logits, _ = discriminator(discriminator.named(d_params), d_buffers, fake)
    _require(
        tuple(logits.shape) in ((4,), (4, 1)),
        f"{name}: D returns shape {tuple(logits.shape)}, expected one logit per sample",
    )
    _require(bool(logits.isfinite().all()), f"{name}: D's initial logits are not finite")


def check_dataset(dataset: Dataset, registry: Registry | None = None, name: str = "") -> None:
    """Check what `ganbench run` checks before it trains; the fingerprint is valid and stable.

    With a registry, also that the dataset's own extractor and metrics can be used for it. Raises `ContractError` with
    all problems, and `MissingError` if the data are not there.
    """
    name = name or type(dataset).__name__
    checked = check_data(name, dataset)
    _require(not checked.problems, "\n".join(checked.problems))
    same = fingerprint(dataset, name) == fingerprint(dataset, name)
    _require(same, f"dataset {name!r}.fingerprint gives another text when it is called again")
    samples = dataset.load("test").samples[:10]
    log_density = getattr(dataset, "log_density", None)
    if log_density is not None:
        density = log_density(samples)
        _require(
            density.shape == (len(samples),), f"dataset {name!r}: log_density must return one number for each sample"
        )
    if registry is not None:
        _check_evaluators(dataset, checked, samples[:2], registry)


def _check_evaluators(dataset: Dataset, checked: CheckedData, samples: Tensor, registry: Registry) -> None:
    """Check that the extractor and the metrics that a dataset names exist, support it and have enough samples."""
    chosen = registry.choose("extractor", dataset.extractor, {})
    extractor = registry.create("extractor", chosen)
    metrics = {name: registry.create("metric", registry.choose("metric", name, {})) for name in dataset.metrics}
    for label, one in ((f"extractor {chosen.name!r}", extractor), *((f"metric {n!r}", m) for n, m in metrics.items())):
        reason = getattr(one, "supports", lambda _: None)(dataset)
        _require(reason is None, f"dataset {checked.name!r} names {label}, which does not support it: {reason}")
    lacking = too_few(checked, EvaluationSpec(), extractor, metrics)
    _require(lacking is None, str(lacking))
    try:
        getattr(extractor, "prepare", lambda: None)()
    except MissingError:
        return
    try:
        shape = tuple(extractor.open(dataset, torch.device("cpu"))(samples).features.shape)
    except Exception as error:  # a third-party extractor may raise anything
        what = f"dataset {checked.name!r}: its extractor {chosen.name!r} raised {describe_error(error)}"
        raise ContractError(f"{what}{raised_at(error)}") from error
    wanted = (len(samples), extractor.dims)
    _require(shape == wanted, f"extractor {chosen.name!r} gives features of shape {shape}, wanted {wanted}")


def _suited(registry: Registry, extractor: FeatureExtractor) -> Dataset:
    """A dataset on this machine that an extractor supports. Raises `ContractError`."""
    supports = getattr(extractor, "supports", lambda _: None)
    for name in registry.names("dataset"):
        dataset: Dataset = registry.create("dataset", registry.choose("dataset", name, {}))
        try:
            getattr(dataset, "prepare", lambda: None)()
        except MissingError:
            continue
        if supports(dataset) is None:
            return dataset
    raise ContractError(
        f"{type(extractor).__name__}: it supports no dataset on this machine; call check_extractor with one"
    )


def check_extractor(extractor: FeatureExtractor, dataset: Dataset, count: int = 15) -> None:
    """Check that features have the stated width and do not depend on the batch size; the fingerprint is stable."""
    name = type(extractor).__name__
    _require(
        extractor.fingerprint() == extractor.fingerprint() != "",
        f"{name}.fingerprint must be a stable, non-empty string",
    )
    extract = extractor.open(dataset, torch.device("cpu"))
    samples = dataset.load("test").samples[:count]
    with torch.no_grad():
        whole = extract(samples)
        single = [extract(sample[None]) for sample in samples]
    _require(whole.features.shape == (len(samples), extractor.dims), f"{name}: features must be (N, dims)")
    for field in ("features", "logits"):
        one = getattr(whole, field)
        _require(
            one is not None or field not in ("features", *extractor.gives),
            f"{name} lists {field} in `gives` but returns None",
        )
        if one is not None:
            alone = torch.cat([getattr(part, field) for part in single])
            close = torch.allclose(one, alone, rtol=1e-4, atol=1e-5 * float(one.abs().max()))
            _require(close, f"{name}: {field} depend on the batch size")
    if "modes" in extractor.gives:
        _require(whole.modes is not None and whole.modes.dtype == torch.int64, f"{name}: modes must be int64")


def check_metric(metric: Metric, name: str, registry: Registry) -> None:
    """Check a metric on every supported dataset here: finite named scores and valid faults, the same each time."""
    for score, kind in {**getattr(metric, "scale", {}), **getattr(metric, "kind", {})}.items():
        _require(score in metric.better, f"metric {name!r} has a kind for {score!r}, which its `better` does not list")
        known = get_args(ScoreKind)
        _require(
            kind in known, f"metric {name!r}: the kind of {score!r} must be one of {', '.join(known)}, got {kind!r}"
        )
    tried = 0
    for dataset_name in registry.names("dataset"):
        dataset = registry.create("dataset", registry.choose("dataset", dataset_name, {}))
        try:
            getattr(dataset, "prepare", lambda: None)()
        except MissingError:
            continue
        if getattr(metric, "supports", lambda _: None)(dataset) is not None:
            continue
        _check_scores(metric, name, dataset, registry)
        tried += 1
    _require(tried > 0, f"metric {name!r}: it supports no dataset on this machine")


def _check_scores(metric: Metric, name: str, dataset: Dataset, registry: Registry) -> None:
    extractor = registry.choose("extractor", dataset.extractor, {})
    choice: Choice = registry.choose("metric", name, {})
    evaluation = replace(EvaluationSpec(), real_samples=2000, extractor=extractor, metrics=(choice,))
    made = registry.create("extractor", extractor)
    evaluator = Evaluator(dataset, evaluation, made, {name: metric}, torch.device("cpu"))
    samples = dataset.load("train").samples[:1200]
    found = evaluator.scores(samples)
    for error in found.failures.values():
        raise error
    first = found.values
    _require(bool(first), f"metric {name!r} returns no score for {type(dataset).__name__}")
    _require(
        first == evaluator.scores(samples).values, f"metric {name!r} returns different scores for the same samples"
    )


RECORD = {
    "schema": 1, "id": "0" * 12, "suite": "check", "status": "ok", "reason": "", "metrics": {"score[extractor]": 1.0},
    "cards": {}, "verdict": "ok",
    "snapshots": [{"step": 1, "train_seconds": 0.1, "metrics": {"score[extractor]": 2.0}}],
    "cost": {}, "signals": dict.fromkeys(SIGNALS, 0.5), "provenance": {},
    "diagnosis": [{"flag": "collapse", "since": 1, "fault": True, "evidence": "an example"}],
    "spec": {"seed": 0, "train": {"steps": 2}},
}  # fmt: skip
"""An example of the record of a run that ended well, as trackers receive it."""


def check_tracker(tracker: Tracker) -> None:
    """Check that a tracker accepts signals (also NaN and infinity), and records of runs that ended well or failed."""
    name = type(tracker).__name__
    failed: dict[str, object] = {
        "status": "failed", "reason": "<b>", "metrics": {}, "verdict": None, "snapshots": [], "diagnosis": None,
    }  # fmt: skip
    printed = io.StringIO()
    with TemporaryDirectory() as folder, redirect_stdout(printed):
        try:
            getattr(tracker, "prepare", lambda results: None)(Path(folder))
        except MissingError:
            return
        try:
            for seed, more in enumerate(({}, failed)):
                run = Run(str(seed) * 12, "check", "loss(of=../..)", "network", "points", seed)
                for step, value in enumerate((0.5, float("nan"), float("inf"))):
                    tracker.on_signals(run, step, dict.fromkeys(SIGNALS, value))
                tracker.on_record(run, {**RECORD, "id": run.id, "spec": {"seed": seed, "train": {"steps": 2}}, **more})
            tracker.on_record(run._replace(id="2" * 12), {**RECORD, **failed})  # of a run that never trained
        finally:
            tracker.close()
    _require(not printed.getvalue(), f"{name} prints to stdout, which is reserved for tables")
