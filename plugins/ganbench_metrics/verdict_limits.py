"""The limits from which a score is a fault, and so decides a run's verdict."""

from __future__ import annotations

LEAST_HIGH_QUALITY = 0.5
"""`HQ`: with fewer samples in any mode, the quality is low and mode counts say nothing."""
LEAST_PRECISION = 0.5
"""`precision`: with fewer samples in the real neighborhoods, the quality is low."""
LEAST_DIVERSITY = 0.25
"""`diversity`: with less of the data's spread, the samples have collapsed."""
LEAST_MEMORISATION = 0.5
"""`memorisation`: if half of the samples are nearer to the training set than this part of what new data are."""
