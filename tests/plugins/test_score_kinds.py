"""The kinds of scores: declared by metrics, read from older metrics and records, refused where they are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ganbench.errors import ContractError
from ganbench.registry.contracts import Direction, View, score_kind
from ganbench.registry.registry import Registry
from ganbench.testing import check_metric


class Plain:
    """A metric that declares no kind."""

    better: Mapping[str, Direction] = {"score": "higher"}
    uses_extractor = False

    def __call__(self, real: View, fake: View) -> Mapping[str, float]:
        return {"score": 1.0}


def _metric(**declared: Any) -> Any:
    return type("Declared", (Plain,), declared)()


def test_a_kind_is_declared_or_linear_and_the_older_form_is_read() -> None:
    assert score_kind(_metric(), "score") == "linear"
    assert score_kind(_metric(kind={"score": "count"}), "score") == "count"
    assert score_kind(_metric(scale={"score": "log"}), "score") == "log"
    assert score_kind(_metric(scale={"score": "log"}, kind={"score": "share"}), "score") == "share"


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ({"kind": {"score": "counts"}}, "the kind of 'score' must be one of count, share, log, linear, got 'counts'"),
        ({"scale": {"score": "logarithm"}}, "the kind of 'score' must be one of count, share, log, linear"),
        ({"kind": {"scores": "count"}}, "has a kind for 'scores', which its `better` does not list"),
    ],
)
def test_a_wrong_kind_is_refused(registry: Registry, declared: dict[str, Any], text: str) -> None:
    with pytest.raises(ContractError) as caught:
        check_metric(_metric(**declared), "mine", registry)
    assert text in str(caught.value)


def test_the_kinds_of_what_ships(registry: Registry) -> None:
    kinds = {
        score: score_kind(metric, score)
        for name in registry.names("metric")
        for metric in [registry.create("metric", registry.choose("metric", name, {}))]
        for score in metric.better
    }
    assert kinds == {
        "FID": "log", "KID": "log", "SW1": "log", "reverse KL": "log", "class KL": "log",
        "modes": "count", "modes>=1": "count", "hits": "count", "hits KL": "log",
        "HQ": "share", "precision": "share", "recall": "share", "coverage": "share", "confidence": "share",
        "diversity": "share", "memorisation": "share", "density KS": "share",
        "IS": "linear", "density": "linear",
        "copies": "share", "narrowest mode": "share", "rarest mode": "share", "widest mode": "log", "mode W1": "linear",
        "class FID": "log", "worst class FID": "log", "class coverage": "share", "worst class coverage": "share",
        "label accuracy": "share",
    }  # fmt: skip
