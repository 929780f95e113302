"""The rules behind the sentences of checks that runs make too, by what those sentences say."""

from __future__ import annotations

from ganbench.conformance.findings import Finding

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


def finding_of(text: str, otherwise: str = "contract") -> Finding:
    """A sentence as a finding: what follows the last `, wanted` or `;` of a data check is what to do."""
    rule = next((rule for marker, rule in RULES if marker in text), otherwise)
    return Finding(rule, text)
