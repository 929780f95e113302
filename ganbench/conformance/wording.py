"""The rules behind the sentences of checks that runs make too, by what those sentences say."""

from __future__ import annotations

RULES = (
    ("raised ", "raises"),
    ("byte for byte", "splits"),
    ("loading twice", "same-load"),
    ("at the second load", "same-load"),
    ("samples are equal", "data-values"),
    ("NaN or infinity", "finite"),
    ("must be a finite number", "finite"),
    ("not finite", "finite"),
    ("labels are", "labels"),
    ("labels have", "labels"),
    ("there are labels", "labels"),
    ("classes", "classes"),
    ("samples are on", "device"),
    ("samples have shape", "data-shape"),
    ("there are no samples", "data-shape"),
    ("load returned", "data-type"),
    ("samples are", "data-type"),
    ("values are", "image-range"),
    ("fingerprint", "fingerprint"),
    ("unknown extractor", "evaluators"),
    ("unknown metric", "evaluators"),
    ("samples to compare with", "minimum"),
    ("sample to compare with", "minimum"),
    ("samples per side", "minimum"),
    ("limits", "limits"),
    ("which its `better` does not list", "scores"),
    ("scores by name", "scores"),
    ("of kind", "faults"),
    ("list of Faults", "faults"),
    ("its count must be", "faults"),
)
"""By what a sentence contains, in this order."""


def rule_of(text: str, otherwise: str = "contract") -> str:
    """The rule that a sentence is about."""
    return next((rule for marker, rule in RULES if marker in text), otherwise)
