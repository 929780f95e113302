"""Compares samples with honest ones: real samples that the scores do not compare with, as many as the fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import torch

from ganbench.engine import threefry
from ganbench.engine.tensor_cache import cached
from ganbench.errors import ContractError
from ganbench.formatting import number
from ganbench.registry.contracts import Fault, Limit, Metric, View, score_kind
from ganbench.results.records import EqualCounts
from ganbench.results.verdicts import ORDER

LEAST = 200
"""With fewer honest samples their own scores are too uncertain to compare with."""
PURPOSE = "reference"
"""Names the random order of the held-out samples; the reference row takes the same ones."""


def limits_of(name: str, metric: Metric) -> Mapping[str, tuple[Limit, ...]]:
    """A metric's limits relative to honest samples. Raises `ContractError` if they are invalid."""
    found = getattr(metric, "limits", {})
    if not isinstance(found, Mapping):
        raise ContractError(f"metric {name!r}: `limits` must map scores to tuples of Limits, got {found!r}")
    for score, limits in found.items():
        if score not in metric.better:
            raise ContractError(f"metric {name!r} has limits for {score!r}, which its `better` does not list")
        for limit in limits if isinstance(limits, tuple) else (limits,):
            if not isinstance(limit, Limit) or limit.kind not in ORDER or limit.factor <= 0:
                raise ContractError(
                    f"metric {name!r}: the limits of {score!r} must be a tuple of Limits with a factor above 0 and of "
                    f"kind {', '.join(ORDER)}; got {limits!r}"
                )
    return {score: limits if isinstance(limits, tuple) else (limits,) for score, limits in found.items()}


def rows(view: View, count: int, purpose: str | None = None) -> View:
    """`count` samples of a view: the first, or those that the random order of a `purpose` puts first."""
    have = view.size
    order = torch.arange(have) if purpose is None else threefry.permutation(0, purpose, have)
    kept = order[:count]
    some = {
        name: None if tensor is None else tensor[kept.to(tensor.device)]
        for name, tensor in (
            ("stored", view.stored), ("features", view.features), ("logits", view.logits), ("modes", view.modes),
            ("labels", view.labels),
        )
    }  # fmt: skip
    return view._replace(**some)  # type: ignore[arg-type]


def at_equal_counts(
    fake: View, scores: Mapping[str, float], honest: View, name: str, measure: Callable[[View], Mapping[str, float]]
) -> EqualCounts:
    """The scores of the first fakes and of as many honest samples; `scores` are those of all fakes.

    `measure` gives the scores of a view by their labels. Those of honest samples are cached between runs under `name`.
    """
    count = min(fake.size, honest.size)

    def compute() -> dict[str, torch.Tensor]:
        found = measure(rows(honest, count, PURPOSE))
        return {label: torch.tensor(value, dtype=torch.float64) for label, value in found.items()}

    floor = {label: value.item() for label, value in cached(f"{name}-{count}", compute).items()}
    same = count == fake.size
    return EqualCounts(count, dict(scores) if same else dict(measure(rows(fake, count))), floor)


def relative_faults(metric: Metric, limits: Mapping[str, tuple[Limit, ...]], labels: Mapping[str, str],
                    at: EqualCounts) -> Iterator[Fault]:  # fmt: skip
    """The first limit of each score that is exceeded; `labels` are the scores' names in the record."""
    for score, own in limits.items():
        label = labels[score]
        if label not in at.scores or label not in at.honest:
            continue
        value, honest = at.scores[label], at.honest[label]
        for limit in own:
            if limit.exceeded(value, honest, metric.better[score]):
                told = (
                    f"{label} {number(value)}, of honest samples {number(honest)}, "
                    f"limit {number(limit.bound(honest, metric.better[score]))}, each of {at.samples:,} samples"
                )
                count, of = _counted(metric, score, value, honest)
                yield Fault(limit.kind, count, of, limit.severe, told)
                break


def _counted(metric: Metric, score: str, value: float, honest: float) -> tuple[int | None, int | None]:
    """How many of how many there are, if a score counts things and honest samples have more of them."""
    counts = score_kind(metric, score) == "count" and 0 <= value <= honest
    return (int(value), int(honest)) if counts else (None, None)
