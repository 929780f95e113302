"""The spec of a run or a reference from the plain data that its record holds, with today's plugins behind its names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganbench.errors import UsageError
from ganbench.registry.choice import Choice, Kind
from ganbench.registry.registry import Registry
from ganbench.suite.expand import REFERENCES, expand
from ganbench.suite.fields import EVALUATION, block_values
from ganbench.suite.load import adjusted, suite_of
from ganbench.suite.merging import PLUGIN_KEYS
from ganbench.suite.specs import EXTERNAL, EvaluationSpec, ReferenceSpec, RunSpec
from ganbench.suite.yaml import Node, Problems

Plain = Mapping[str, Any]


def run_spec(plain: Plain, registry: Registry, weights: Path | None = None) -> RunSpec:
    """The spec of `RunSpec.resolved()`, checked as strictly as a suite of this one combination and seed.

    `plain` may hold the evaluation beside the training; without one, the dataset's defaults are taken.
    `weights` is a weight file for an extractor that takes one. Raises `UsageError` for a plugin, a hyperparameter
    or a setting that does not exist or is out of range, and `KeyError`, `TypeError` or `AttributeError` if parts
    of the spec are missing.
    """
    content = {
        "losses": [
            {
                "loss": [_entry(part) for part in plain["loss"]],
                "transforms": [_entry(one) for one in plain.get("transforms", ())],
            }
        ],
        "architectures": [_entry(plain["architecture"])],
        "datasets": [_entry(plain["dataset"])],
        "seeds": [plain["seed"]],
        "train": _train(plain["train"]),
        **({"evaluation": _evaluation(plain["evaluation"])} if "evaluation" in plain else {}),
    }
    suite = adjusted(suite_of(Node.of(content), Problems("spec"), Path("spec")), weights=weights)
    plan = expand(suite, registry)
    if not plan.cells:
        raise UsageError("; ".join(skip.reason for skip in plan.skipped))
    (cell,) = plan.cells
    return cell.run(cell.seeds[0])


def _train(plain: Plain) -> dict[str, object]:
    """Training settings as a suite writes them: with one of the two ways to say the average of G."""
    unused = "ema_half_life" if plain.get("ema_half_life") is None else "ema"
    return {key: value for key, value in plain.items() if key != unused}


def _evaluation(plain: Plain) -> dict[str, object]:
    """An evaluation as a suite writes it; without metrics, the dataset's are taken."""
    metrics = [_entry(metric) for metric in plain["metrics"]]
    rest = {key: value for key, value in plain.items() if key != "metrics"}
    return {**rest, "extractor": _entry(plain["extractor"]), **({"metrics": metrics} if metrics else {})}


def reference_spec(plain: Plain, registry: Registry, weights: Path | None = None) -> ReferenceSpec:
    """The spec of `ReferenceSpec.resolved()`, checked as strictly. Raises as `run_spec` does."""
    if plain["reference"] == EXTERNAL:
        raise UsageError("its samples were made elsewhere; `ganbench evaluate` measures their file again")
    if plain["reference"] not in REFERENCES:
        raise UsageError(f"unknown reference {plain['reference']!r}; known: {', '.join(REFERENCES)}")
    own = plain["evaluation"]
    problems = Problems("spec")
    numbers = Node.of({key: value for key, value in own.items() if key not in PLUGIN_KEYS})
    values = block_values(numbers, EVALUATION, "evaluation", problems)
    problems.check()
    extractor = _choice("extractor", own["extractor"], registry, weights)
    metrics = tuple(_choice("metric", metric, registry, None) for metric in own["metrics"])
    evaluation = replace(EvaluationSpec(**values), extractor=extractor, metrics=metrics)
    return ReferenceSpec(plain["reference"], _choice("dataset", plain["dataset"], registry, None), evaluation)


def _choice(kind: Kind, named: Plain, registry: Registry, weights: Path | None) -> Choice:
    params = dict(named["params"])
    if weights and registry.accepts(kind, named["name"], "weights"):
        params["weights"] = str(weights)
    return registry.choose(kind, named["name"], params)


def _entry(choice: Plain) -> dict[str, object]:
    """A choice as a suite writes it: `name: {hyperparameters}`."""
    return {choice["name"]: dict(choice["params"])}
