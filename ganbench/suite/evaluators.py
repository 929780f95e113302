"""The extractor and the metrics of a combination, and whether they suit its dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ganbench.registry.choice import Choice, Kind
from ganbench.registry.contracts import Dataset, FeatureExtractor, Metric, feature_count
from ganbench.suite import applicable
from ganbench.suite.entries import Entry, plugins_of
from ganbench.suite.fields import chosen_by
from ganbench.suite.picking import Picker
from ganbench.suite.specs import EvaluationSpec
from ganbench.suite.yaml import Node

Plugins = Mapping[str, Mapping[str, object]]
"""Plugins that are made, by kind and name."""


class Evaluators:
    """Chooses extractors and metrics; what is wrong becomes problems."""

    def __init__(self, picker: Picker) -> None:
        self.picker, self.suite = picker, picker.suite
        self.registry, self.problems = picker.registry, picker.problems

    def chosen_for(
        self, evaluation: EvaluationSpec, chosen: dict[str, Node], data: Dataset, entry: Entry
    ) -> EvaluationSpec | None:
        """The evaluation with its extractor and metrics; None if they are not compatible with the dataset."""
        nodes = {"extractor": Node([chosen["extractor"]]) if "extractor" in chosen else Node([Node(data.extractor)])}
        nodes["metrics"] = chosen.get("metrics", Node([Node(name) for name in data.metrics]))
        picked: dict[str, list[Choice]] = {}
        kinds: dict[str, Kind] = {"extractor": "extractor", "metrics": "metric"}
        for key, kind in kinds.items():
            picked[key] = []
            for item in plugins_of(nodes[key], self.problems):
                place = item.node if item.node.line else entry.node
                trouble = self.registry.problem_with(kind, item.name)
                params = dict(item.params)
                if self.suite.weights and not trouble and self.registry.accepts(kind, item.name, "weights"):
                    params["weights"] = Node(str(self.suite.weights))
                choice = None if trouble else self.picker.choose(kind, item.name, params, place)
                if trouble:
                    self.problems.add(place, trouble)
                if choice is None:
                    continue
                made = self.registry.create(kind, choice)
                reason = getattr(made, "supports", lambda _: None)(data) or _lacking_labels(made, data)
                if reason:
                    self.problems.add(place, f"{kind} {item.name!r} is not compatible with {entry.name!r}: {reason}")
                if any(choice.name == other.name for other in picked[key]):
                    self.problems.add(place, f"{kind} {item.name!r} is listed twice")
                picked[key].append(choice)
        if "metrics" not in chosen and picked["extractor"]:
            picked["metrics"] = self._computable(picked["metrics"], picked["extractor"][0])
        if not picked["extractor"] or not picked["metrics"]:
            return None
        self._check_metrics(evaluation, picked["extractor"][0], picked["metrics"], entry, data)
        return replace(evaluation, extractor=picked["extractor"][0], metrics=tuple(picked["metrics"]))

    def _computable(self, metrics: list[Choice], extractor: Choice) -> list[Choice]:
        """Of a dataset's default metrics those that an extractor gives enough for."""
        features = self.registry.create("extractor", extractor)
        return [one for one in metrics if not _lacking(self.registry.create("metric", one), features)]

    def leak(self, evaluation: EvaluationSpec, chosen: dict[str, Node], plugins: Plugins, entry: Entry) -> bool:
        """Whether the extractor is a network of a D that plugins make, which is reported."""
        name = evaluation.extractor.name
        reason = applicable.leaking(plugins, (name, self.registry.create("extractor", evaluation.extractor)))
        if reason:
            self.problems.add(chosen.get("extractor", entry.node), reason)
        return reason is not None

    def _check_metrics(
        self, evaluation: EvaluationSpec, extractor: Choice, metrics: list[Choice], entry: Entry, data: Dataset
    ) -> None:
        """Report metrics that need more samples, or more than the extractor provides."""
        features = self.registry.create("extractor", extractor)
        made = [(choice, self.registry.create("metric", choice)) for choice in metrics]
        for problem in chosen_by(evaluation, [score for _, metric in made for score in metric.better]):
            self.problems.add(entry.node, problem)
        for choice, metric in made:
            lacking = _lacking(metric, features)
            if lacking:
                self.problems.add(
                    entry.node,
                    f"metric {choice.name!r} needs {', '.join(lacking)}, "
                    f"which extractor {extractor.name!r} does not provide",
                )
            least = getattr(metric, "minimum", lambda _: 1)(feature_count(features, data))
            given = [n for n in (evaluation.samples, evaluation.real_samples) if n]
            if min(given) < least:
                self.problems.add(
                    entry.node, f"metric {choice.name!r} needs at least {least} samples, got {min(given)}"
                )


def _lacking(metric: Metric, features: FeatureExtractor) -> list[str]:
    """What a metric needs and an extractor does not give."""
    return [need for need in getattr(metric, "needs", ()) if need not in (*features.gives, "labels")]


def _lacking_labels(plugin: object, data: Dataset) -> str | None:
    """Why a metric that needs labels cannot score a dataset without classes."""
    needs_labels = "labels" in getattr(plugin, "needs", ())
    return "it needs labels, and the dataset has no classes" if needs_labels and not _has_classes(data) else None


def _has_classes(data: Dataset) -> bool:
    return bool(getattr(data, "classes", None))
