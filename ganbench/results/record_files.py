"""What the files of a run and of a reference hold, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ganbench.results.protocol_card import ProtocolCard
from ganbench.results.records import (
    Cost,
    Count,
    EqualCounts,
    Failure,
    Film,
    Finding,
    Histogram,
    Neighbors,
    Positive,
    Provenance,
    Snapshot,
    Status,
    Verdict,
)
from ganbench.suite.specs import EvaluationSpec, ReferenceSpec, RunSpec


@dataclass(frozen=True)
class RunFile:
    """`runs/<id>/record.json`: one training."""

    schema: int
    id: str
    suite: str
    spec: RunSpec
    status: Status
    provenance: Provenance
    reason: str = ""
    failure: Failure | None = None
    cost: Cost = field(default_factory=Cost)
    signals: Mapping[str, float | None] = field(default_factory=dict)
    diagnosis: tuple[Finding, ...] | None = None
    film: Film | None = None
    neighbours: Neighbors | None = None
    shape: tuple[Positive, ...] = ()
    class_counts: tuple[Count, ...] = ()
    class_rows: tuple[Count, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    seal: str = ""


@dataclass(frozen=True)
class ScoresFile:
    """`runs/<id>/scores/<evaluation>.json`: the scores of one run under one evaluation.

    `weights` is the SHA-256 of the weights at the end of training, `step` that of the snapshot which was evaluated
    instead of the end. `failure` says why nothing could be measured.
    """

    schema: int
    id: str
    run: str
    evaluation: EvaluationSpec
    provenance: Provenance
    weights: str | None = None
    failure: Failure | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    cards: Mapping[str, ProtocolCard] = field(default_factory=dict)
    noise: Mapping[str, float] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    step: Count | None = None
    verdict: Verdict | None = None
    histogram: Histogram | None = None
    at_reference_counts: EqualCounts | None = None
    snapshots: tuple[Snapshot, ...] = ()
    seal: str = ""


@dataclass(frozen=True)
class ReferenceFile:
    """`references/<id>/record.json`."""

    schema: int
    id: str
    spec: ReferenceSpec
    status: Status
    metrics: Mapping[str, float]
    cards: Mapping[str, ProtocolCard]
    samples: int
    notes: tuple[str, ...]
    provenance: Provenance
    suite: None = None
    reason: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    verdict: Verdict | None = None
    histogram: Histogram | None = None
    at_reference_counts: EqualCounts | None = None
    film: None = None
    neighbours: Neighbors | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    seal: str = ""
